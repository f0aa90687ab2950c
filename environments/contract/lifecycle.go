package contract

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

func genericRefusesRequestsAndIsHealthy(t T, l Language) {
	r := start(t, l)
	wantText(t, r.get("/"), http.StatusInternalServerError, "Generic container")
	wantStatus(t, r.do(http.MethodPost, "/any/path?q=1", []byte("body")), http.StatusInternalServerError)
	wantStatus(t, r.get("/healthz"), http.StatusOK)
}

func specializeLoadsOnceAndOnlyOnce(t T, l Language) {
	r := serve(t, l, "hello")
	wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
	wantText(t, r.load(l.place(t, "echo"), ""), http.StatusBadRequest, "Not a generic container")
	wantText(t, r.do(http.MethodPost, "/specialize", nil), http.StatusBadRequest, "Not a generic container")
	wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
}

func specializeRefusesASecondLoadDuringTheFirst(t T, l Language) {
	gate := filepath.Join(t.TempDir(), "gate")
	r := start(t, l, "CONTRACT_GATE="+gate)
	path := l.place(t, "loads-slowly")
	results := make(chan int, 2)
	for range 2 {
		go func() { results <- r.load(path, "").status }()
	}
	refused := 0
	if !l.Traits.LoadBlocks { // Else the second waits for the first.
		refused = <-results
		mustEqual(t, "status of the second load", refused, http.StatusBadRequest)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	first := <-results
	if refused == 0 {
		refused = <-results
	}
	if first+refused-http.StatusBadRequest >= 300 {
		t.Fatalf("not exactly one load succeeded: %d and %d", first, refused)
	}
	wantText(t, r.get("/"), http.StatusOK, "loaded")
}

func specializeVersion1LoadsTheFixedPath(t T, l Language) {
	r := start(t, l, "USERFUNCVOL="+l.volume(t, "hello"))
	wantLoaded(t, r.do(http.MethodPost, "/specialize", nil, "Content-Type", "text/plain"))
	wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
}

func healthAfterSpecialize(t T, l Language) {
	r := serve(t, l, "hello")
	want := "Hello, world!"
	if l.Traits.HealthIsReserved {
		want = "OK"
	}
	wantText(t, r.get("/healthz"), http.StatusOK, want)
}

func terminateFinishesWhatIsInFlightAndExits(t T, l Language) {
	gate := filepath.Join(t.TempDir(), "gate")
	r := serve(t, l, "gate", "CONTRACT_GATE="+gate)
	waited := r.goGet("/")
	r.await("in the function", func() bool { return exists(gate + ".reached") })
	r.terminate()
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
}

func terminateExitsAtOnceWhenIdle(t T, l Language) {
	r := serve(t, l, "hello")
	wantStatus(t, r.get("/"), http.StatusOK) // Leaves an idle connection behind.
	r.terminate()
	mustEqual(t, "exit code", r.exit(), 0)
}

func exitOfTheFunctionEndsTheProcessWithItsCode(t T, l Language) {
	r := serve(t, l, "exits")
	if a, err := r.try(http.MethodGet, "/", nil); err == nil {
		t.Fatalf("answered %d", a.status)
	}
	mustEqual(t, "exit code", r.exit(), 7)
	if !strings.Contains(r.stdout.String(), "leaving\n") {
		t.Fatalf("what it printed is lost: %q", r.stdout)
	}
}

func exitAtLoadEndsTheProcessWithItsCode(t T, l Language) {
	r := start(t, l)
	body := []byte(`{"filepath":"` + l.place(t, "exits-at-load") + `"}`)
	if a, err := r.try(http.MethodPost, "/v2/specialize", body); err == nil {
		t.Fatalf("answered %d", a.status)
	}
	mustEqual(t, "exit code", r.exit(), 9)
}

func addressInUseIsSaidAndEndsTheProcess(t T, l Language) {
	first := start(t, l)
	second := launch(t, l, first.addr)
	if code := second.exit(); code == 0 {
		t.Fatal("exit code 0")
	}
	if !strings.Contains(strings.ToLower(second.stderr.String()), "address already in use") {
		t.Fatalf("does not say why: %s", second.stderr)
	}
}

func settingsBadAddressIsNamed(t T, l Language) {
	badSettingIsNamed(t, l, "HOTPOD_RUNTIME_ADDRESS", "nonsense")
}

func settingsBadLimitIsNamed(t T, l Language) { badSettingIsNamed(t, l, "BODY_PARSER_LIMIT", "much") }

func badSettingIsNamed(t T, l Language, name, value string) {
	r := launch(t, l, freeAddress(), name+"="+value)
	mustEqual(t, "exit code", r.exit(), 2)
	if !strings.Contains(r.stderr.String(), name) {
		t.Errorf("%s is not named: %s", name, r.stderr)
	}
}
