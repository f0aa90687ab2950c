package node

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

// cluster is a real API server and an agent that runs its pods.
type cluster struct {
	t      *testing.T
	client kubernetes.Interface
	admin  *rest.Config
	ns     string
	dir    string
	agent  *Agent
	stop   func()
}

// newCluster starts an agent whose identities are those of a real node and scheduler.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	s := server.Get(t)
	c := &cluster{t: t, admin: s.Config(), ns: s.Namespace(t), dir: t.TempDir()}
	c.client = kubernetes.NewForConfigOrDie(c.admin)
	c.start()
	t.Cleanup(func() { c.stop() })
	c.eventually("service account", func() bool {
		_, err := c.client.CoreV1().ServiceAccounts(c.ns).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	return c
}

func (c *cluster) start(statics ...*corev1.Pod) {
	c.t.Helper()
	node, scheduler := rest.CopyConfig(c.admin), rest.CopyConfig(c.admin)
	node.Impersonate = rest.ImpersonationConfig{UserName: "system:node:n1", Groups: []string{"system:nodes", "system:authenticated"}}
	scheduler.Impersonate = rest.ImpersonationConfig{UserName: "system:kube-scheduler", Groups: []string{"system:authenticated"}}
	agent, err := New(Config{
		NodeName: "n1", Client: node, Scheduler: scheduler, Dir: c.dir, CIDR: netip.MustParsePrefix("127.78.0.0/16"),
		Images: shellImages{}, PodInit: initPath, StreamAddr: freeAddress(c.t), ClientCA: clientCA,
		StaticPods: statics, Log: slog.New(slog.NewTextHandler(testWriter{c.t}, nil)), Path: os.Getenv("PATH"),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- agent.Run(ctx) }()
	c.agent = agent
	c.stop = func() {
		cancel()
		if err := <-ended; err != nil {
			c.t.Error(err)
		}
		c.stop = func() {}
	}
}

// freeAddress returns a port that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.78.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// testWriter sends logs to the test's own, as long as that goes on.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(data []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", bytes.TrimSpace(data))
	}
	return len(data), nil
}

func (c *cluster) eventually(what string, condition func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.t.Fatalf("not within 30 s: %s", what)
		}
	}
}

func (c *cluster) create(name, script string, change ...func(*corev1.Pod)) *corev1.Pod {
	c.t.Helper()
	pod := shellPod(script)
	pod.Name, pod.Namespace, pod.UID = name, c.ns, ""
	for _, f := range change {
		f(pod)
	}
	made, err := c.client.CoreV1().Pods(c.ns).Create(c.t.Context(), pod, metav1.CreateOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	return made
}

// get returns a pod, an empty one when it does not exist.
func (c *cluster) get(name string) *corev1.Pod {
	c.t.Helper()
	pod, err := c.client.CoreV1().Pods(c.ns).Get(c.t.Context(), name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		c.t.Fatal(err)
	}
	return pod
}

func (c *cluster) ready(name string) *corev1.Pod {
	c.t.Helper()
	c.eventually("pod "+name+" is ready", func() bool { return isReady(c.get(name).Status) })
	return c.get(name)
}

func (c *cluster) gone(name string) bool {
	_, err := c.client.CoreV1().Pods(c.ns).Get(c.t.Context(), name, metav1.GetOptions{})
	return apierrors.IsNotFound(err)
}

// hasEvent says whether a pod has an event with the reason and text.
func (c *cluster) hasEvent(pod, reason, text string) bool {
	events, err := c.client.CoreV1().Events(c.ns).List(c.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + pod})
	if err != nil {
		c.t.Fatal(err)
	}
	for _, e := range events.Items {
		if e.Reason == reason && strings.Contains(e.Message, text) {
			return true
		}
	}
	return false
}

func TestAgent_RunsAPodFromCreationToDeletion(t *testing.T) {
	c := newCluster(t)
	c.create("life", `trap 'echo bye; sleep 0.2; exit 0' TERM; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; while :; do sleep 0.05; done`)
	pod := c.ready("life")
	if pod.Spec.NodeName != "n1" || !strings.HasPrefix(pod.Status.PodIP, "127.78.1.") || pod.Status.Phase != corev1.PodRunning {
		t.Errorf("pod on %q with %q is %s", pod.Spec.NodeName, pod.Status.PodIP, pod.Status.Phase)
	}
	stream, err := c.client.CoreV1().Pods(c.ns).GetLogs("life", &corev1.PodLogOptions{Follow: true}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	lines := bufio.NewScanner(stream)
	if !lines.Scan() || lines.Text() != c.ns {
		t.Errorf("first line %q, want the namespace %s", lines.Text(), c.ns)
	}
	if err := c.client.CoreV1().Pods(c.ns).Delete(t.Context(), "life", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if !lines.Scan() || lines.Text() != "bye" {
		t.Errorf("last line %q, want that of the trap", lines.Text())
	}
	c.eventually("pod is gone", func() bool { return c.gone("life") })
	for _, reason := range []string{"Scheduled", "Started", "Killing"} {
		c.eventually("event "+reason, func() bool { return c.hasEvent("life", reason, "") })
	}
	// Pods of other tests may still be ending: their folders do not count.
	if _, err := os.Stat(filepath.Join(c.dir, "pods", string(pod.UID))); !os.IsNotExist(err) {
		t.Errorf("the pod's folder is left: %v", err)
	}
}

func TestAgent_UnknownImageIsAnEventThatNamesTheKnown(t *testing.T) {
	c := newCluster(t)
	c.create("unknown", "true", func(p *corev1.Pod) { p.Spec.Containers[0].Image = "nowhere/none" })
	c.eventually("event", func() bool { return c.hasEvent("unknown", "Failed", "known images: shell") })
	c.eventually("waiting reason", func() bool {
		s := c.get("unknown").Status
		return len(s.ContainerStatuses) == 1 && s.ContainerStatuses[0].State.Waiting != nil &&
			s.ContainerStatuses[0].State.Waiting.Reason == "ImagePullBackOff"
	})
	if err := c.client.CoreV1().Pods(c.ns).Delete(t.Context(), "unknown", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("pod is gone", func() bool { return c.gone("unknown") })
}

func TestAgent_RefusesAPodForAnotherNode(t *testing.T) {
	c := newCluster(t)
	c.create("elsewhere", "true", func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"disk": "ssd"} })
	c.eventually("event", func() bool { return c.hasEvent("elsewhere", "FailedScheduling", "node affinity/selector") })
	if pod := c.get("elsewhere"); pod.Spec.NodeName != "" {
		t.Errorf("bound to %q", pod.Spec.NodeName)
	}
}

func TestAgent_ExecThroughTheAPIServer(t *testing.T) {
	c := newCluster(t)
	c.create("exec", "exec sleep 1000")
	c.ready("exec")
	for name, connect := range map[string]func(string, *rest.Request) (remotecommand.Executor, error){
		"SPDY": func(method string, r *rest.Request) (remotecommand.Executor, error) {
			return remotecommand.NewSPDYExecutor(c.admin, method, r.URL())
		},
		"WebSocket": func(_ string, r *rest.Request) (remotecommand.Executor, error) {
			return remotecommand.NewWebSocketExecutor(c.admin, "GET", r.URL().String())
		},
	} {
		t.Run(name, func(t *testing.T) {
			request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.ns).Name("exec").SubResource("exec").
				VersionedParams(&corev1.PodExecOptions{
					Container: "c", Command: []string{"/bin/sh", "-c", "cat; echo err >&2; exit 5"}, Stdin: true, Stdout: true, Stderr: true,
				}, scheme.ParameterCodec)
			executor, err := connect("POST", request)
			if err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			err = executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("typed"), Stdout: &out, Stderr: &errs})
			var exit exec.CodeExitError
			if !errors.As(err, &exit) || out.String() != "typed" || errs.String() != "err\n" || exit.Code != 5 {
				t.Errorf("out %q, err %q, exit %v", out.String(), errs.String(), err)
			}
		})
	}
}

func TestAgent_ExecWithTerminalThroughTheAPIServer(t *testing.T) {
	c := newCluster(t)
	c.create("tty", "exec sleep 1000")
	c.ready("tty")
	request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.ns).Name("tty").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "c", Command: []string{"/bin/sh", "-c", "tty; read x; echo got-$x"}, Stdin: true, Stdout: true, TTY: true}, scheme.ParameterCodec)
	executor, err := remotecommand.NewWebSocketExecutor(c.admin, "GET", request.URL().String())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := executor.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader("word\n"), Stdout: &out, Tty: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "/dev/pts/") || !strings.Contains(out.String(), "got-word") {
		t.Errorf("terminal showed %q", out.String())
	}
}

func TestAgent_PortForwardThroughTheAPIServer(t *testing.T) {
	python := findProgram("python3", "/usr/local/bin:/usr/bin:/bin")
	if python == "" {
		t.Skip("needs /usr/bin/python3 for a web server in the pod")
	}
	c := newCluster(t)
	c.create("web", "cd /tmp; echo hello >index.html; exec "+python+" -m http.server 8080 --bind $POD_IP", func(p *corev1.Pod) {
		p.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "POD_IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}}
		p.Spec.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080)}}}
	})
	c.ready("web")
	request := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(c.ns).Name("web").SubResource("portforward")
	transport, upgrader, err := spdy.RoundTripperFor(c.admin)
	if err != nil {
		t.Fatal(err)
	}
	tunnel, err := portforward.NewSPDYOverWebsocketDialer(request.URL(), c.admin)
	if err != nil {
		t.Fatal(err)
	}
	for name, dialer := range map[string]httpstream.Dialer{
		"SPDY":      spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", request.URL()),
		"WebSocket": tunnel,
	} {
		t.Run(name, func(t *testing.T) {
			if body := forwarded(t, dialer); body != "hello\n" {
				t.Errorf("body %q", body)
			}
		})
	}
}

// forwarded gets / through a forwarded port 8080, twice.
func forwarded(t *testing.T, dialer httpstream.Dialer) string {
	t.Helper()
	stop, ready := make(chan struct{}), make(chan struct{})
	defer close(stop)
	forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, testWriter{t})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = forwarder.ForwardPorts() }()
	<-ready
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	var body []byte
	for range 2 {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", ports[0].Local))
		if err != nil {
			t.Fatal(err)
		}
		body, _ = io.ReadAll(response.Body)
		response.Body.Close()
	}
	return string(body)
}

func TestAgent_RestartedPlatformStartsThePodsAgain(t *testing.T) {
	c := newCluster(t)
	c.create("stays", "echo run; exec sleep 1000", func(p *corev1.Pod) { p.Spec.TerminationGracePeriodSeconds = new(int64(1)) })
	before := c.ready("stays")
	c.stop()
	c.eventually("pod is not ready while nothing runs", func() bool { return !isReady(c.get("stays").Status) })
	c.start()
	after := c.ready("stays")
	s := after.Status.ContainerStatuses[0]
	if after.UID != before.UID || s.RestartCount != 1 || s.LastTerminationState.Terminated == nil {
		t.Errorf("uid %s then %s, container %+v", before.UID, after.UID, s)
	}
}

func TestAgent_StaticPodsHaveMirrorsAndRunWithoutThem(t *testing.T) {
	c := newCluster(t)
	c.stop()
	template := shellPod("exec sleep 1000")
	template.Name, template.Namespace, template.UID = "static-n1", c.ns, ""
	template.Annotations = map[string]string{AddressAnnotation: "127.78.0.7"}
	template.Spec.TerminationGracePeriodSeconds = new(int64(1))
	template.Spec.Volumes = []corev1.Volume{{Name: "etc", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: c.dir}}}}
	template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "etc", MountPath: "/data"}}
	c.start(template)
	mirror := c.ready("static-n1")
	if mirror.Status.PodIP != "127.78.0.7" || mirror.Annotations[corev1.MirrorPodAnnotationKey] == "" {
		t.Errorf("mirror at %q with annotations %v", mirror.Status.PodIP, mirror.Annotations)
	}
	if err := c.client.CoreV1().Pods(c.ns).Delete(t.Context(), "static-n1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.eventually("a new mirror is ready", func() bool {
		return c.get("static-n1").UID != mirror.UID && isReady(c.get("static-n1").Status)
	})
	changed := template.DeepCopy()
	changed.Spec.Containers[0].Args = []string{"echo changed; exec sleep 1000"}
	second := c.get("static-n1").UID
	c.agent.SetStatic([]*corev1.Pod{changed})
	c.eventually("the changed pod runs", func() bool {
		return c.get("static-n1").UID != second && isReady(c.get("static-n1").Status)
	})
	c.agent.SetStatic(nil)
	c.eventually("no mirror is left", func() bool { return c.gone("static-n1") })
}

func TestAgent_ForcedDeletionEndsTheProcesses(t *testing.T) {
	c := newCluster(t)
	c.create("forced", "trap '' TERM; while :; do sleep 0.05; done")
	pod := c.ready("forced")
	if err := c.client.CoreV1().Pods(c.ns).Delete(t.Context(), "forced", metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
	c.eventually("directory is gone", func() bool {
		_, err := os.Stat(filepath.Join(c.dir, "pods", string(pod.UID)))
		return os.IsNotExist(err)
	})
}

func TestAgent_TimeFromCreationToReady(t *testing.T) {
	c := newCluster(t)
	const rounds = 10
	var total time.Duration
	for i := range rounds {
		name := fmt.Sprintf("fast-%d", i)
		began := time.Now()
		c.create(name, "exec sleep 1000", func(p *corev1.Pod) { p.Spec.AutomountServiceAccountToken = new(false) })
		for !isReady(c.get(name).Status) {
			time.Sleep(time.Millisecond)
		}
		total += time.Since(began)
	}
	t.Logf("creation to Ready: %v on average", total/rounds)
	if total/rounds > 2*time.Second {
		t.Errorf("a trivial pod took %v", total/rounds)
	}
}
