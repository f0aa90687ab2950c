package images

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNormalize(t *testing.T) {
	for name, want := range map[string]string{
		"fission/node-env":                       "fission/node-env",
		"fission/node-env:latest":                "fission/node-env",
		"docker.io/fission/node-env:1.2":         "fission/node-env",
		"index.docker.io/library/node:20":        "node",
		"ghcr.io/fission/node-env":               "ghcr.io/fission/node-env",
		"localhost:5000/me/mine":                 "localhost:5000/me/mine",
		"localhost:5000/me/mine:3":               "localhost:5000/me/mine",
		"a/b@sha256:0123":                        "a/b",
		"localhost:5000/a/b:tag@sha256:01234567": "localhost:5000/a/b",
		"":                                       "",
	} {
		if got := normalize(name); got != want {
			t.Errorf("normalize(%q) = %q, want %q", name, got, want)
		}
	}
}

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestResolve_FindsEnvironmentsByAllTheirNames(t *testing.T) {
	dir := folder(t, map[string]string{
		"shell/image.yaml": "names: [fission/shell-env, ghcr.io/fission/shell-env]\ncommand: [sh, serve.sh, --flag]\nenv: {A: b}\nworkdir: work\nrequires: [sh]\n",
		"shell/serve.sh":   "exit",
		"other/README":     "not an image",
	})
	r := &Resolver{Environments: dir}
	for _, name := range []string{"fission/shell-env", "docker.io/fission/shell-env:1", "ghcr.io/fission/shell-env:latest"} {
		got, err := r.Resolve(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := []string{"sh", filepath.Join(dir, "shell", "serve.sh"), "--flag"}
		if !slices.Equal(got.Command, want) || got.Env["A"] != "b" || got.WorkDir != filepath.Join(dir, "shell", "work") || got.Dir != filepath.Join(dir, "shell") {
			t.Errorf("%s resolves to %+v", name, got)
		}
	}
}

func TestResolve_SaysWhatIsKnown(t *testing.T) {
	dir := folder(t, map[string]string{
		"b/image.yaml":   "names: [b]\ncommand: [sh]\n",
		"a/image.yaml":   "names: [a]\ncommand: [sh]\nrequires: [no-such-program]\n",
		"bad/image.yaml": "names: [bad]\ncomand: [sh]\n",
	})
	r := &Resolver{Environments: dir}
	for name, parts := range map[string][]string{
		"nobody/knows:1":    {"no image nobody/knows:1", "known are a, b", "image add", "comand"},
		"a":                 {"needs no-such-program"},
		"hotpod/no-program": {"no image hotpod/no-program"},
	} {
		_, err := r.Resolve(name)
		for _, part := range parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %v, want an error with %q", name, err, part)
			}
		}
	}
	if _, err := r.Resolve("b"); err != nil {
		t.Errorf("one folder's mistake hides another: %v", err)
	}
	if got := r.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("names are %v", got)
	}
}

func TestResolve_FindsPrograms(t *testing.T) {
	dir := folder(t, map[string]string{"xds": "#!", "queueproxy": "#!"})
	if err := os.WriteFile(filepath.Join(dir, "notes"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r := &Resolver{Programs: []string{t.TempDir(), dir}, Extra: map[string]string{"envoyproxy/envoy": "/e/envoy"}}
	for name, want := range map[string]string{
		"hotpod/xds":                  filepath.Join(dir, "xds"),
		"ghcr.io/hotpod/xds:v1":       filepath.Join(dir, "xds"),
		"hotpod/queue-proxy":          filepath.Join(dir, "queueproxy"),
		"envoyproxy/envoy:distroless": "/e/envoy",
		"hotpod/notes":                "", // not executable
		"other/xds":                   "",
		"hotpod/..":                   "",
	} {
		got, err := r.Resolve(name)
		if want == "" {
			if err == nil {
				t.Errorf("%s resolves to %v", name, got.Command)
			}
			continue
		}
		if err != nil || !slices.Equal(got.Command, []string{want}) || got.Dir != filepath.Dir(want) {
			t.Errorf("%s resolves to %+v, %v", name, got, err)
		}
	}
}

func TestResolve_FolderOfAProgram(t *testing.T) {
	environments := folder(t, map[string]string{
		"one/image.yaml":   "names: [x/one-env]\nprogram: one\noptional: [sh]\nbuilds: true\n",
		"two/image.yaml":   "names: [x/two-env]\nprogram: two\n",
		"three/image.yaml": "names: [x/three-env]\ncommand: [no-such]\nrequires: [no-such]\ninstall: run apt-get install such\n",
	})
	programs := folder(t, map[string]string{"one": "#!"})
	r := &Resolver{Environments: environments, Programs: []string{programs}, BuilderCache: t.TempDir()}
	got, err := r.Resolve("x/one-env:latest")
	if got.Cache != r.BuilderCache {
		t.Errorf("an image that builds has the cache %q", got.Cache)
	}
	if err != nil || !slices.Equal(got.Command, []string{filepath.Join(programs, "one")}) || got.Dir != programs || !slices.Equal(got.Optional, []string{"sh"}) {
		t.Errorf("resolves to %+v, %v", got, err)
	}
	for name, want := range map[string]string{"x/two-env": "make build", "x/three-env": "run apt-get install such and start"} {
		if _, err := r.Resolve(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
}

func TestRegistry_KeepsWhatIsAdded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sub", "images.json")
	mine := folder(t, map[string]string{"image.yaml": "command: [sh]\n"})
	if err := NewRegistry(file).Add("docker.io/me/mine:1", mine); err != nil {
		t.Fatal(err)
	}
	r := &Resolver{Added: NewRegistry(file)}
	if got, err := r.Resolve("me/mine:2"); err != nil || got.Dir != mine {
		t.Errorf("resolves to %+v, %v", got, err)
	}
	if err := r.Added.Remove("me/mine:7"); err != nil {
		t.Error(err)
	}
	if _, err := r.Resolve("me/mine"); err == nil {
		t.Error("a removed image is still known")
	}
	if err := r.Added.Remove("me/mine"); err == nil || !strings.Contains(err.Error(), "me/mine") {
		t.Errorf("removing twice: %v", err)
	}
}

func TestRegistry_WinsOverEnvironments(t *testing.T) {
	dir := folder(t, map[string]string{"x/image.yaml": "names: [x]\ncommand: [sh]\n"})
	mine := folder(t, map[string]string{"image.yaml": "command: [sh]\n"})
	r := &Resolver{Environments: dir, Added: NewRegistry(filepath.Join(t.TempDir(), "images.json"))}
	if err := r.Added.Add("x", mine); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Resolve("x"); err != nil || got.Dir != mine {
		t.Errorf("resolves to %+v, %v", got, err)
	}
}

func TestRegistry_RefusesWhatCannotRun(t *testing.T) {
	for name, test := range map[string]struct{ image, yaml, want string }{
		"no definition": {"x", "", "has no image.yaml"},
		"no name":       {":tag", "command: [sh]", "not an image name"},
		"no command":    {"x", "names: [x]", "command is empty"},
		"a bad name":    {"x", "names: [a b]\ncommand: [sh]", "not an image name"},
		"two commands":  {"x", "command: [sh]\nprogram: x", "exclude each other"},
		"leads out":     {"x", "command: [sh]\nworkdir: ../..", "leads out"},
		"not YAML":      {"x", "command: [", "image.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if test.yaml != "" {
				files["image.yaml"] = test.yaml
			}
			err := NewRegistry(filepath.Join(t.TempDir(), "f")).Add(test.image, folder(t, files))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestRegistry_RefusesADamagedFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "images.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRegistry(file).List(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

func TestResolve_FindsBuildersWithTheirScriptsOnThePath(t *testing.T) {
	environments := folder(t, map[string]string{
		"shell/image.yaml": "names: [shell-env]\ncommand: [sh]\n", "shell/builder/image.yaml": "names: [shell-builder]\nrequires: [sh]\n", "shell/builder/build": "#!",
		"none/builder/image.yaml": "names: [none-builder]\nrequires: [no-such-program]\ninstall: apt-get install it\n",
	})
	programs := folder(t, map[string]string{"builder": "#!"})
	cache := filepath.Join(t.TempDir(), "cache")
	r := &Resolver{Environments: environments, Programs: []string{programs}, BuilderEnv: map[string]string{"GOPROXY": "here"}, BuilderCache: cache}
	got, err := r.Resolve("shell-builder:1")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{filepath.Join(programs, "builder"), "/packages"}; !slices.Equal(got.Command, want) || got.Dir != programs {
		t.Errorf("command %q in %s", got.Command, got.Dir)
	}
	if want := []string{filepath.Join(environments, "shell/builder"), programs}; !slices.Equal(got.Path, want) || got.Env["GOPROXY"] != "here" || got.Cache != cache {
		t.Errorf("image %+v", got)
	}
	if info, err := os.Stat(cache); err != nil || !info.IsDir() {
		t.Errorf("the cache is not there: %v", err)
	}
	if _, err := r.Resolve("none-builder"); err == nil || !strings.Contains(err.Error(), "apt-get install it") {
		t.Errorf("a builder without toolchain: %v", err)
	}
	if _, err := (&Resolver{Environments: environments}).Resolve("shell-builder"); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("a builder without program: %v", err)
	}
}
