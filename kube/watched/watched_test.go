package watched_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/internal/manifesttest"
	"hotpod.dev/kube"
	"hotpod.dev/kube/watched"
	"hotpod.dev/kubewatcher"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// told is what a function was called with.
type told struct{ kind, objectType, object, id string }

// function is one that remembers, and fails while it is broken.
type function struct {
	server *httptest.Server
	mu     sync.Mutex
	broken bool
	calls  []told
}

func newFunction(t *testing.T) *function {
	t.Helper()
	f := &function{}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var o metav1.PartialObjectMetadata
		if err := json.Unmarshal(body, &o); err != nil || o.Kind == "" || o.APIVersion == "" {
			t.Errorf("body %s: %v", body, err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.broken {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		f.calls = append(f.calls, told{
			r.Header.Get(kubewatcher.HeaderEventType), r.Header.Get(kubewatcher.HeaderObjectType), o.Name, r.Header.Get(event.HeaderID),
		})
	}))
	t.Cleanup(f.server.Close)
	return f
}

func (f *function) all() []told {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// has waits until the function was told of an object.
func (f *function) has(t *testing.T, kind, object string) {
	t.Helper()
	eventually(t, kind+" "+object, func() bool {
		return slices.ContainsFunc(f.all(), func(c told) bool { return c.kind == kind && c.object == object })
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// world is an API server with a watcher that can be restarted.
type world struct {
	t         *testing.T
	clients   *kube.Clients
	namespace string
	function  *function
	line      line
	stop      func(kill bool)
}

func newWorld(t *testing.T, s *kubetest.Server) *world {
	t.Helper()
	clients, err := kube.NewClients(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clients: clients, namespace: s.Namespace(t), function: newFunction(t)}
	w.start()
	t.Cleanup(func() { w.stop(false) })
	return w
}

// start runs a watcher. A stop that kills leaves the status as it was written last.
func (w *world) start() {
	clients, err := kube.NewClients(w.clients.Config())
	if err != nil {
		w.t.Fatal(err)
	}
	cluster, err := watched.New(clients)
	if err != nil {
		w.t.Fatal(err)
	}
	registry, log := prometheus.NewRegistry(), slog.New(slog.NewTextHandler(w.t.Output(), nil))
	triggers := &killable{WatchTriggers: kube.NewWatchTriggers(clients)}
	watcher := kubewatcher.New(kubewatcher.Config{
		Cluster: lined{cluster, &w.line}, Triggers: triggers, Log: log, Registerer: registry, Review: 100 * time.Millisecond, Retry: 50 * time.Millisecond,
		Sender: event.NewSender(event.SenderConfig{Source: "kubewatcher", Router: w.function.server.URL, Registerer: registry}),
	})
	cache := kube.NewCache(clients, kube.CacheOptions{Namespace: w.namespace, Log: log})
	cache.KubernetesWatchTriggers().Watch(kube.Handler[*v1.KubernetesWatchTrigger]{Set: watcher.SetTrigger, Delete: watcher.DeleteTrigger})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = cache.Run(ctx) })
	running.Go(func() { _ = watcher.Run(ctx) })
	w.stop = func(kill bool) {
		triggers.kill(kill)
		cancel()
		running.Wait()
	}
}

// killable writes nothing any more when its process is killed.
type killable struct {
	*kube.WatchTriggers
	mu   sync.Mutex
	dead bool
}

func (k *killable) kill(dead bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = dead
}

func (k *killable) WriteStatus(ctx context.Context, t *v1.KubernetesWatchTrigger, s v1.KubernetesWatchTriggerStatus) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return context.Canceled
	}
	return k.WatchTriggers.WriteStatus(ctx, t, s)
}

// line is what watches go through. While it is cut there are none.
type line struct {
	mu   sync.Mutex // guards all below
	cut  bool
	open []watch.Interface
}

func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	for _, w := range l.open {
		w.Stop()
	}
	l.open = nil
}

// lined is a cluster behind a line.
type lined struct {
	kubewatcher.Cluster
	line *line
}

func (c lined) Watch(ctx context.Context, r kubewatcher.Resource, namespace string, o metav1.ListOptions) (watch.Interface, error) {
	c.line.mu.Lock()
	defer c.line.mu.Unlock()
	if c.line.cut {
		return nil, errors.New("the line is cut")
	}
	w, err := c.Cluster.Watch(ctx, r, namespace, o)
	if err == nil {
		c.line.open = append(c.line.open, w)
	}
	return w, err
}

// as returns clients of a user.
func (w *world) as(user string, groups ...string) *kube.Clients {
	w.t.Helper()
	config := w.clients.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: append(groups, "system:authenticated")}
	clients, err := kube.NewClients(config)
	if err != nil {
		w.t.Fatal(err)
	}
	return clients
}

// grant lets a user do what the rules say in the world's namespace.
func (w *world) grant(user, resource string, verbs ...string) {
	w.t.Helper()
	group, name, _ := strings.Cut(resource, "/")
	manifesttest.Apply(w.t, w.clients.Config(), manifesttest.Decode(w.t, fmt.Sprintf(`
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: %[1]s-%[3]s, namespace: %[5]s}
rules: [{apiGroups: ["%[2]s"], resources: [%[3]s], verbs: [%[4]s]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: %[1]s-%[3]s, namespace: %[5]s}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s-%[3]s}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}]
`, user, group, name, strings.Join(verbs, ", "), w.namespace)))
}

func trigger(name, kind string, change ...func(*v1.KubernetesWatchTriggerSpec)) *v1.KubernetesWatchTrigger {
	t := &v1.KubernetesWatchTrigger{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.KubernetesWatchTriggerSpec{
		Type: kind, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "f"},
	}}
	for _, f := range change {
		f(&t.Spec)
	}
	return t
}

func (w *world) create(c *kube.Clients, t *v1.KubernetesWatchTrigger) error {
	_, err := c.KubernetesWatchTriggers(w.namespace).Create(w.t.Context(), t, metav1.CreateOptions{})
	return err
}

// reason waits for a condition's reason.
func (w *world) reason(name, condition, reason string) {
	w.t.Helper()
	last := ""
	eventually(w.t, name+" has "+condition+" "+reason, func() bool {
		t, err := w.clients.KubernetesWatchTriggers(w.namespace).Get(w.t.Context(), name, metav1.GetOptions{})
		if err != nil {
			return false
		}
		if c := meta.FindStatusCondition(t.Status.Conditions, condition); c != nil {
			if last != c.Reason {
				w.t.Log(name, c.Reason, c.Message)
			}
			last = c.Reason
			return c.Reason == reason && t.Status.ObservedGeneration == t.Generation
		}
		return false
	})
}

func (w *world) configMap(name, value string, labels map[string]string) {
	w.t.Helper()
	maps := w.clients.ConfigMaps(w.namespace)
	o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Data: map[string]string{"v": value}}
	_, err := maps.Update(w.t.Context(), o, metav1.UpdateOptions{})
	if err != nil {
		_, err = maps.Create(w.t.Context(), o, metav1.CreateOptions{})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestWatcher_TellsChangesOfAnyTypeThatItsAuthorMayRead(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while: runs without -short")
	}
	s := kubetest.Start(t, server.Options) // of its own: policies hold for every namespace
	for _, file := range []string{"base/authors.yaml", "authors/record.yaml"} {
		text, err := os.ReadFile(filepath.Join(manifesttest.Root(t), "manifests", file))
		if err != nil {
			t.Fatal(err)
		}
		manifesttest.Apply(t, s.Config(), manifesttest.Decode(t, string(text)))
	}
	w := newWorld(t, s)
	for _, user := range []string{"alice", "bob"} {
		w.grant(user, "fission.io/kuberneteswatchtriggers", "create", "update", "get")
	}
	w.grant("alice", "/configmaps", "list", "watch")
	w.grant("alice", "fission.io/functions", "list", "watch")
	alice, bob := w.as("alice", "people"), w.as("bob", "people")

	// The API server records who writes; the policies take a moment to hold.
	eventually(t, "an author that is not one's own is refused", func() bool {
		forged := trigger("forged", "pod")
		forged.Annotations = map[string]string{v1.AnnotationAuthor: "alice"}
		err := w.create(bob, forged)
		if err == nil {
			made, _ := w.clients.KubernetesWatchTriggers(w.namespace).Get(t.Context(), "forged", metav1.GetOptions{})
			author, _ := made.Author()
			_ = w.clients.KubernetesWatchTriggers(w.namespace).Delete(t.Context(), "forged", metav1.DeleteOptions{})
			return author.Name == "bob" // written over: as good
		}
		return strings.Contains(err.Error(), "hotpod.dev/author")
	})
	w.configMap("before", "1", map[string]string{"app": "web"})
	if err := w.create(alice, trigger("maps", "CONFIGMAP", func(s *v1.KubernetesWatchTriggerSpec) {
		s.LabelSelector, s.FieldSelector, s.Filter = map[string]string{"app": "web"}, "metadata.name!=never", "type != 'MODIFIED' || object.data.v != '2'"
	})); err != nil {
		t.Fatal(err)
	}
	made, err := w.clients.KubernetesWatchTriggers(w.namespace).Get(t.Context(), "maps", metav1.GetOptions{})
	if author, ok := made.Author(); err != nil || !ok || author.Name != "alice" || !slices.Contains(author.Groups, "people") {
		t.Fatalf("recorded is %+v, %v", author, err)
	}
	w.function.has(t, "ADDED", "before")
	w.reason("maps", v1.ConditionSubscribed, v1.ReasonWatching)
	w.configMap("after", "1", map[string]string{"app": "web"})
	w.configMap("after", "2", map[string]string{"app": "web"})
	w.configMap("after", "3", map[string]string{"app": "web"})
	w.configMap("other", "1", nil)
	w.configMap("never", "1", map[string]string{"app": "web"})
	w.function.has(t, "MODIFIED", "after")
	if err := w.clients.ConfigMaps(w.namespace).Delete(t.Context(), "after", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.function.has(t, "DELETED", "after")
	var got []string
	for _, c := range w.function.all() {
		got = append(got, c.kind+" "+c.objectType+" "+c.object)
	}
	want := []string{"ADDED ConfigMap before", "ADDED ConfigMap after", "MODIFIED ConfigMap after", "DELETED ConfigMap after"}
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}

	// A custom type, by its kind and group, of a version, without what is there already, and only new ones.
	w.function2(t, alice)

	// Who may not read gets a condition and no event, and what happened meanwhile is not told later.
	if err := w.create(bob, trigger("peek", "configmap")); err != nil {
		t.Fatal(err)
	}
	w.reason("peek", v1.ConditionSubscribed, v1.ReasonAuthorForbidden)
	before := len(w.function.all())
	w.configMap("secret", "1", nil)
	w.reason("peek", v1.ConditionReady, v1.ReasonAuthorForbidden)
	if got := w.function.all(); len(got) != before {
		t.Errorf("bob was told %v", got[before:])
	}
	w.grant("bob", "/configmaps", "list", "watch")
	w.reason("peek", v1.ConditionReady, v1.ReasonWatching)
	w.grant("bob", "/configmaps", "get")
	w.reason("peek", v1.ConditionReady, v1.ReasonAuthorForbidden)
	for name, c := range map[string]struct {
		spec   func(*v1.KubernetesWatchTriggerSpec)
		reason string
	}{
		"strange": {func(s *v1.KubernetesWatchTriggerSpec) { s.Type = "Gadget.example.com" }, v1.ReasonTypeUnknown},
		"unclear": {func(s *v1.KubernetesWatchTriggerSpec) { s.Filter = "object.data.v ==" }, v1.ReasonFilterInvalid},
		"wrong":   {func(s *v1.KubernetesWatchTriggerSpec) { s.FieldSelector = "a=b,c" }, v1.ReasonSelectorInvalid},
	} {
		if err := w.create(alice, trigger(name, "pod", c.spec)); err != nil {
			t.Fatal(err)
		}
		w.reason(name, v1.ConditionSubscribed, c.reason)
	}
}

func (w *world) function2(t *testing.T, author *kube.Clients) {
	t.Helper()
	create := func(name string) {
		t.Helper()
		f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: name}}
		f.Spec.Environment.Name, f.Spec.Package.PackageRef.Name = "e", "p"
		if _, err := w.clients.Functions(w.namespace).Create(t.Context(), f, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("old")
	if err := w.create(author, trigger("functions", "Function.fission.io", func(s *v1.KubernetesWatchTriggerSpec) {
		s.APIVersion, s.Events, s.SkipExisting = "fission.io/v1", []string{"ADDED"}, true
	})); err != nil {
		t.Fatal(err)
	}
	w.reason("functions", v1.ConditionSubscribed, v1.ReasonWatching)
	create("new")
	w.function.has(t, "ADDED", "new")
	if slices.ContainsFunc(w.function.all(), func(c told) bool { return c.object == "old" }) {
		t.Error("what was there before was told")
	}
}

// Changes go on while watchers end and are killed: each is told, and none twice but after a kill.
func TestWatcher_ResumesWhereTheLastOneStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while: runs without -short")
	}
	w := newWorld(t, server.Get(t))
	made := trigger("all", "configmaps", func(s *v1.KubernetesWatchTriggerSpec) { s.Filter = "object.metadata.name.startsWith('c-')" })
	made.Annotations = map[string]string{v1.AnnotationAuthor: "root", v1.AnnotationAuthorGroups: "system:masters"}
	if err := w.create(w.clients, made); err != nil {
		t.Fatal(err)
	}
	const each = 60
	n := 0
	change := func() {
		for range each {
			w.configMap(fmt.Sprintf("c-%03d", n), "1", nil)
			n++
		}
	}
	repeated := func() int {
		seen := map[string]int{}
		for _, c := range w.function.all() {
			seen[c.id]++
		}
		return len(w.function.all()) - len(seen)
	}
	complete := func() {
		t.Helper()
		eventually(t, fmt.Sprintf("%d objects are told", n), func() bool {
			seen := map[string]bool{}
			for _, c := range w.function.all() {
				seen[c.object] = true
			}
			return len(seen) == n
		})
	}
	change()
	complete()
	for range 2 { // ended in good order, while things change
		w.stop(false)
		change()
		w.start()
		change()
	}
	complete()
	if got := repeated(); got != 0 {
		t.Errorf("%d changes were told twice though nothing was killed", got)
	}
	w.stop(true)
	change()
	w.start()
	complete()
	t.Logf("%d changes, %d told twice after a kill", n, repeated())
	if got := repeated(); got > 2*each {
		t.Errorf("%d changes were told twice, more than may come in a second", got)
	}
	eventually(t, "the status is true", func() bool {
		t, err := w.clients.KubernetesWatchTriggers(w.namespace).Get(t.Context(), "all", metav1.GetOptions{})
		return err == nil && t.Status.Deliveries.Delivered >= int64(n) && t.Status.Deliveries.Failed == 0 && t.Status.ResourceVersion != "" &&
			len(t.Status.Deliveries.Recent) > 0 && t.Status.Resource == "configmaps.v1" && t.Status.Gaps == 0
	})
	w.function.mu.Lock()
	w.function.broken = true
	w.function.mu.Unlock()
	w.configMap("c-broken", "1", nil)
	w.reason("all", v1.ConditionDelivering, v1.ReasonRetrying)
	w.function.mu.Lock()
	w.function.broken = false
	w.function.mu.Unlock()
	w.function.has(t, "ADDED", "c-broken")
	w.reason("all", v1.ConditionDelivering, v1.ReasonDelivered)
}

// When the API server has forgotten where to resume, nothing is missed in silence: what differs is told, and that there was a gap.
func TestWatcher_TellsWhatDiffersWhenTheServerHasForgotten(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while: runs without -short")
	}
	s := kubetest.Start(t, kubetest.Options{APIServerFlags: []string{"--watch-cache=false"}})
	w := newWorld(t, s)
	made := trigger("all", "configmaps", func(s *v1.KubernetesWatchTriggerSpec) { s.Filter = "object.metadata.name.startsWith('c-')" })
	made.Annotations = map[string]string{v1.AnnotationAuthor: "root", v1.AnnotationAuthorGroups: "system:masters"}
	if err := w.create(w.clients, made); err != nil {
		t.Fatal(err)
	}
	forget := func() {
		t.Helper()
		last, err := w.clients.ConfigMaps(w.namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Compact(t.Context(), last.ResourceVersion); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		t.Helper()
		if err := w.clients.ConfigMaps(w.namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	gaps := func(n int64, message string) {
		t.Helper()
		eventually(t, fmt.Sprintf("the status tells of %d gaps", n), func() bool {
			t, err := w.clients.KubernetesWatchTriggers(w.namespace).Get(t.Context(), "all", metav1.GetOptions{})
			if err != nil {
				return false
			}
			c := meta.FindStatusCondition(t.Status.Conditions, v1.ConditionSubscribed)
			return t.Status.Gaps == n && c != nil && c.Reason == v1.ReasonWatching && strings.Contains(c.Message, message)
		})
	}
	for _, name := range []string{"c-same", "c-changed", "c-gone"} {
		w.configMap(name, "1", nil)
		w.function.has(t, "ADDED", name)
	}

	// While it runs: it knows what there was, and tells of deletions too.
	w.line.set(true)
	w.configMap("c-changed", "2", nil)
	w.configMap("c-new", "1", nil)
	remove("c-gone")
	forget()
	w.line.set(false)
	w.function.has(t, "MODIFIED", "c-changed")
	w.function.has(t, "ADDED", "c-new")
	w.function.has(t, "DELETED", "c-gone")
	gaps(1, "what differs now was told")

	// While there was none: deletions cannot be known, and it says so.
	w.stop(false)
	w.configMap("c-new", "2", nil)
	w.configMap("c-late", "1", nil)
	remove("c-changed")
	forget()
	w.start()
	w.function.has(t, "ADDED", "c-late")
	gaps(2, "deletions meanwhile are not known")
	w.configMap("c-last", "1", nil)
	w.function.has(t, "ADDED", "c-last")
	var got []string
	for _, c := range w.function.all() {
		if c.object != "c-new" { // its change may be told as an addition, since that was a moment ago
			got = append(got, c.kind+" "+c.object)
		} else {
			got = append(got, c.object)
		}
	}
	slices.Sort(got)
	want := []string{
		"ADDED c-changed", "ADDED c-gone", "ADDED c-last", "ADDED c-late", "ADDED c-same", "DELETED c-gone", "MODIFIED c-changed", "c-new", "c-new",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}
