package platform

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotpod.dev/local/process"
)

func TestAcquire_RefusesASecondPlatformAndNamesTheFirst(t *testing.T) {
	l := Layout(t.TempDir())
	first, err := acquire(l)
	if err != nil {
		t.Fatal(err)
	}
	_, err = acquire(l)
	var running *RunningError
	if !errors.As(err, &running) || running.PID != os.Getpid() || !strings.Contains(err.Error(), string(l)) {
		t.Errorf("got %v, want a RunningError with this process and the folder", err)
	}
	first.release()
	again, err := acquire(l)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.release()
}

func TestState_SurvivesAndReplacesProcesses(t *testing.T) {
	l := Layout(t.TempDir())
	if s, err := ReadState(l); err != nil || s.Phase != "" || s.Running() {
		t.Errorf("without a file: %+v, %v", s, err)
	}
	self, err := process.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	f := &stateFile{path: l.State(), state: State{Supervisor: self, Network: 20}}
	if err := f.enter(Ready); err != nil {
		t.Fatal(err)
	}
	for restarts := range 3 {
		for _, name := range []string{"etcd", "apiserver"} {
			if err := f.update(func(s *State) { s.record(process.Status{Name: name, Restarts: restarts}) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := ReadState(l)
	if err != nil {
		t.Fatal(err)
	}
	if got.Phase != Ready || got.Network != 20 || !got.Running() || len(got.Processes) != 2 || got.Processes[1].Restarts != 2 {
		t.Errorf("got %+v", got)
	}
	got.Supervisor.Started++
	if got.Running() {
		t.Error("a process with another start time is the supervisor")
	}
}

func TestReadState_NamesADamagedFile(t *testing.T) {
	l := Layout(t.TempDir())
	if err := os.WriteFile(l.State(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadState(l); err == nil || !strings.Contains(err.Error(), l.State()) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestRun_RefusesAFolderThatItCannotRead(t *testing.T) {
	c := Config{Dir: t.TempDir(), Programs: t.TempDir(), Manifests: t.TempDir()}
	for _, file := range []string{Layout(c.Dir).State(), filepath.Join(c.Manifests, "kustomization.yaml")} {
		if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := Run(t.Context(), c, func(Summary) { t.Error("it started") })
	if err == nil || !strings.Contains(err.Error(), "state.json") {
		t.Errorf("got %v, want an error that names the file", err)
	}
	// The folder is free again.
	held, err := acquire(Layout(c.Dir))
	if err != nil {
		t.Fatal(err)
	}
	held.release()
}

func TestReset_DeletesOnlyTheFolderOfAPlatform(t *testing.T) {
	foreign := t.TempDir()
	precious := filepath.Join(foreign, "precious")
	if err := os.WriteFile(precious, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Reset(t.Context(), foreign, nil); err == nil || !strings.Contains(err.Error(), "not the data folder") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error("a foreign folder was deleted")
	}
	if err := Reset(t.Context(), filepath.Join(foreign, "missing"), nil); err != nil {
		t.Errorf("a folder that does not exist: %v", err)
	}
}

func TestDown_WithoutAPlatform(t *testing.T) {
	if was, err := Down(t.Context(), t.TempDir(), nil); was || err != nil {
		t.Errorf("got %t, %v", was, err)
	}
}

func TestRotate_PutsLongLogsAside(t *testing.T) {
	dir := t.TempDir()
	long, short := filepath.Join(dir, "a.log"), filepath.Join(dir, "b.log")
	if err := os.WriteFile(long, make([]byte, logLimit), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(short, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := rotate(dir); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]int64{long: 0, long + ".1": logLimit, short: 1} {
		if info, err := os.Stat(file); err != nil || info.Size() != want {
			t.Errorf("%s: %v, %v, want size %d", file, info, err, want)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"XDG":          {map[string]string{"XDG_DATA_HOME": "/x", "HOME": "/h"}, "/x/hotpod"},
		"relative XDG": {map[string]string{"XDG_DATA_HOME": "x", "HOME": "/h"}, "/h/.local/share/hotpod"},
		"HOME":         {map[string]string{"HOME": "/h"}, "/h/.local/share/hotpod"},
		"nothing":      {nil, ""},
	} {
		got, err := DefaultDir(func(key string) string { return test.env[key] })
		if got != test.want || (err == nil) != (test.want != "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, test.want)
		}
	}
}

func TestValidate_ListsAllFaults(t *testing.T) {
	err := Config{Dir: "relative", Manifests: "/nowhere", RouterPort: 70000, APIServerPort: -1}.Validate()
	for _, want := range []string{"data folder", "folder of programs", "--router-port=70000", "--apiserver-port=-1", "no manifests in /nowhere"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want also %q", err, want)
		}
	}
}

func TestCheckDisk(t *testing.T) {
	if err := checkDisk(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := checkDisk("/no/such/folder"); err == nil {
		t.Error("a missing folder is fine")
	}
}

func TestFollower_CopiesEachByteOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "log")
	var out strings.Builder
	f := &follower{file: file, out: &out}
	f.copy() // not there yet
	for _, text := range []string{"one ", "one two ", "one two "} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f.copy()
	}
	if out.String() != "one two " {
		t.Errorf("got %q", out.String())
	}
}

// eventually waits for the condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
