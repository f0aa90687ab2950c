package kube

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"pgregory.net/rapid"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// newStore returns a store over dir whose cache is not running yet.
func newStore(t *testing.T, clients *Clients, ns, dir string) (*CodeStore, *Cache) {
	t.Helper()
	store, err := NewCodeStore(CodeStoreConfig{Dir: dir, Log: testLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(clients, CacheOptions{Namespace: ns, Codes: store, Log: testLog(t)})
	store.Attach(clients, cache)
	return store, cache
}

func codeOf(t *testing.T, s *CodeStore, key, version string) wire.Code {
	t.Helper()
	code, err := s.Code(t.Context(), key, version)
	if err != nil {
		t.Fatalf("Code(%s, %s): %v", key, version, err)
	}
	if code.Literal != nil && code.Digest != digestOf(code.Literal) {
		t.Errorf("digest %s of %q", code.Digest, code.Literal)
	}
	return code
}

func TestCodeStore_ServesFromDiskWhileTheServerIsAway(t *testing.T) {
	clients, ns := start(t)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "p", "code"), metav1.CreateOptions{}))(t)
	dir := t.TempDir()
	store, cache := newStore(t, clients, ns, dir)
	run(t, cache)
	away, err := NewClients(&rest.Config{Host: "https://127.0.0.1:1", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	store.clients = away
	if code := codeOf(t, store, ns+"/p", ""); string(code.Literal) != "code" {
		t.Errorf("code %+v", code)
	}
	_, err = store.Code(t.Context(), ns+"/other", "")
	if f := failureOf(t, err); f.Reason != v1.ReasonCodeUnavailable || !strings.Contains(f.Message, ns+"/other") {
		t.Errorf("failure %+v", f)
	}
}

func TestCodeStore_ReadsAgainWhatTheDiskLost(t *testing.T) {
	clients, ns := start(t)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "p", "code"), metav1.CreateOptions{}))(t)
	dir := t.TempDir()
	store, cache := newStore(t, clients, ns, dir)
	run(t, cache)
	file := filepath.Join(dir, digestOf([]byte("code")))
	for name, damage := range map[string]func() error{
		"removed": func() error { return os.Remove(file) },
		"damaged": func() error { return os.WriteFile(file, []byte("evil"), 0o600) },
		"a folder": func() error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Mkdir(file, 0o700)
		},
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if code := codeOf(t, store, ns+"/p", ""); string(code.Literal) != "code" {
			t.Errorf("%s: code %+v", name, code)
		}
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
		store.blobs.forget(digestOf([]byte("code")))
		codeOf(t, store, ns+"/p", "")
	}
}

func TestCodeStore_IsAtLeastAsNewAsTheFunctionAsks(t *testing.T) {
	clients, ns := start(t)
	old := must(clients.Packages(ns).Create(t.Context(), literal(ns, "p", "old"), metav1.CreateOptions{}))(t)
	store, cache := newStore(t, clients, ns, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	go func() { _ = cache.Run(ctx) }()
	if err := cache.WaitSynced(t.Context()); err != nil {
		t.Fatal(err)
	}
	cancel() // the informer is behind from here on
	eventually(t, "the informer has stopped", func() bool { return cache.Packages().shared.IsStopped() })
	old.Spec.Deployment.Literal = []byte("new")
	changed := must(clients.Packages(ns).Update(t.Context(), old, metav1.UpdateOptions{}))(t)
	if code := codeOf(t, store, ns+"/p", ""); string(code.Literal) != "old" {
		t.Errorf("any version: %q", code.Literal)
	}
	if code := codeOf(t, store, ns+"/p", changed.ResourceVersion); string(code.Literal) != "new" {
		t.Errorf("version %s: %q", changed.ResourceVersion, code.Literal)
	}
}

func TestCodeStore_PassesURLsOn(t *testing.T) {
	clients, ns := start(t)
	p := literal(ns, "p", "")
	sum := strings.Repeat("0a", 32)
	p.Spec.Deployment = v1.Archive{Type: v1.ArchiveURL, URL: "https://example.com/a.zip", Checksum: v1.Checksum{Type: "sha256", Sum: sum}}
	must(clients.Packages(ns).Create(t.Context(), p, metav1.CreateOptions{}))(t)
	store, cache := newStore(t, clients, ns, t.TempDir())
	live := codeOf(t, store, ns+"/p", "") // the cache does not run yet
	run(t, cache)
	cached := codeOf(t, store, ns+"/p", "")
	for _, code := range []wire.Code{live, cached} {
		if code.URL != p.Spec.Deployment.URL || code.Digest != sum || code.Literal != nil {
			t.Errorf("code %+v", code)
		}
	}
}

func TestCodeStore_SaysWhyThereIsNoCode(t *testing.T) {
	clients, ns := start(t)
	source := literal(ns, "source", "")
	source.Spec.Source, source.Spec.Deployment = v1.Archive{URL: "https://a/b"}, v1.Archive{}
	image := literal(ns, "image", "")
	image.Spec.Deployment = v1.Archive{OCI: &v1.OCIArchive{Image: "i", ImagePullSecrets: []corev1.LocalObjectReference{{Name: "none"}}}}
	empty := literal(ns, "empty", "")
	empty.Spec.Deployment = v1.Archive{}
	for _, p := range []*v1.Package{source, image, empty} {
		must(clients.Packages(ns).Create(t.Context(), p, metav1.CreateOptions{}))(t)
	}
	store, cache := newStore(t, clients, ns, t.TempDir())
	check := func(t *testing.T) {
		t.Helper()
		for key, want := range map[string]string{
			ns + "/source": v1.ReasonPackageBuildPending,
			ns + "/image":  v1.ReasonCodeUnavailable,
			ns + "/empty":  v1.ReasonPackageBuildFailed,
			ns + "/gone":   v1.ReasonPackageNotFound,
			"":             v1.ReasonPackageNotFound,
		} {
			_, err := store.Code(t.Context(), key, "")
			if f := failureOf(t, err); f.Reason != want || f.Message == "" {
				t.Errorf("%s: %+v, want %s", key, f, want)
			}
		}
	}
	t.Run("live", check)
	run(t, cache)
	t.Run("cached", check)
}

func TestCodeStore_SaysWhereCodeInAnImageIs(t *testing.T) {
	clients, ns := start(t)
	must(clients.Secrets(ns).Create(t.Context(), &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: "pull"}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(`{"auths":{}}`)},
	}, metav1.CreateOptions{}))(t)
	p := literal(ns, "image", "")
	p.Spec.Deployment = v1.Archive{Type: v1.ArchiveOCI, OCI: &v1.OCIArchive{
		Image: "registry/code:1", SubPath: "app", ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
	}}
	p = must(clients.Packages(ns).Create(t.Context(), p, metav1.CreateOptions{}))(t)
	store, cache := newStore(t, clients, ns, t.TempDir())
	check := func(t *testing.T) {
		t.Helper()
		got := codeOf(t, store, ns+"/image", "").Image
		if got == nil || got.Image != "registry/code:1" || got.SubPath != "app" || got.Package != string(p.UID)+"/1" ||
			len(got.PullSecrets) != 1 || string(got.PullSecrets[0]) != `{"auths":{}}` {
			t.Errorf("image is %+v", got)
		}
	}
	t.Run("live", check)
	run(t, cache)
	t.Run("cached", check)
}

// A disk that cannot be written costs calls, not functions.
func TestCodeStore_WorksWithoutADisk(t *testing.T) {
	clients, ns := start(t)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "p", "code"), metav1.CreateOptions{}))(t)
	dir := filepath.Join(t.TempDir(), "code")
	store, cache := newStore(t, clients, ns, dir)
	if err := os.RemoveAll(dir); err != nil { // also root cannot write into a folder that is not there
		t.Fatal(err)
	}
	run(t, cache)
	if code := codeOf(t, store, ns+"/p", ""); string(code.Literal) != "code" {
		t.Errorf("code %+v", code)
	}
}

func TestCodeStore_FindsWhatAnEarlierProcessKept(t *testing.T) {
	dir := t.TempDir()
	first, err := openBlobs(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.put(digestOf([]byte("code")), []byte("code")); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(dir, "123"+partial)
	if err := os.WriteFile(leftover, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := openBlobs(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if data, ok := second.get(digestOf([]byte("code"))); !ok || string(data) != "code" {
		t.Errorf("get = %q, %v", data, ok)
	}
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("what a dead process left is still there: %v", err)
	}
}

func TestStrip_TwiceChangesNothing(t *testing.T) {
	for _, store := range []*CodeStore{nil, must(NewCodeStore(CodeStoreConfig{Dir: t.TempDir(), Log: testLog(t)}))(t)} {
		p := literal("ns", "p", "code")
		p.Spec.Source.Literal = []byte("source")
		store.strip(p)
		once := p.DeepCopy()
		store.strip(p)
		if fmt.Sprintf("%+v", p.Spec) != fmt.Sprintf("%+v", once.Spec) {
			t.Errorf("%+v, then %+v", once.Spec, p.Spec)
		}
		if p.Spec.Source.Empty() || p.Spec.Deployment.Empty() || p.Spec.Source.Literal != nil {
			t.Errorf("stripped: %+v", p.Spec)
		}
	}
}

func TestOlder(t *testing.T) {
	for _, c := range []struct {
		seen, wanted string
		want         bool
	}{
		{"5", "", false}, {"5", "5", false}, {"9", "10", true}, {"10", "9", false}, {"x", "x", false}, {"x", "5", true}, {"5", "x", true}, {"", "5", true},
	} {
		if got := Older(c.seen, c.wanted); got != c.want {
			t.Errorf("Older(%q, %q) = %v", c.seen, c.wanted, got)
		}
	}
}

// The store against a map: it never gives other bytes, never exceeds its bound, and has what was used last.
func TestBlobs_KeepTheirBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 100
		dir, err := os.MkdirTemp("", "blobs-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		b, err := openBlobs(dir, limit)
		if err != nil {
			t.Fatal(err)
		}
		sizes := rapid.SliceOfN(rapid.IntRange(0, 120), 1, 20).Draw(t, "sizes")
		for i, size := range sizes {
			data := bytes.Repeat([]byte{byte(i)}, size)
			if err := b.put(digestOf(data), data); err != nil {
				t.Fatal(err)
			}
			got, ok := b.get(digestOf(data))
			if ok != (size <= limit) || ok && !bytes.Equal(got, data) {
				t.Fatalf("blob %d of %d bytes right after it was put: %v", i, size, ok)
			}
			if total := onDisk(t, dir); total > limit || total != b.bytes {
				t.Fatalf("%d bytes on disk, %d counted, at most %d allowed", total, b.bytes, limit)
			}
		}
	})
}

func onDisk(t *rapid.T, dir string) int64 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}
