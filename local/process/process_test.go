package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits for the condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func shell(t *testing.T, script string) Spec {
	t.Helper()
	return Spec{
		Name: "x", Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"},
		Dir: t.TempDir(), LogFile: filepath.Join(t.TempDir(), "x.log"), Grace: 5 * time.Second,
	}
}

// run supervises the program until the returned function is called, which returns what Run returned.
func run(t *testing.T, spec Spec) (*Supervised, func() error) {
	t.Helper()
	s := New(spec, slog.New(slog.DiscardHandler), nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := func() error { cancel(); err := <-done; done <- err; return err }
	t.Cleanup(func() { _ = stop() })
	return s, stop
}

func TestRun_StartsAgainWhatDies(t *testing.T) {
	s, _ := run(t, shell(t, "echo no space left on device; exec sleep 1000"))
	eventually(t, "the program runs", func() bool { return s.Status().Identity.Alive() })
	first := s.Status().Identity
	// Killing before the shell printed would find no reason.
	eventually(t, "the program printed", func() bool { return strings.HasPrefix(command(first.PID), "sleep") })
	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the program runs again", func() bool {
		now := s.Status()
		return now.Identity != first && now.Identity.Alive()
	})
	got := s.Status()
	if got.Restarts != 1 || !strings.Contains(got.LastExit, "killed") || !strings.Contains(got.LastExit, "the disk is full") {
		t.Errorf("status is %+v", got)
	}
}

func TestRun_EndsTheProgramInOrder(t *testing.T) {
	spec := shell(t, `trap "echo bye > bye; exit" TERM; echo up > up; while :; do sleep 0.01; done`)
	s, stop := run(t, spec)
	eventually(t, "the trap is set", func() bool { return exists(spec.Dir, "up") })
	identity := s.Status().Identity
	if err := stop(); err != nil {
		t.Error(err)
	}
	if identity.Alive() || s.Status().Running {
		t.Error("the program still runs")
	}
	if !exists(spec.Dir, "bye") {
		t.Error("the program was not asked to end")
	}
}

func TestRun_KillsWhatDoesNotEnd(t *testing.T) {
	spec := shell(t, `trap "" TERM; sleep 1000 & echo $! > child; wait; sleep 1000`)
	spec.Grace = 50 * time.Millisecond
	s, stop := run(t, spec)
	eventually(t, "its child runs", func() bool { return exists(spec.Dir, "child") })
	identity := s.Status().Identity
	text, err := os.ReadFile(filepath.Join(spec.Dir, "child"))
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(text), &pid); err != nil {
		t.Fatal(err)
	}
	eventually(t, "parent and child are gone", func() bool {
		child, err := Identify(pid)
		return !identity.Alive() && (err != nil || !child.Alive())
	})
}

func TestRun_SaysThatAProgramIsMissing(t *testing.T) {
	s := New(Spec{Name: "x", Path: "/no/such/program", LogFile: filepath.Join(t.TempDir(), "log")}, slog.New(slog.DiscardHandler), nil)
	if err := s.Run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a missing file", err)
	}
}

func TestRun_TellsEachChange(t *testing.T) {
	changes := make(chan Status, 100)
	s := New(shell(t, "exit 3"), slog.New(slog.DiscardHandler), func(st Status) { changes <- st })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for _, want := range []Status{
		{Running: true},
		{Running: false, LastExit: "exit status 3"},
		{Running: true, Restarts: 1, LastExit: "exit status 3"},
	} {
		got := <-changes
		if got.Running != want.Running || got.Restarts != want.Restarts || got.LastExit != want.LastExit {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestIdentity_IsNotAnotherProcessWithTheSameID(t *testing.T) {
	self, err := Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if !self.Alive() {
		t.Error("this process is not alive")
	}
	other := Identity{PID: self.PID, Started: self.Started + 1}
	if other.Alive() {
		t.Error("another start time is the same process")
	}
	if err := other.End(time.Second); err != nil {
		t.Errorf("ending what is gone: %v", err)
	}
	if (Identity{}).Alive() {
		t.Error("no process is alive")
	}
}

func TestEnd_KillsAGroupThatDoesNotWantToEnd(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("/bin/sh", "-c", `trap "" TERM; echo > up; while :; do sleep 0.01; done`)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = cmd.Wait() }()
	eventually(t, "the trap is set", func() bool { return exists(dir, "up") })
	identity, err := Identify(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := identity.End(20 * time.Millisecond); err != nil {
		t.Error(err)
	}
	if identity.Alive() {
		t.Error("it still runs")
	}
}

func TestBackoff(t *testing.T) {
	var pause, sum time.Duration
	for range 20 {
		next := backoff(pause, time.Second)
		if next < pause || next > backoffMost {
			t.Fatalf("after %s comes %s", pause, next)
		}
		pause = next
		sum += next
	}
	if pause != backoffMost {
		t.Errorf("after 20 deaths the pause is %s, want %s", pause, backoffMost)
	}
	if got := backoff(pause, healthyAfter); got != backoffFirst {
		t.Errorf("after a healthy run the pause is %s, want %s", got, backoffFirst)
	}
}

func TestParseStat(t *testing.T) {
	fields := " S 17 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0"
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"plain":                {"5 (cat)" + fields, true},
		"a name with brackets": {"5 (a (b) c) d)" + fields, true},
		"cut off":              {"5 (cat) S 17 1", false},
		"no name":              {"5 cat" + fields[:10], false},
		"nothing":              {"", false},
		"no number":            {"5 (cat) S x 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(test.text)
			if (err == nil) != test.ok {
				t.Fatalf("error is %v, want success %t", err, test.ok)
			}
			if test.ok && got != (stat{parent: 17, state: 'S', started: 4711}) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("5 (cat) S 17 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 0 0")
	f.Add(") ) (")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = parseStat(text) })
}

func TestTree_ListsDescendants(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", "sleep 1000 & wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); _ = cmd.Wait() })
	eventually(t, "the shell started its child", func() bool { return len(Tree(cmd.Process.Pid)) == 2 })
	eventually(t, "the child is sleep", func() bool {
		tree := Tree(os.Getpid())
		for i, p := range tree {
			if p.PID == cmd.Process.Pid && i+1 < len(tree) && tree[i+1].Parent == p.PID && tree[i+1].Command == "sleep 1000" {
				return p.Resident > 0
			}
		}
		return false
	})
}

func TestReasonIn(t *testing.T) {
	for log, want := range map[string]string{
		"panic: write wal: no space left on device": "the disk is full",
		"bind: address already in use":              "its address is already in use",
		"all is well":                               "",
	} {
		if got := reasonIn(log); got != want {
			t.Errorf("reasonIn(%q) = %q, want %q", log, got, want)
		}
	}
}

func TestTail_ReadsTheEndOfALongLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 3*tailSize)+"end"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tail(file, 0); len(got) != tailSize || !strings.HasSuffix(got, "end") {
		t.Errorf("got %d bytes", len(got))
	}
	// The log may have been emptied since.
	if got := tail(file, 1<<30); got != "" {
		t.Errorf("got %d bytes beyond the end", len(got))
	}
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
