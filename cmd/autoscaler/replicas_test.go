package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

var server kubetest.Shared

// asReplica in the environment makes the test binary the command.
const asReplica = "TEST_RUN_AUTOSCALER"

func TestMain(m *testing.M) {
	if os.Getenv(asReplica) != "" {
		os.Args[0] = "autoscaler"
		main()
		return
	}
	os.Exit(server.Main(m))
}

// replicas are autoscalers of one cluster, each a process of its own.
type replicas struct {
	t          *testing.T
	kubeconfig string
	namespace  string
	function   wire.FunctionID
}

func newReplicas(t *testing.T) *replicas {
	t.Helper()
	s := server.Get(t)
	r := &replicas{t: t, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig"), namespace: s.Namespace(t)}
	config := s.Config()
	file := clientcmdapi.NewConfig()
	file.Clusters["c"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthority: config.CAFile}
	file.AuthInfos["c"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	file.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "c"}
	file.CurrentContext = "c"
	if err := clientcmd.WriteToFile(*file, r.kubeconfig); err != nil {
		t.Fatal(err)
	}
	clients, err := kube.NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	// Its pods are not allowed, so demands are answered at once.
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "forbidden"}}
	e.Spec.Version, e.Spec.Runtime.Image = 3, "image"
	e.Spec.Runtime.PodSpec = &runtime.RawExtension{Raw: []byte(`{"hostNetwork":true}`)}
	if _, err = clients.Environments(r.namespace).Create(t.Context(), e, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "hello"}}
	f.Spec.Environment = v1.EnvironmentReference{Name: e.Name}
	f.Spec.Package.PackageRef.Name = "code"
	if f, err = clients.Functions(r.namespace).Create(t.Context(), f, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.function = wire.FunctionID{Namespace: f.Namespace, Name: f.Name, UID: string(f.UID)}
	return r
}

// start starts the replica with that address and waits until it is ready.
func (r *replicas) start(ip string) *exec.Cmd {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(self,
		"--address="+ip, "--identity="+ip, "--lease=autoscaler", "--kubeconfig="+r.kubeconfig, "--namespace="+r.namespace,
		"--component-namespace="+r.namespace, "--code-dir="+r.t.TempDir(), "--fetcher-image=f", "--proxy-image=q")
	cmd.Env = append(os.Environ(), asReplica+"=1")
	cmd.Stdout, cmd.Stderr = r.t.Output(), r.t.Output()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// listens reports whether the replica serves streams.
func listens(ip string) bool {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("%s:%d", ip, wire.PortAutoscaler), time.Second)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// answered waits until a demand is answered, on a new connection as after a break, and returns when.
func (r *replicas) answered(all map[string]*exec.Cmd) time.Time {
	r.t.Helper()
	addresses := ""
	for ip := range all {
		addresses += fmt.Sprintf(",%s:%d", ip, wire.PortAutoscaler)
	}
	conn, err := feed.Dial(addresses[1:])
	if err != nil {
		r.t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for {
		stream, err := feed.OpenDemand(ctx, conn)
		if err == nil {
			err = stream.Send(&wire.Demand{Function: r.function, Waiting: 1})
		}
		if err == nil {
			if p, recvErr := stream.Recv(); recvErr == nil && p.Failure != nil {
				return time.Now()
			}
		}
		if ctx.Err() != nil {
			r.t.Fatalf("nobody answers: %v", err)
		}
	}
}

func TestReplicas_AFollowerTakesOverWhenTheLeaderStopsOrIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes and waits for a lease")
	}
	r := newReplicas(t)
	all := map[string]*exec.Cmd{}
	for _, ip := range []string{"127.13.1.1", "127.13.1.2", "127.13.1.3", "127.13.1.4"} {
		all[ip] = r.start(ip)
		awaitReady(t, ip)
	}
	r.answered(all)

	var stops []time.Duration // two, since a busy machine may slow one down
	for range 2 {
		leader := end(t, all, syscall.SIGTERM)
		stopped := time.Now()
		if code := leader.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the leader stopped with code %d", code)
		}
		stops = append(stops, r.answered(all).Sub(stopped))
	}
	if slices.Min(stops) > time.Second {
		t.Errorf("after stops the first demand was answered after %s", stops)
	}

	end(t, all, syscall.SIGKILL)
	killed := time.Now()
	if took := r.answered(all).Sub(killed); took > 5*time.Second {
		t.Errorf("after a kill the first demand was answered after %s", took)
	}
}

// end ends the one replica that leads.
func end(t *testing.T, all map[string]*exec.Cmd, with syscall.Signal) *exec.Cmd {
	t.Helper()
	var leaders []string
	for ip := range all {
		if listens(ip) {
			leaders = append(leaders, ip)
		}
	}
	if len(leaders) != 1 {
		t.Fatalf("leaders %v", leaders)
	}
	leader := all[leaders[0]]
	delete(all, leaders[0])
	_ = leader.Process.Signal(with)
	_ = leader.Wait()
	return leader
}

// awaitReady waits until the replica has its caches.
func awaitReady(t *testing.T, ip string) {
	t.Helper()
	url := fmt.Sprintf("http://%s:%d/readyz", ip, wire.PortDebug)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(url)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready: %v", ip, err)
		}
	}
}
