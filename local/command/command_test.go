package command

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"hotpod.dev/local/platform"
	"hotpod.dev/local/process"
)

// call runs a command with the environment and returns what it printed.
func call(t *testing.T, env map[string]string, input string, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = Run(t.Context(), args, Env{
		Getenv: func(key string) string { return env[key] }, Program: "/nowhere/bin/hotpod-local",
		In: strings.NewReader(input), Out: &o, Err: &e,
	})
	return o.String(), e.String(), err
}

func TestCommands_SayWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no such command":      {[]string{"sideways"}, `unknown command "sideways"`},
		"status of nothing":    {[]string{"status", "--dir", dir}, "does not run"},
		"quiet status":         {[]string{"status", "-q", "--dir", dir}, "not ready (never started)"},
		"status in a format":   {[]string{"status", "-o", "xml", "--dir", dir}, "-o xml is unknown"},
		"env of nothing":       {[]string{"env", "--dir", dir}, "hotpod up"},
		"no home":              {[]string{"status"}, "--dir"},
		"no manifests":         {[]string{"up", "--dir", dir}, "--assets"},
		"assets without them":  {[]string{"up", "--dir", dir, "--assets", dir}, "no manifests in"},
		"a port that is none":  {[]string{"up", "--dir", dir, "--assets", dir, "--router-port", "99999"}, "--router-port=99999"},
		"an argument too many": {[]string{"down", "now"}, `unknown command "now"`},
		"reset of others":      {[]string{"reset", "--yes", "--dir", foreign}, "not the data folder"},
		"reset without a yes":  {[]string{"reset", "--dir", dir}, "nothing was deleted"},
		"an image's folder":    {[]string{"image", "add", "x", dir, "--dir", dir}, "image.yaml"},
		"an unknown image":     {[]string{"image", "remove", "x", "--dir", dir}, "no image x"},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"XDG_CACHE_HOME": "/nowhere/cache"}
			if _, _, err := call(t, env, "n\n", test.args...); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestDown_OfNothingIsNoError(t *testing.T) {
	dir := t.TempDir()
	if _, errs, err := call(t, nil, "", "down", "--dir", dir); err != nil || !strings.Contains(errs, "no platform runs in "+dir) {
		t.Errorf("got %q, %v", errs, err)
	}
}

func TestImage_AddListRemove(t *testing.T) {
	dir, mine := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(mine, "image.yaml"), []byte("command: [sh]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOTPOD_DIR": dir}
	if _, _, err := call(t, env, "", "image", "add", "docker.io/me/mine:1", mine); err != nil {
		t.Fatal(err)
	}
	if out, _, err := call(t, env, "", "image", "list"); err != nil || !strings.Contains(out, "me/mine") || !strings.Contains(out, mine) {
		t.Errorf("got %q, %v", out, err)
	}
	if _, _, err := call(t, env, "", "image", "remove", "me/mine"); err != nil {
		t.Error(err)
	}
	if out, _, err := call(t, env, "", "image", "list"); err != nil || strings.Contains(out, "me/mine") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestImageList_HasThoseOfTheCheckout(t *testing.T) {
	assets := t.TempDir()
	folder := filepath.Join(assets, "environments", "cobol")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "image.yaml"), []byte("names: [example/cobol]\ncommand: [sh]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOTPOD_DIR": t.TempDir(), "HOTPOD_ASSETS": assets}
	if out, _, err := call(t, env, "", "image", "list"); err != nil || !strings.Contains(out, "example/cobol  "+folder) {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestEnv_WaitsForPorts(t *testing.T) {
	dir := t.TempDir()
	self, err := process.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	state := platform.State{Phase: platform.Starting, Supervisor: self, Network: 20}
	for _, port := range []int{0, 8888} {
		state.RouterPort = port
		text, err := json.Marshal(state)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(platform.Layout(dir).State(), text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, err := call(t, nil, "", "env", "--dir", dir)
		if chosen := port != 0; (err == nil) != chosen || strings.Contains(out, "FISSION_ROUTER='127.0.0.1:8888'") != chosen {
			t.Errorf("port %d: got %q, %v", port, out, err)
		}
	}
}

func TestExports_SurviveAnyFolderName(t *testing.T) {
	var out bytes.Buffer
	exports(&out, platform.Summary{
		Programs: `/a b/$(touch x)'"`, Bin: "/d/bin", Kubeconfig: "/with space/kubeconfig", Router: "127.0.0.1:8888",
		Routers: []string{"127.0.0.1:8888", "127.0.0.1:9000"}, Internal: "127.20.0.2:8889",
	})
	shell := exec.Command("sh", "-c", out.String()+`printf '%s\n' "$PATH" "$KUBECONFIG" "$FISSION_ROUTER" "$FISSION_ROUTER_URL" "$FISSION_ROUTER_INTERNAL_URL" "$HOTPOD_ROUTERS"`)
	shell.Env = []string{"PATH=/usr/bin"}
	shell.Dir = t.TempDir()
	got, err := shell.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `/a b/$(touch x)'":/d/bin:/usr/bin` + "\n/with space/kubeconfig\n127.0.0.1:8888\nhttp://127.0.0.1:8888\nhttp://127.20.0.2:8889\n127.0.0.1:8888,127.0.0.1:9000\n"
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

// example is the status of a platform that has seen a death.
func example() platform.Status {
	return platform.Status{
		State: platform.State{
			Phase: platform.Ready, Network: 20, Problem: "disk nearly full",
			Processes: []process.Status{
				{Name: "etcd", Running: true, Identity: process.Identity{PID: 11}, Since: time.Now(), Restarts: 2, LastExit: "signal: killed"},
				{Name: "apiserver", Since: time.Now(), LastExit: "exit status 1"},
			},
		},
		Summary: platform.Summary{Dir: "/d", Router: "127.0.0.1:8888", Routers: []string{"127.0.0.1:8888", "127.0.0.1:9000"}, APIServer: "https://127.0.0.1:6443"},
		Parts:   []platform.Part{{Name: "xds-local", Address: "127.20.0.3", Reason: "main waits: CrashLoopBackOff"}},
		Pods:    map[string]int{"warm": 3, "hot": 1},
		Memory:  []process.Info{{PID: 11, Command: "etcd", Resident: 3 << 20, Proportional: 1 << 20}, {PID: 12, Command: "envoy", Resident: 1 << 20, Proportional: 1 << 20}},
	}
}

func TestShow_HasAllInTheTable(t *testing.T) {
	var out bytes.Buffer
	if err := show(&out, example(), "wide"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"ready", "/d", "disk nearly full", "http://127.0.0.1:8888", "http://127.0.0.1:9000", "https://127.0.0.1:6443", "127.20.0.0/16", "1 hot, 3 warm",
		"signal: killed", "dead", "CrashLoopBackOff", "4.0 MiB", "2.0 MiB",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestShow_IsReadByMachines(t *testing.T) {
	for format, parse := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": func(text []byte, into any) error { return yaml.Unmarshal(text, into) }} {
		var out bytes.Buffer
		if err := show(&out, example(), format); err != nil {
			t.Fatal(err)
		}
		var got platform.Status
		if err := parse(out.Bytes(), &got); err != nil {
			t.Fatalf("%s: %v\n%s", format, err, out.String())
		}
		if got.Phase != platform.Ready || got.Router != "127.0.0.1:8888" || got.Processes[0].Identity.PID != 11 || got.Pods["warm"] != 3 || got.Memory[1].Command != "envoy" {
			t.Errorf("%s: got %+v", format, got)
		}
	}
}

func TestFindAssets_LooksAboveTheProgram(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "manifests", "embedded"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := findAssets("", filepath.Join(root, "bin", "hotpod-local")); err != nil || got != root {
		t.Errorf("got %s, %v, want %s", got, err, root)
	}
	if got, err := findAssets("/named", "/anything"); err != nil || got != "/named" {
		t.Errorf("got %s, %v", got, err)
	}
}
