package buildmgr

import (
	"archive/zip"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/builder"
	"hotpod.dev/fetcher"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/kube"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

// world is a manager at work on a real API server, with real fetchers and builders in place of pods.
type world struct {
	t       *testing.T
	ns      string
	clients *kube.Clients
	signer  *sign.Signer
	manager *Manager
	stop    func()
	// waiting says that pods do not start, for a reason.
	waiting *corev1.ContainerStateWaiting

	mu sync.Mutex // guards all below
	// addresses are where the ports of a pod are, by UID.
	addresses map[string]map[int]string
	stops     []func()
	pods      int
}

func newWorld(t *testing.T, change ...func(*Config, *Deps)) *world {
	t.Helper()
	s := server.Get(t)
	w := &world{t: t, ns: s.Namespace(t), addresses: map[string]map[int]string{}}
	var err error
	if w.clients, err = kube.NewClients(s.Config()); err != nil {
		t.Fatal(err)
	}
	if w.signer, err = sign.NewSigner(sign.GenerateSeed()); err != nil {
		t.Fatal(err)
	}
	w.stop = w.start(change...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); w.kubelet(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// start starts a manager; the function it returns stops it.
func (w *world) start(change ...func(*Config, *Deps)) (stop func()) {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	cache := kube.NewCache(w.clients, kube.CacheOptions{Namespace: w.ns, Log: log})
	config := DefaultConfig()
	config.Pod.FetcherImage = "hotpod/fetcher"
	deps := Deps{Clients: w.clients, Cache: cache, Signer: w.signer, Log: log, Registerer: prometheus.NewRegistry()}
	for _, c := range change {
		c(&config, &deps)
	}
	m, err := New(config, deps)
	if err != nil {
		w.t.Fatal(err)
	}
	m.builders.agent.address = func(t target, port int) string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.addresses[t.uid][port]
	}
	w.manager = m
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = cache.Run(ctx) })
	wg.Go(func() { _ = m.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	w.t.Cleanup(stop)
	return stop
}

// restart ends the manager and starts another.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.stop = w.start()
}

// kubelet runs what is in builder pods, and says that it runs.
func (w *world) kubelet(ctx context.Context) {
	defer func() {
		for _, stop := range w.stops {
			stop()
		}
	}()
	for ctx.Err() == nil {
		list, err := w.clients.Pods(w.ns).List(ctx, metav1.ListOptions{LabelSelector: labelOwner + "=" + Owner})
		if err == nil {
			for i := range list.Items {
				w.play(ctx, &list.Items[i])
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (w *world) play(ctx context.Context, pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil {
		zero := int64(0)
		_ = w.clients.Pods(w.ns).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
		return
	}
	w.mu.Lock()
	known := w.addresses[string(pod.UID)] != nil
	w.mu.Unlock()
	if known || pod.Status.PodIP != "" {
		return
	}
	pod.Status.Phase = corev1.PodRunning
	if w.waiting != nil {
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: containerBuilder, State: corev1.ContainerState{Waiting: w.waiting}}}
	} else {
		pod.Status.PodIP, pod.Status.PodIPs = "10.0.0.1", []corev1.PodIP{{IP: "10.0.0.1"}}
		w.serve(string(pod.UID))
	}
	_, _ = w.clients.Pods(w.ns).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
}

func (w *world) serve(uid string) {
	dir, err := os.MkdirTemp(w.t.TempDir(), "packages-")
	if err != nil {
		w.t.Error(err)
		return
	}
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	b, err := builder.New(builder.Config{
		Dir: dir, PodUID: uid, ControlKey: w.signer.PublicKey(), Timeout: time.Minute, MaxLog: 64 << 10, Env: os.Environ(), Log: log,
	})
	if err != nil {
		w.t.Error(err)
		return
	}
	bs := httptest.NewServer(b.Handler())
	var cfg fetcher.Config
	fs := flag.NewFlagSet("fetcher", flag.ContinueOnError)
	cfg.Flags(fs, func(string) string { return "" })
	cfg.PodUID, cfg.ControlKey, cfg.PackagesDir, cfg.RuntimeAddress = uid, w.signer.PublicKey(), dir, bs.Listener.Addr().String()
	cfg.CodeDir = w.t.TempDir()
	f, err := fetcher.New(cfg, log)
	if err != nil {
		w.t.Error(err)
		return
	}
	fsrv := httptest.NewServer(f.Handler())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods++
	w.addresses[uid] = map[int]string{wire.PortBuilder: bs.Listener.Addr().String(), wire.PortFetcher: fsrv.Listener.Addr().String()}
	w.stops = append(w.stops, func() {
		for _, s := range []*httptest.Server{bs, fsrv} {
			s.CloseClientConnections()
			s.Close()
		}
	})
}

// made is how many pods there have been.
func (w *world) made() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods
}

func (w *world) environment(name, image string) *v1.Environment {
	w.t.Helper()
	e := &v1.Environment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.EnvironmentSpec{
		Version: 3, Runtime: v1.Runtime{Image: "runtime"}, Builder: v1.Builder{Image: image, Command: "./build.sh"},
	}}
	out, err := w.clients.Environments(w.ns).Create(w.t.Context(), e, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// source is a zip with a script build.sh.
func source(script string) v1.Archive {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	h := &zip.FileHeader{Name: "build.sh"}
	h.SetMode(0o755)
	f, err := z.CreateHeader(h)
	if err == nil {
		_, err = io.WriteString(f, "#!/bin/sh\n"+script)
	}
	if err != nil || z.Close() != nil {
		panic(err)
	}
	return v1.Archive{Type: v1.ArchiveLiteral, Literal: out.Bytes()}
}

func (w *world) pkg(name, env, script string) *v1.Package {
	w.t.Helper()
	p := &v1.Package{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1.PackageSpec{
		Environment: v1.EnvironmentReference{Name: env, Namespace: w.ns}, Source: source(script),
	}}
	out, err := w.clients.Packages(w.ns).Create(w.t.Context(), p, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) get(name string) *v1.Package {
	w.t.Helper()
	p, err := w.clients.Packages(w.ns).Get(w.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// change changes a package, its status too when status is true.
func (w *world) change(name string, status bool, f func(*v1.Package)) {
	w.t.Helper()
	w.eventually("package "+name+" is changed", func() bool {
		p := w.get(name)
		f(p)
		c := w.clients.Packages(w.ns)
		update := c.Update
		if status {
			update = c.UpdateStatus
		}
		_, err := update(w.t.Context(), p, metav1.UpdateOptions{})
		return err == nil
	})
}

// ended waits until the build of a package has ended in that status, and returns the package.
func (w *world) ended(name, status string) (p *v1.Package) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("package %s is %s", name, status), func() bool {
		p = w.get(name)
		return p.Status.BuildStatus == status
	})
	return p
}

func (w *world) eventually(what string, holds func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited in vain until %s", what)
		}
	}
}

// unzipped returns the files of a literal archive, "name=content" apart by spaces.
func unzipped(t *testing.T, a v1.Archive) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(a.Literal), int64(len(a.Literal)))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		files = append(files, f.Name+"="+strings.TrimSpace(string(text)))
	}
	return strings.Join(files, " ")
}
