package storage

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func (s *Server) has(t *testing.T) []string {
	t.Helper()
	var ids []string
	if err := s.config.Backend.List(t.Context(), func(a Archive) { ids = append(ids, a.ID) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// local is a server without a network, for time that is not real.
func local(t *testing.T, c Config) *Server {
	t.Helper()
	dir := t.TempDir()
	folder, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Backend, c.Spool, c.Log = folder, filepath.Join(dir, ".uploads"), slog.New(slog.DiscardHandler)
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *Server) store(t *testing.T, content string) string {
	t.Helper()
	f, err := s.spool.receive(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.discard()
	anybody := &caller{max: 1 << 20, claim: func() error { return nil }}
	if err := s.keep(t.Context(), anybody, f); err != nil {
		t.Fatal(err)
	}
	return f.id
}

func TestPrune_DeletesWhatNoPackageNamesAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards the two below
		refs, known := map[string][]string{}, true
		set := func(change func()) {
			mu.Lock()
			defer mu.Unlock()
			change()
		}
		s := local(t, Config{
			PruneInterval: 10 * time.Minute, Grace: time.Hour,
			References: func() (map[string][]string, bool) {
				mu.Lock()
				defer mu.Unlock()
				return maps.Clone(refs), known
			},
		})
		used, unused := s.store(t, "used"), s.store(t, "unused")
		refs[used] = []string{"team"}
		if err := os.WriteFile(filepath.Join(s.config.Spool, idOf("begun")+endPieces), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.prune(ctx) }()
		all := []string{unused, used}
		slices.Sort(all)
		step := func(d time.Duration, why string, want ...string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if got := s.has(t); !slices.Equal(got, want) {
				t.Errorf("%s: the store has %v, want %v", why, got, want)
			}
		}
		step(59*time.Minute, "within the grace", all...)
		s.store(t, "unused")
		step(59*time.Minute, "uploaded again", all...)
		step(40*time.Minute, "after the grace", used)
		set(func() { delete(refs, used) })
		step(50*time.Minute, "a package went away", used)
		set(func() { known = false })
		step(24*time.Hour, "packages are not known", used)
		set(func() { known = true })
		step(21*time.Minute, "they are known again", []string{}...)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPrune_DeletesUploadsThatDoNotGoOn(t *testing.T) {
	s := local(t, Config{Grace: time.Hour})
	old, recent := filepath.Join(s.config.Spool, idOf("old")+endPieces), filepath.Join(s.config.Spool, idOf("new")+endPieces)
	for _, path := range []string{old, recent} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	s.spool.sweep(time.Now().Add(-time.Hour))
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old one: %v", err)
	}
	if _, err := os.Stat(recent); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

func TestQuota_BoundsAllAndEachNamespace(t *testing.T) {
	big, small := strings.Repeat("b", 60), strings.Repeat("s", 30)
	refs := map[string][]string{idOf(big): {"team"}}
	r := newRig(t, func(c *Config) {
		c.MaxTotal, c.MaxNamespace = 100, 80
		c.References = func() (map[string][]string, bool) { return refs, true }
	})
	put := func(namespace, content string) int {
		status, _, _ := r.call("PUT", "/v1/archive?namespace="+namespace, strings.NewReader(content))
		return status
	}
	for _, c := range []struct {
		why, namespace, content string
		want                    int
	}{
		{"the first", "team", big, 200},
		{"too much for the namespace", "team", small, 507},
		{"it has room elsewhere", "other", small, 200},
		{"too much for all", "other", strings.Repeat("x", 11), 507},
	} {
		if got := put(c.namespace, c.content); got != c.want {
			t.Errorf("%s: %d, want %d", c.why, got, c.want)
		}
	}
	if status, _ := r.begin(idOf("y"), 30); status != 507 {
		t.Errorf("pieces of too much: %d", status)
	}
	if status, p := r.begin(idOf(big), 60); status != 200 || !p.Complete {
		t.Errorf("what is there, announced again: %d %+v", status, p)
	}
}
