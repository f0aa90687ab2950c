package trigger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/cmd/internal/command"
	"hotpod.dev/cmd/internal/trigger"
	"hotpod.dev/event"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/kube"
	"hotpod.dev/kube/watched"
	"hotpod.dev/kubewatcher"
	"hotpod.dev/timer"
)

var server kubetest.Shared

// asPart makes this test's program a replica of a part.
const asPart = "HOTPOD_TEST_PART"

func TestMain(m *testing.M) {
	part := os.Getenv(asPart)
	if part == "" {
		os.Exit(server.Main(m))
	}
	assemble := map[string]func(trigger.Deps) (trigger.Part, error){timer.Source: timerOf, kubewatcher.Source: watcherOf}[part]
	command.Main(part, func(ctx context.Context) error {
		return trigger.Run(ctx, part, os.Args[1:], os.Getenv, os.Stderr, assemble)
	})
}

func timerOf(d trigger.Deps) (trigger.Part, error) {
	t := timer.New(timer.Config{Triggers: kube.NewTimeTriggers(d.Clients), Sender: d.Sender, Log: d.Log, Registerer: d.Registry})
	d.Cache.TimeTriggers().Watch(kube.Handler[*v1.TimeTrigger]{Set: t.SetTrigger, Delete: t.DeleteTrigger})
	return t, nil
}

func watcherOf(d trigger.Deps) (trigger.Part, error) {
	cluster, err := watched.New(d.Clients)
	if err != nil {
		return nil, err
	}
	w := kubewatcher.New(kubewatcher.Config{
		Cluster: cluster, Triggers: kube.NewWatchTriggers(d.Clients), Sender: d.Sender, Log: d.Log, Registerer: d.Registry,
	})
	d.Cache.KubernetesWatchTriggers().Watch(kube.Handler[*v1.KubernetesWatchTrigger]{Set: w.SetTrigger, Delete: w.DeleteTrigger})
	return w, nil
}

// told is a call as the function got it: of what, under which identity.
type told struct {
	what, id string
	at       time.Time
}

// replicas are two live replicas of a part, and a function that remembers.
type replicas struct {
	t         *testing.T
	part      string
	clients   *kube.Clients
	namespace string
	config    string
	router    string
	processes map[string]*exec.Cmd // by identity
	made      int

	mu    sync.Mutex // guards calls
	calls []told
}

func newReplicas(t *testing.T, part string, what func(*http.Request, []byte) string) *replicas {
	t.Helper()
	s := server.Get(t)
	clients, err := kube.NewClients(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	r := &replicas{t: t, part: part, clients: clients, namespace: s.Namespace(t), processes: map[string]*exec.Cmd{}}
	function := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.calls = append(r.calls, told{what(q, body), q.Header.Get(event.HeaderID), time.Now()})
	}))
	t.Cleanup(function.Close)
	r.router = function.URL
	config := s.Config()
	r.config = filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: %q, certificate-authority: %q}}], users: [{name: u, user: {token: %q}}]}`, config.Host, config.CAFile, config.BearerToken)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, p := range r.processes {
			_ = p.Process.Kill()
			_ = p.Wait()
		}
	})
	r.start()
	r.start()
	return r
}

// start adds a replica.
func (r *replicas) start() {
	r.t.Helper()
	r.made++
	name := fmt.Sprintf("replica-%d", r.made)
	n := rand.Uint32() // chance is enough among 16 million addresses
	cmd := exec.Command(os.Args[0], "--kubeconfig="+r.config, "--component-namespace="+r.namespace, "--namespace="+r.namespace,
		"--router="+r.router, "--identity="+name, fmt.Sprintf("--address=127.%d.%d.%d", 64+n>>24%128, n>>8&0xff, n%250+1))
	cmd.Env = append(os.Environ(), asPart+"="+r.part)
	cmd.Stderr = r.t.Output()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.processes[name] = cmd
}

// leader waits for a live leader, and returns its identity.
func (r *replicas) leader() (name string) {
	r.t.Helper()
	r.eventually("a replica leads", func() bool {
		l, err := r.clients.Leases(r.namespace).Get(r.t.Context(), r.part, metav1.GetOptions{})
		if err != nil || l.Spec.HolderIdentity == nil {
			return false
		}
		name = *l.Spec.HolderIdentity
		return r.processes[name] != nil
	})
	return name
}

// end ends the leader by a signal, and puts a new replica in its place; it returns when that was.
func (r *replicas) end(how syscall.Signal) time.Time {
	r.t.Helper()
	name := r.leader()
	leader := r.processes[name]
	delete(r.processes, name)
	at := time.Now()
	if err := leader.Process.Signal(how); err != nil {
		r.t.Fatal(err)
	}
	_ = leader.Wait()
	r.start()
	return at
}

func (r *replicas) all() []told {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// kinds waits until the function was told of so many different things.
func (r *replicas) kinds(n int) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%d are told", n), func() bool { return len(r.times()) >= n })
}

// times are the calls by what they are of.
func (r *replicas) times() map[string][]told {
	found := map[string][]told{}
	for _, c := range r.all() {
		found[c.what] = append(found[c.what], c)
	}
	return found
}

func (r *replicas) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("still not: %s", what)
		}
	}
}

// once fails the test for what was told twice, unless its first time is of the last moment before a kill, and both have one identity.
func (r *replicas) once(kills ...time.Time) {
	r.t.Helper()
	repeated := 0
	for what, calls := range r.times() {
		for _, c := range calls[1:] {
			repeated++
			excused := slices.ContainsFunc(kills, func(kill time.Time) bool {
				return calls[0].at.Before(kill.Add(time.Second)) && calls[0].at.After(kill.Add(-lastMoment)) && c.at.After(kill)
			})
			if !excused || c.id != calls[0].id {
				r.t.Errorf("%s was told at %s and at %s, as %s and %s", what, calls[0].at, c.at, calls[0].id, c.id)
			}
		}
	}
	r.t.Logf("%d told, %d of them twice", len(r.times()), repeated)
}

// lastMoment is how old may be what a killed process has not written down: a second between two writes, and their time on a busy machine.
const lastMoment = 6 * time.Second

func short(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts an API server and replicas: runs without -short")
	}
	t.Parallel()
}

func TestTimer_FiresOnceWithTwoReplicas(t *testing.T) {
	short(t)
	r := newReplicas(t, timer.Source, func(q *http.Request, _ []byte) string { return q.Header.Get(timer.HeaderTime) })
	tt := &v1.TimeTrigger{ObjectMeta: metav1.ObjectMeta{Name: "often"}, Spec: v1.TimeTriggerSpec{
		Cron: "@every 1s", MissedRuns: "all", FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "f"},
	}}
	if _, err := r.clients.TimeTriggers(r.namespace).Create(t.Context(), tt, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.kinds(3)
	r.once()
	r.end(syscall.SIGTERM)
	r.kinds(len(r.times()) + 3)
	r.once()
	kill := r.end(syscall.SIGKILL)
	r.kinds(len(r.times()) + 5) // those of the time without a leader, and some more
	r.once(kill)
	times := slices.Sorted(maps.Keys(r.times()))
	first, err1 := time.Parse(time.RFC3339, times[0])
	last, err2 := time.Parse(time.RFC3339, times[len(times)-1])
	if err1 != nil || err2 != nil || int(last.Sub(first)/time.Second)+1 != len(times) {
		t.Errorf("runs are missing of %v (%v, %v)", times, err1, err2)
	}
}

func TestKubewatcher_TellsOnceWithTwoReplicas(t *testing.T) {
	short(t)
	r := newReplicas(t, kubewatcher.Source, func(_ *http.Request, body []byte) string {
		var o metav1.PartialObjectMetadata
		if err := json.Unmarshal(body, &o); err != nil {
			t.Error(err)
		}
		return o.Name
	})
	wt := &v1.KubernetesWatchTrigger{
		ObjectMeta: metav1.ObjectMeta{Name: "all", Annotations: map[string]string{v1.AnnotationAuthor: "root", v1.AnnotationAuthorGroups: "system:masters"}},
		Spec: v1.KubernetesWatchTriggerSpec{
			Type: "configmap", LabelSelector: map[string]string{"count": "me"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "f"},
		},
	}
	if _, err := r.clients.KubernetesWatchTriggers(r.namespace).Create(t.Context(), wt, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	n := 0
	change := func() {
		t.Helper()
		for range 30 {
			n++
			o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("m-%d", n), Labels: map[string]string{"count": "me"}}}
			if _, err := r.clients.ConfigMaps(r.namespace).Create(t.Context(), o, metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	change()
	r.kinds(n)
	r.once()
	change()
	r.end(syscall.SIGTERM)
	change()
	r.kinds(n)
	r.once()
	change()
	kill := r.end(syscall.SIGKILL)
	change()
	r.kinds(n)
	r.once(kill)
	if len(r.times()) != n {
		t.Errorf("told of %d, want %d", len(r.times()), n)
	}
}
