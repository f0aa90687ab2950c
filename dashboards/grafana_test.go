package dashboards

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotpod.dev/hack/toolchain"
)

// grafana returns a folder with Grafana's schema and a compiler of TypeScript, as the lock file has them. It is made once.
func grafana(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: apt-get install nodejs npm", program)
		}
	}
	sum := sha256.New()
	files := []string{"package.json", "package-lock.json"}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("testdata", "grafana", name))
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	cache, err := toolchain.CacheDir(os.Getenv)
	if err != nil {
		t.Skip(err)
	}
	dir := filepath.Join(cache, fmt.Sprintf("grafana-%.6x", sum.Sum(nil)))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		t.Fatal(err)
	}
	work, err := os.MkdirTemp(cache, ".making-grafana-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(work)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join("testdata", "grafana", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(work, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); bytes.Contains(out, []byte("EINTEGRITY")) {
		t.Fatalf("npm got something else than the lock file names: %s", out)
	} else if err != nil {
		t.Skipf("needs Grafana's schema, which npm cannot get here: %v\n%s", err, out)
	}
	if err := os.Rename(work, dir); err != nil {
		if _, there := os.Stat(dir); there != nil { // else another process was faster
			t.Fatal(err)
		}
	}
	return dir
}

// check returns what Grafana's schema has against boards: lines that begin with the board's name.
func check(t *testing.T, modules string, boards map[string]Dashboard) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, name := range []string{"board.ts", "tsconfig.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", "grafana", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = text
	}
	for name, d := range boards {
		text, err := json.MarshalIndent(d, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		files[name+".ts"] = fmt.Appendf(nil, "import type { Board } from './board';\nexport const board: Board = %s;\n", text)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("node_modules", "typescript", "bin", "tsc"), "--project", ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil && len(out) == 0 {
		t.Fatal(err)
	}
	return "\n" + string(out)
}

// spoiled is the overview with something wrong.
func spoiled(how func(d *Dashboard, p *Panel)) Dashboard {
	d := Overview()
	for i := range d.Panels {
		if p := &d.Panels[i]; p.Type == "timeseries" {
			how(&d, p)
			break
		}
	}
	return d
}

func TestBoards_AreWhatGrafanasSchemaSays(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a compiler of TypeScript: runs without -short")
	}
	wrong := map[string]Dashboard{
		"wrong-style":   spoiled(func(_ *Dashboard, p *Panel) { p.FieldConfig.Defaults.Custom.DrawStyle = "scribble" }),
		"wrong-mode":    spoiled(func(_ *Dashboard, p *Panel) { p.Options.Tooltip.Mode = "loud" }),
		"wrong-type":    spoiled(func(_ *Dashboard, p *Panel) { p.Type = "picture" }),
		"wrong-refresh": spoiled(func(d *Dashboard, _ *Panel) { d.Templating.List[0].Refresh = 7 }),
		"wrong-option":  spoiled(func(_ *Dashboard, p *Panel) { p.Options.ColorMode = "value" }), // of another type of panels
	}
	boards := maps.Clone(wrong)
	for _, d := range All() {
		boards[d.UID] = d
	}
	said := check(t, grafana(t), boards)
	for line := range strings.Lines(said) {
		if strings.Contains(line, "error TS") && !strings.HasPrefix(line, "wrong-") {
			t.Error(line)
		}
	}
	for name := range wrong {
		if !strings.Contains(said, "\n"+name+".ts(") {
			t.Errorf("%s is accepted", name)
		}
	}
}
