package probe

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// loaded is a runtime with a program, and what its ledger was told.
func loaded(t *testing.T, p Program) (url string, told func() []Entry) {
	t.Helper()
	var mu sync.Mutex
	var entries []Entry
	ledger, err := ListenLedger(t.Context(), "127.0.0.1", func(e Entry) {
		mu.Lock()
		defer mu.Unlock()
		entries = append(entries, e)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ledger.Close() })
	server := httptest.NewServer(New(Config{Pod: "pod-1", Environment: "7", Ledger: ledger.Address(), Log: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(file, p.Encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{http.StatusAccepted, http.StatusBadRequest} { // once, and not again
		res, err := http.Post(server.URL+"/v2/specialize", "application/json", strings.NewReader(`{"filepath":"`+file+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Fatalf("specialize: %s, want %d", res.Status, want)
		}
	}
	return server.URL, func() []Entry {
		mu.Lock()
		defer mu.Unlock()
		return append([]Entry(nil), entries...)
	}
}

func call(t *testing.T, url, id, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(HeaderID, id)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

func TestRuntime_AnswersWithWhoItIsAndTellsTheLedger(t *testing.T) {
	url, told := loaded(t, Program{Version: 3})
	res, text := call(t, url+"/f/echo", "id-1", "hello") //nolint:bodyclose // call sees to it
	var a Answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	const sum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	if a.Request != "id-1" || a.Version != 3 || a.Bytes != 5 || a.Sum != sum {
		t.Errorf("%+v", a)
	}
	if h := res.Header; h.Get(HeaderVersion) != "3" || h.Get(HeaderPod) != "pod-1" || h.Get(HeaderEnvironment) != "7" {
		t.Errorf("%v", h)
	}
	for deadline := time.Now().Add(10 * time.Second); len(told()) < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("the ledger has %v", told())
		}
		time.Sleep(time.Millisecond)
	}
	for i, e := range told() {
		if e.Begin != (i == 0) || e.Request != "id-1" || e.Pod != "pod-1" {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
}

func TestRuntime_SaysWhenMoreAreInsideThanAllowed(t *testing.T) {
	url, told := loaded(t, Program{Version: 1, Limit: 1})
	done := make(chan int)
	go func() {
		res, _ := call(t, url+"/f?ms=500", "first", "")
		done <- res.StatusCode
	}()
	for len(told()) == 0 {
		time.Sleep(time.Millisecond)
	}
	if res, text := call(t, url+"/f", "second", ""); res.StatusCode != http.StatusInternalServerError || !strings.Contains(text, "overlap") {
		t.Errorf("%s %s", res.Status, text)
	}
	if status := <-done; status != http.StatusOK {
		t.Errorf("the first got %d", status)
	}
}

func TestRuntime_StreamsNumberedLines(t *testing.T) {
	url, _ := loaded(t, Program{Version: 1})
	if _, text := call(t, url+"/f/stream?n=3&gap=1", "a", ""); text != "line 0\nline 1\nline 2\n" {
		t.Errorf("%q", text)
	}
	if res, text := call(t, url+"/f/sse?n=2&gap=1", "b", ""); text != "data: 0\n\ndata: 1\n\n" || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q %v", text, res.Header)
	}
	if res, text := call(t, url+"/f/copy", "c", "body"); text != "body" || len(res.Trailer.Get(TrailerSum)) != 64 {
		t.Errorf("%q %v", text, res.Trailer)
	}
}
