package builder

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotpod.dev/sign"
)

// world is a builder with a volume.
type world struct {
	t   *testing.T
	dir string
	url string
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	cfg := Config{
		Dir: t.TempDir(), CacheDir: t.TempDir(), Port: 1, Timeout: time.Minute, MaxLog: 4 << 10,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOTPOD_SECRET=x", "KEEP=kept"}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return &world{t: t, dir: cfg.Dir, url: server.URL}
}

// source puts a source with a script build.sh on the volume.
func (w *world) source(name, script string) {
	w.t.Helper()
	if err := os.MkdirAll(filepath.Join(w.dir, name), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, name, "build.sh"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) build(name, command string) (status int, result Result, text string) {
	w.t.Helper()
	body, _ := json.Marshal(Request{Source: name, Command: command})
	resp, err := http.Post(w.url+"/", "application/json", strings.NewReader(string(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	_ = json.Unmarshal(answer, &result)
	return resp.StatusCode, result, string(answer)
}

func TestBuild_RunsTheCommandInTheSourceAndNamesWhatItMade(t *testing.T) {
	w := newWorld(t, nil)
	w.source("src", `echo "in $(pwd) with $1, $KEEP, secret ${HOTPOD_SECRET:-none}"; echo complaint >&2; mkdir "$DEPLOY_PKG"; echo made >"$DEPLOY_PKG/out"`)
	status, result, _ := w.build("src", "./build.sh  two-words")
	if status != http.StatusOK || !strings.HasPrefix(result.Artifact, "src-") {
		t.Fatalf("%d %+v", status, result)
	}
	if want := "in " + filepath.Join(w.dir, "src") + " with two-words, kept, secret none\ncomplaint\n"; result.Logs != want {
		t.Errorf("log %q, want %q", result.Logs, want)
	}
	if got, _ := os.ReadFile(filepath.Join(w.dir, result.Artifact, "out")); string(got) != "made\n" {
		t.Errorf("artifact %q", got)
	}
}

func TestBuild_SaysWhyItFailed(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Timeout = 2 * time.Second })
	w.source("fails", "echo working; exit 3")
	w.source("nothing", "exit 0")
	w.source("slow", "sleep 60")
	w.source("plain", "exit 0")
	if err := os.Chmod(filepath.Join(w.dir, "plain/build.sh"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source, command, want string
		status                int
	}{
		{"fails", "./build.sh", "exit status 3", 500},
		{"nothing", "./build.sh", "left nothing", 500},
		{"slow", "./build.sh", "longer than 2s", 500},
		{"plain", "./build.sh", "chmod +x", 500},
		{"fails", "no-such-program", "does not exist", 500},
		{"fails", "", `"/build" does not exist`, 500},
		{"fails", "./build.sh; rm -rf /", "for a shell", 400},
		{"fails", "./build.sh $(id)", "for a shell", 400},
		{"fails", "./build.sh\n./other", "for a shell", 400},
		{"absent", "./build.sh", "is not here", 400},
		{"../etc", "./build.sh", "not the name", 400},
		{".hidden", "./build.sh", "not the name", 400},
		{"", "./build.sh", "not the name", 400},
	} {
		status, result, text := w.build(c.source, c.command)
		if status != c.status || !strings.Contains(result.Error+text, c.want) {
			t.Errorf("%s %q: %d %s, want %d with %q", c.source, c.command, status, text, c.status, c.want)
		}
	}
}

func TestBuild_StreamsItsLog(t *testing.T) {
	w := newWorld(t, nil)
	gate := filepath.Join(w.dir, "gate")
	w.source("src", `echo first; while [ ! -e "`+gate+`" ]; do sleep 0.01; done; echo second; echo x >"$DEPLOY_PKG"`)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", strings.NewReader(`{"srcPkgFilename":"src","command":"./build.sh"}`))
	req.Header.Set("Accept", TypeEvents)
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := json.NewDecoder(bufio.NewReader(resp.Body))
	next := func() (e Event) {
		t.Helper()
		if err := events.Decode(&e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := next(); e.Line != "first" {
		t.Fatalf("first event %+v", e)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil { // only now can the build go on
		t.Fatal(err)
	}
	if e := next(); e.Line != "second" {
		t.Errorf("second event %+v", e)
	}
	if e := next(); e.Result == nil || e.Result.Artifact == "" || e.Result.Logs != "first\nsecond\n" {
		t.Errorf("last event %+v", e)
	}
}

func TestBuild_EndsWithItsCallerAndLeavesNoProcess(t *testing.T) {
	w := newWorld(t, nil)
	pidFile := filepath.Join(w.dir, "pid")
	w.source("src", `(trap '' TERM; echo $$ >"`+pidFile+`.new"; mv "`+pidFile+`.new" "`+pidFile+`"; sleep 60) & sleep 60`)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(pidFile); err == nil {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/", strings.NewReader(`{"srcPkgFilename":"src","command":"./build.sh"}`))
	if resp, err := (&http.Client{}).Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the call ended by itself")
	}
	text, _ := os.ReadFile(pidFile)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); syscall.Kill(-pid, 0) == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("processes of the build are still there")
		}
	}
}

func TestBuild_KeepsBeginningAndEndOfALongLog(t *testing.T) {
	w := newWorld(t, nil)
	w.source("src", `i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i+1)); done; echo x >"$DEPLOY_PKG"`)
	_, result, _ := w.build("src", "./build.sh")
	if n := len(result.Logs); n > 5<<10 || n < 2<<10 {
		t.Errorf("the log has %d bytes", n)
	}
	for _, want := range []string{"line 0\n", "lines left out", "line 1999\n"} {
		if !strings.Contains(result.Logs, want) {
			t.Errorf("no %q in the log", want)
		}
	}
}

func TestClean_RemovesASourceAndWhatWasMadeOfIt(t *testing.T) {
	w := newWorld(t, nil)
	w.source("src", `mkdir "$DEPLOY_PKG"; echo x >"$DEPLOY_PKG/x"; chmod 500 "$DEPLOY_PKG"`)
	w.source("other", "")
	if status, _, text := w.build("src", "./build.sh"); status != 200 {
		t.Fatal(text)
	}
	clean := func(name string) int {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.url+"/clean?name="+name, nil)
		resp, err := (&http.Client{}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := clean("src"); got != 200 {
		t.Errorf("clean answered %d", got)
	}
	left, _ := os.ReadDir(w.dir)
	if len(left) != 1 || left[0].Name() != "other" {
		t.Errorf("left are %v", left)
	}
	if got := clean("..%2Fother"); got != 400 {
		t.Errorf("clean of another folder answered %d", got)
	}
}

func TestCalls_AreSignedWhereThereIsAKey(t *testing.T) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *Config) { c.PodUID, c.ControlKey = "pod", signer.PublicKey() })
	w.source("src", `echo x >"$DEPLOY_PKG"`)
	if status, _, text := w.build("src", "./build.sh"); status != http.StatusUnauthorized {
		t.Fatalf("unsigned: %d %s", status, text)
	}
	body := `{"srcPkgFilename":"src","command":"./build.sh"}`
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body))
	req.Header.Set(sign.Header, signer.Sign("pod", http.MethodPost, "/", []byte(body), time.Now().Add(time.Minute)))
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("signed: %s", resp.Status)
	}
	for _, path := range []string{"/healthz", "/version"} {
		if resp, err := http.Get(w.url + path); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %v %v", path, resp, err)
		} else {
			resp.Body.Close()
		}
	}
}

func TestLines_AreCutBoundedAndWithoutControls(t *testing.T) {
	var got []string
	l := &lines{each: func(s string) { got = append(got, s) }}
	for _, part := range []string{"a", "b\nc\r\n", "\x1b[31mred\x1b[0m\n", "10%\r20%\rdone\r\n", "bad \xff byte\n", strings.Repeat("x", maxLine+5) + "\n", "end"} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	l.close()
	want := []string{"ab", "c", "red", "done", "bad  byte", strings.Repeat("x", maxLine), "xxxxx", "end"}
	if len(got) != len(want) {
		t.Fatalf("%d lines: %.200q", len(got), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d is %.60q, want %.60q", i, got[i], want[i])
		}
	}
}
