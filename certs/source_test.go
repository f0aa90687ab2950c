package certs_test

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hotpod.dev/certs"
)

// authority makes authorities of the test's own.
func authority(t *testing.T) certs.Authorities {
	t.Helper()
	a, _ := step(t, certs.Authorities{}, time.Now())
	return a
}

func files(t *testing.T, a certs.Authorities, part string, at time.Time) certs.Files {
	t.Helper()
	return certs.Files{Pair: issue(t, a, part, at), Authorities: a.Bundle()}
}

// end is one side of a connection, with its log and what it counts.
type end struct {
	*certs.Source
	registry *prometheus.Registry
	log      *strings.Builder
	mu       *sync.Mutex
}

func newEnd(load func() (certs.Files, error)) *end {
	e := &end{registry: prometheus.NewRegistry(), log: &strings.Builder{}, mu: &sync.Mutex{}}
	e.Source = certs.NewSource(load, slog.New(slog.NewTextHandler(e, nil)), e.registry)
	return e
}

// Write takes lines of the log.
func (e *end) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.Write(p)
}

// refused returns how many connections were refused for each reason.
func (e *end) refused(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "hotpod_tls_refused_total" {
				counts[label(m, "side")+" "+label(m, "reason")] = m.GetCounter().GetValue()
			}
		}
	}
	return counts
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// meet connects the two and returns what each side says of it.
func meet(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	a, b := net.Pipe()
	deadline := time.Now().Add(time.Minute)
	_, _ = a.SetDeadline(deadline), b.SetDeadline(deadline)
	done := make(chan error, 1)
	go func() {
		conn := tls.Server(a, server)
		_, err := conn.Write([]byte("hello"))
		done <- errors.Join(err, conn.Close())
	}()
	conn := tls.Client(b, client)
	_, clientErr = io.ReadAll(conn)
	_ = conn.Close()
	return <-done, clientErr
}

func TestSource_LetsTheRightPartsMeetAndNobodyElse(t *testing.T) {
	now, ours, theirs := time.Now(), authority(t), authority(t)
	always := func(f certs.Files) func() (certs.Files, error) { return func() (certs.Files, error) { return f, nil } }
	server := newEnd(always(files(t, ours, certs.Autoscaler, now)))
	config := server.Server(certs.Activator, certs.Controller)
	foreign := files(t, theirs, certs.Activator, now)
	foreign.Authorities = ours.Bundle() // it would talk to ours
	for what, c := range map[string]struct {
		client *tls.Config
		side   string // that refuses
		reason string
	}{
		"one that may":         {newEnd(always(files(t, ours, certs.Activator, now))).Client(certs.Autoscaler), "", ""},
		"another that may":     {newEnd(always(files(t, ours, certs.Controller, now))).Client(certs.Autoscaler), "", ""},
		"without certificate":  {&tls.Config{InsecureSkipVerify: true}, "server", "none"},
		"of another authority": {newEnd(always(foreign)).Client(certs.Autoscaler), "server", "authority"},
		"another part":         {newEnd(always(files(t, ours, certs.Router, now))).Client(certs.Autoscaler), "server", "part"},
		"expired":              {newEnd(always(files(t, ours, certs.Activator, now.Add(-2*settings.Life)))).Client(certs.Autoscaler), "server", "expired"},
		"not yet":              {newEnd(always(files(t, ours, certs.Activator, now.Add(2*settings.Life)))).Client(certs.Autoscaler), "server", "expired"},
		"who wants another":    {newEnd(always(files(t, ours, certs.Activator, now))).Client(certs.XDS), "client", ""},
	} {
		before := server.refused(t)["server "+c.reason]
		serverErr, clientErr := meet(t, config, c.client)
		if refused := serverErr != nil || clientErr != nil; refused != (c.side != "") {
			t.Errorf("%s: server %v, client %v", what, serverErr, clientErr)
		}
		if c.reason == "" {
			continue
		}
		if got := server.refused(t)["server "+c.reason]; got != before+1 {
			t.Errorf("%s: counted as %s %g times, before %g", what, c.reason, got, before)
		}
		if !strings.Contains(server.log.String(), "reason="+c.reason) {
			t.Errorf("%s: the log says nothing of %s:\n%s", what, c.reason, server.log.String())
		}
	}
}

// A folder as a Secret is mounted: its files change together, and the next connection has the new ones.
func TestDir_FollowsAMountedSecret(t *testing.T) {
	dir := t.TempDir()
	put := func(version string, f certs.Files) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string][]byte{"tls.crt": f.Cert, "tls.key": f.Key, "ca.crt": f.Authorities} {
			if err := os.WriteFile(filepath.Join(dir, version, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		next := filepath.Join(dir, "..next")
		if err := errors.Join(os.Symlink(version, next), os.Rename(next, filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	server := newEnd(certs.Dir(dir))
	config := server.Server(certs.Activator)
	first, second := authority(t), authority(t)
	client := newEnd(func() (certs.Files, error) { return files(t, first, certs.Activator, time.Now()), nil }).Client(certs.XDS)
	newClient := newEnd(func() (certs.Files, error) { return files(t, second, certs.Activator, time.Now()), nil }).Client(certs.XDS)
	if _, err := meet(t, config, client); err == nil {
		t.Error("a server without files lets somebody in")
	}
	put("..1", files(t, first, certs.XDS, time.Now()))
	if a, b := meet(t, config, client); a != nil || b != nil {
		t.Errorf("first: %v, %v", a, b)
	}
	put("..2", files(t, second, certs.XDS, time.Now()))
	for deadline := time.Now().Add(time.Minute); ; {
		a, b := meet(t, config, newClient)
		if a == nil && b == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("second: %v, %v", a, b)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "..2", "tls.crt"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if a, b := meet(t, config, newClient); a != nil || b != nil {
			t.Errorf("with a file that is half there: %v, %v", a, b)
		}
	}
}
