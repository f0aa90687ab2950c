package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestGeneric_RefusesRequestsAndIsHealthy(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := start(t, l)
		wantText(t, r.get("/"), http.StatusInternalServerError, "Generic container")
		wantStatus(t, r.do(http.MethodPost, "/any/path?q=1", []byte("body")), http.StatusInternalServerError)
		wantStatus(t, r.get("/healthz"), http.StatusOK)
	})
}

func TestSpecialize_LoadsOnceAndOnlyOnce(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := serve(t, l, "hello")
		wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
		wantText(t, r.load(l.place(t, "echo"), ""), http.StatusBadRequest, "Not a generic container")
		wantText(t, r.do(http.MethodPost, "/specialize", nil), http.StatusBadRequest, "Not a generic container")
		wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
	})
}

func TestSpecialize_RefusesASecondLoadDuringTheFirst(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		gate := filepath.Join(t.TempDir(), "gate")
		r := start(t, l, "CONTRACT_GATE="+gate)
		path := l.place(t, "loads-slowly")
		results := make(chan int, 2)
		for range 2 {
			go func() { results <- r.load(path, "").status }()
		}
		if l.name == "python" { // Loading blocks the whole process in Node.js, so there the second waits for the first.
			mustEqual(t, "status of the second load", <-results, http.StatusBadRequest)
		}
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := <-results
		if l.name != "python" {
			sum += <-results - http.StatusBadRequest
		}
		if sum >= 300 {
			t.Fatalf("not exactly one load succeeded: %d", sum)
		}
		wantText(t, r.get("/"), http.StatusOK, "loaded")
	})
}

func TestSpecialize_Version1LoadsTheFixedPath(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		volume := t.TempDir()
		raw, err := os.ReadFile(l.source(t, "hello"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(volume, "user"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		r := start(t, l, "USERFUNCVOL="+volume)
		if a := r.do(http.MethodPost, "/specialize", nil, "Content-Type", "text/plain"); a.status >= 300 {
			t.Fatalf("specialize: %d %s", a.status, a.body)
		}
		wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
	})
}

func TestHealth_AfterSpecialize(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := serve(t, l, "hello")
		want := "Hello, world!"
		if l.healthIsReserved {
			want = "OK"
		}
		wantText(t, r.get("/healthz"), http.StatusOK, want)
	})
}

func TestTerminate_FinishesWhatIsInFlightAndExits(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		gate := filepath.Join(t.TempDir(), "gate")
		r := serve(t, l, "gate", "CONTRACT_GATE="+gate)
		waited := r.goGet("/")
		r.await("in the function", func() bool { return exists(gate + ".reached") })
		r.signal(syscall.SIGTERM)
		r.await("closed to new connections", func() bool { return !r.listens() })
		if err := os.WriteFile(gate, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		got := <-waited
		if got.err != nil {
			t.Fatalf("request in flight: %v", got.err)
		}
		wantText(t, got.answer, http.StatusOK, "through the gate")
		mustEqual(t, "exit code", r.exit(), 0)
	})
}

func TestTerminate_ExitsAtOnceWhenIdle(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := serve(t, l, "hello")
		wantStatus(t, r.get("/"), http.StatusOK) // Leaves an idle connection behind.
		r.signal(syscall.SIGTERM)
		mustEqual(t, "exit code", r.exit(), 0)
	})
}

func TestExit_OfTheFunctionEndsTheProcessWithItsCode(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := serve(t, l, "exits")
		if a, err := r.try(http.MethodGet, "/", nil); err == nil {
			t.Fatalf("answered %d", a.status)
		}
		mustEqual(t, "exit code", r.exit(), 7)
		if !strings.Contains(r.stdout.String(), "leaving\n") {
			t.Fatalf("what it printed is lost: %q", r.stdout)
		}
	})
}

func TestExit_AtLoadEndsTheProcessWithItsCode(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := start(t, l)
		body := []byte(`{"filepath":"` + l.place(t, "exits-at-load") + `"}`)
		if a, err := r.try(http.MethodPost, "/v2/specialize", body); err == nil {
			t.Fatalf("answered %d", a.status)
		}
		mustEqual(t, "exit code", r.exit(), 9)
	})
}

func TestAddress_InUseIsSaidAndEndsTheProcess(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		first := start(t, l)
		second := launch(t, l, first.addr)
		if code := second.exit(); code == 0 {
			t.Fatal("exit code 0")
		}
		if !strings.Contains(strings.ToLower(second.stderr.String()), "address already in use") {
			t.Fatalf("does not say why: %s", second.stderr)
		}
	})
}

func TestSettings_BadOnesAreNamed(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		for _, variable := range []string{"HOTPOD_RUNTIME_ADDRESS=nonsense", "BODY_PARSER_LIMIT=much"} {
			name, _, _ := strings.Cut(variable, "=")
			r := launch(t, l, freeAddress(t), variable)
			mustEqual(t, "exit code", r.exit(), 2)
			if !strings.Contains(r.stderr.String(), name) {
				t.Errorf("%s is not named: %s", name, r.stderr)
			}
		}
	})
}
