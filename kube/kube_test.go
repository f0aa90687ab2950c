package kube

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/kubetest"
	"hotpod.dev/wire"
)

var server kubetest.Shared

func TestMain(m *testing.M) { os.Exit(server.Main(m)) }

func testLog(t *testing.T) *slog.Logger {
	t.Helper()
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// start returns clients of a real API server and a namespace of the test's own.
func start(t *testing.T) (*Clients, string) {
	t.Helper()
	s := server.Get(t)
	clients, err := NewClients(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	return clients, s.Namespace(t)
}

// run keeps the cache up to date until the test ends.
func run(t *testing.T, cache *Cache) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- cache.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	wait, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := cache.WaitSynced(wait); err != nil {
		t.Fatalf("the cache does not sync: %v", err)
	}
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func failureOf(t *testing.T, err error) *wire.Failure {
	t.Helper()
	var f *wire.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error %v is no failure", err)
	}
	return f
}

func literal(namespace, name, code string) *v1.Package {
	return &v1.Package{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1.PackageSpec{
			Environment: v1.EnvironmentReference{Name: "node"},
			Deployment:  v1.Archive{Type: v1.ArchiveLiteral, Literal: []byte(code)},
		},
	}
}

func TestClients_CreateReadApplyAndDelete(t *testing.T) {
	clients, ns := start(t)
	packages := clients.Packages(ns)
	made := must(packages.Create(t.Context(), literal(ns, "p", "code"), metav1.CreateOptions{}))(t)
	if string(made.Spec.Deployment.Literal) != "code" || made.UID == "" {
		t.Errorf("created %+v", made)
	}
	status := v1.PackageStatus{BuildStatus: v1.BuildNone, Conditions: []metav1.Condition{{
		Type: v1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Available", LastTransitionTime: metav1.Now(),
	}}}
	if err := ApplyStatus(t.Context(), packages, made, status); err != nil {
		t.Fatal(err)
	}
	got := must(packages.Get(t.Context(), "p", metav1.GetOptions{}))(t)
	if got.Status.BuildStatus != v1.BuildNone || len(got.Status.Conditions) != 1 || got.Generation != 1 {
		t.Errorf("after the apply: generation %d, status %+v", got.Generation, got.Status)
	}
	if list := must(packages.List(t.Context(), metav1.ListOptions{}))(t); len(list.Items) != 1 {
		t.Errorf("listed %d packages", len(list.Items))
	}
	if err := packages.Delete(t.Context(), "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := ApplyStatus(t.Context(), packages, got, status); !apierrors.IsNotFound(err) {
		t.Errorf("apply the status of a deleted package: %v", err)
	}
}

func TestApplyStatus_RefusesAnotherStateOfTheObject(t *testing.T) {
	clients, ns := start(t)
	packages := clients.Packages(ns)
	old := must(packages.Create(t.Context(), literal(ns, "p", "a"), metav1.CreateOptions{}))(t)
	if err := packages.Delete(t.Context(), "p", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	must(packages.Create(t.Context(), literal(ns, "p", "b"), metav1.CreateOptions{}))(t)
	if err := ApplyStatus(t.Context(), packages, old, v1.PackageStatus{BuildStatus: v1.BuildFailed}); !apierrors.IsConflict(err) {
		t.Errorf("apply the old object's status to the new one: %v", err)
	}
}

func TestEvents_AreWrittenAndCounted(t *testing.T) {
	clients, ns := start(t)
	p := must(clients.Packages(ns).Create(t.Context(), literal(ns, "p", "a"), metav1.CreateOptions{}))(t)
	events := NewEvents(clients, "test")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- events.Run(ctx) }()
	events.Warning(p, "Broken", "it does not work")
	events.Warning(p, "Broken", "it does not work")
	eventually(t, "one event counts two", func() bool {
		list, err := clients.Events(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && len(list.Items) == 1 && list.Items[0].Count == 2 &&
			list.Items[0].Reason == "Broken" && list.Items[0].InvolvedObject.Kind == "Package" && list.Items[0].InvolvedObject.UID == p.UID
	})
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestEnsureControlKey_IsMadeOnceForAll(t *testing.T) {
	clients, ns := start(t)
	seeds := make(chan []byte, 8)
	for range cap(seeds) {
		go func() {
			seed, err := EnsureControlKey(t.Context(), clients, ns)
			if err != nil {
				t.Error(err)
			}
			seeds <- seed
		}()
	}
	first := <-seeds
	for range cap(seeds) - 1 {
		if seed := <-seeds; !slices.Equal(first, seed) {
			t.Errorf("seeds differ: %x, %x", first, seed)
		}
	}
	if len(first) != 32 {
		t.Errorf("a seed of %d bytes", len(first))
	}
}

func TestEnsureControlKey_RefusesADamagedOne(t *testing.T) {
	clients, ns := start(t)
	broken := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: ControlKeySecret}, Data: map[string][]byte{seedKey: []byte("short")}}
	must(clients.Secrets(ns).Create(t.Context(), broken, metav1.CreateOptions{}))(t)
	if seed, err := EnsureControlKey(t.Context(), clients, ns); err == nil {
		t.Errorf("seed %x", seed)
	}
}

func TestLoad_ReadsTheContextOfAKubeconfig(t *testing.T) {
	file := t.TempDir() + "/config"
	text := `{apiVersion: v1, kind: Config, current-context: one, clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}],
users: [{name: u, user: {token: t}}], contexts: [{name: one, context: {cluster: c, user: u}}, {name: two, context: {cluster: c, user: u, namespace: team}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for context, want := range map[string]string{"": "default", "two": "team"} {
		config, ns, err := Load(LoadOptions{Kubeconfig: file, Context: context, UserAgent: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if ns != want || config.Host != "https://127.0.0.1:1" || config.UserAgent != "test" || config.QPS != -1 {
			t.Errorf("context %q: namespace %q, %+v", context, ns, config)
		}
	}
	if _, _, err := Load(LoadOptions{Kubeconfig: file, Context: "three"}); err == nil {
		t.Error("a context that does not exist was found")
	}
	if _, _, err := Load(LoadOptions{Kubeconfig: file + "x"}); err == nil {
		t.Error("a file that does not exist was read")
	}
}
