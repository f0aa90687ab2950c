package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hotpod.dev/internal/kubetest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"hotpod.dev/local/node/sandbox"
)

var (
	initPath string
	// launcher is made outside of synctest's bubbles, because it never ends.
	launcher *sandbox.Launcher
	// server is a real API server, for the tests that need one.
	server kubetest.Shared
	// clientCA is the authority of the API server's certificate as a client of nodes.
	clientCA string
)

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

// buildAndRun builds init, unless HOTPOD_POD_INIT names one: another user may
// have no Go toolchain.
func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "node-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(buildInit(dir), makePKI(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	launcher = sandbox.NewLauncher(initPath)
	return server.Main(m)
}

func buildInit(dir string) error {
	if initPath = os.Getenv("HOTPOD_POD_INIT"); initPath != "" {
		return nil
	}
	initPath = filepath.Join(dir, "hotpod-pod-init")
	build := exec.Command("go", "build", "-o", initPath, "hotpod.dev/local/cmd/hotpod-pod-init")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build init: %w\n%s", err, out)
	}
	return nil
}

// shellImages is a resolver that knows one image, of the host's programs.
type shellImages struct{}

func (shellImages) Resolve(image string) (Image, error) {
	if image != "shell" {
		return Image{}, fmt.Errorf("image %q is unknown; known images: shell", image)
	}
	return Image{Command: []string{"/bin/sh", "-c"}, Env: map[string]string{"FROM_IMAGE": "yes"}}, nil
}

// memoryObjects are objects in memory.
type memoryObjects struct {
	mu         sync.Mutex
	secrets    map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
	watchers   []func()
}

func (m *memoryObjects) Secret(namespace, name string) (*corev1.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.secrets[namespace+"/"+name]; ok {
		return s, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func (m *memoryObjects) ConfigMap(namespace, name string) (*corev1.ConfigMap, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c, ok := m.configMaps[namespace+"/"+name]; ok {
		return c, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (m *memoryObjects) Token(pod *corev1.Pod, audience string, _ int64) (string, error) {
	return "token of " + pod.Name + " for " + audience, nil
}

func (m *memoryObjects) Watch(_ *corev1.Pod, changed func()) func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watchers = append(m.watchers, changed)
	return func() {}
}

func (m *memoryObjects) put(object runtime.Object) {
	m.mu.Lock()
	switch o := object.(type) {
	case *corev1.Secret:
		m.secrets[o.Namespace+"/"+o.Name] = o
	case *corev1.ConfigMap:
		m.configMaps[o.Namespace+"/"+o.Name] = o
	}
	watchers := m.watchers
	m.mu.Unlock()
	for _, changed := range watchers {
		changed()
	}
}

// memoryEvents keeps events as "reason: message".
type memoryEvents struct {
	mu   sync.Mutex
	list []string
}

func (e *memoryEvents) Eventf(_ runtime.Object, _, reason, format string, args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, reason+": "+fmt.Sprintf(format, args...))
}

func (e *memoryEvents) has(prefix string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.list {
		if strings.HasPrefix(event, prefix) {
			return true
		}
	}
	return false
}

func (e *memoryEvents) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// memoryPublisher keeps the last status that was written.
type memoryPublisher struct {
	mu      sync.Mutex
	status  corev1.PodStatus
	writes  int
	removed bool
}

func (p *memoryPublisher) publish(_ context.Context, _ *corev1.Pod, status corev1.PodStatus) (*corev1.Pod, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
	p.writes++
	return nil, nil
}

func (p *memoryPublisher) remove(context.Context, *corev1.Pod) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removed = true
	return nil
}

func (p *memoryPublisher) last() corev1.PodStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

func (p *memoryPublisher) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.writes
}

func (p *memoryPublisher) gone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.removed
}

// fixture is one pod and everything around it.
type fixture struct {
	*worker
	t       *testing.T
	objects *memoryObjects
	events  *memoryEvents
	api     *memoryPublisher
}

// testHost returns a host whose pods are real processes.
func testHost(t *testing.T) (*host, *memoryObjects, *memoryEvents) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	objects := &memoryObjects{secrets: map[string]*corev1.Secret{}, configMaps: map[string]*corev1.ConfigMap{}}
	events := &memoryEvents{}
	config := Config{NodeName: "n", Dir: dir, Images: shellImages{}, PodInit: initPath, CIDR: netip.MustParsePrefix("127.77.0.0/16")}
	config, err = config.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return &host{
		name: "n", address: "127.77.0.1", dir: config.Dir, images: config.Images, log: config.Log,
		tools: newToolchain(config.Path), addresses: newAddresses(config.CIDR),
		makeBox: boxes(launcher), source: objects, events: events,
	}, objects, events
}

// start runs a pod until the test ends.
func start(t *testing.T, pod *corev1.Pod) *fixture {
	t.Helper()
	h, objects, events := testHost(t)
	return startOn(t, h, objects, events, pod)
}

func startOn(t *testing.T, h *host, objects *memoryObjects, events *memoryEvents, pod *corev1.Pod) *fixture {
	t.Helper()
	api := &memoryPublisher{}
	f := &fixture{worker: newWorker(h, api, pod, false), t: t, objects: objects, events: events, api: api}
	go f.run()
	t.Cleanup(func() {
		f.stop.order(0, false)
		<-f.finished
	})
	return f
}

// shellPod is a pod with one container that runs the script.
func shellPod(script string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: types.UID("uid-p"), Labels: map[string]string{"app": "test"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "shell", Args: []string{script}}}},
	}
}

// eventually waits for a condition.
func (f *fixture) eventually(what string, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			f.t.Fatalf("not within 20 s: %s\nstatus: %+v\nevents: %q", what, f.api.last(), f.events.all())
		}
	}
}

func (f *fixture) ready() {
	f.t.Helper()
	f.eventually("pod is ready", func() bool { return isReady(f.api.last()) })
}

func (f *fixture) container() corev1.ContainerStatus {
	statuses := f.api.last().ContainerStatuses
	if len(statuses) == 0 {
		return corev1.ContainerStatus{}
	}
	return statuses[0]
}

// log returns what the given run of container c wrote.
func (f *fixture) log(run int32) string {
	data, _ := os.ReadFile(logPath(f.host.dir, f.object(), "c", run))
	var text strings.Builder
	for line := range strings.Lines(string(data)) {
		text.WriteString(strings.SplitN(line, " ", 4)[3])
	}
	return text.String()
}

func isReady(s corev1.PodStatus) bool {
	for _, c := range s.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// realTempDir is a temporary directory whose path has no symbolic links.
func realTempDir(t *testing.T) (string, error) {
	t.Helper()
	return filepath.EvalSymlinks(t.TempDir())
}
