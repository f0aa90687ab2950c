package generic

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSettings_NamesTheVariableThatIsWrong(t *testing.T) {
	for address, ok := range map[string]bool{"": true, "127.0.0.1:8888": true, ":80": true, "[::1]:80": true, "nonsense": false, "a:b": false, "a:70000": false} {
		_, err := ReadSettings(func(name string) string {
			return map[string]string{"HOTPOD_RUNTIME_ADDRESS": address}[name]
		})
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "HOTPOD_RUNTIME_ADDRESS") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// loader answers with the path that it was given, or with an error if that is empty.
type loader struct{ fails bool }

func (l *loader) Load(_ context.Context, load Load) (http.Handler, error) {
	if l.fails {
		return nil, errors.New("not today")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, load.Path+load.Function) }), nil
}

func TestRuntime_LoadsOnceAfterAFailure(t *testing.T) {
	l := &loader{fails: true}
	rt := New(Settings{CodePath: "/code/user"}, l, io.Discard)
	call := func(method, path, body string) (int, string) {
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	for _, step := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/", "", 500, "Generic container"},
		{"POST", "/v2/specialize", `{"filepath":"/f"}`, 500, "not today"},
		{"POST", "/v2/specialize", `{`, 400, "JSON"},
		{"GET", "/healthz", "", 200, "OK"},
	} {
		if status, text := call(step.method, step.path, step.body); status != step.status || !strings.Contains(text, step.says) {
			t.Errorf("%s %s: %d %s", step.method, step.path, status, text)
		}
	}
	l.fails = false
	if status, _ := call("POST", "/specialize", ""); status != http.StatusAccepted {
		t.Errorf("version 1: %d", status)
	}
	if status, text := call("POST", "/v2/specialize", `{"filepath":"/f"}`); status != 400 || !strings.Contains(text, "Not a generic container") {
		t.Errorf("second load: %d %s", status, text)
	}
	if _, text := call("GET", "/specialize", ""); text != "/code/user" {
		t.Errorf("the function answers %q", text)
	}
}

func TestExecutable_GivesTheBitToWhatLacksIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Executable(path)
	if info, errStat := os.Stat(got); err != nil || errStat != nil || info.Mode()&0o100 == 0 {
		t.Errorf("%s, %v, %v", got, err, errStat)
	}
}

func TestTail_KeepsTheEnd(t *testing.T) {
	tail := Tail{Limit: 4}
	for _, text := range []string{"abc", "", "defg", "h"} {
		_, _ = tail.Write([]byte(text))
	}
	if tail.String() != "efgh" {
		t.Errorf("kept %q", tail.String())
	}
}
