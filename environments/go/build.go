package golang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// tag marks programs that were built around functions; a program's build information has it.
const tag = "hotpodfunction"

// Builder makes programs of sources.
type Builder struct {
	// Dir is a folder for what lies between; the caller removes it.
	Dir string
	// Log takes what the go command says.
	Log io.Writer
}

// Build makes of the source, a folder or a single file, the program out.
func (b Builder) Build(ctx context.Context, src, out string) error {
	if _, err := exec.LookPath("go"); err != nil {
		return errors.New("the go command is not on the PATH: this needs Go's toolchain (https://go.dev/dl, Debian: apt-get install golang-go)")
	}
	dir, err := b.module(ctx, src)
	if err != nil {
		return err
	}
	s, err := readSource(dir)
	if err != nil {
		if said := b.run(ctx, dir, "build", "-o", os.DevNull, "."); said != nil {
			return said // The compiler tells it best.
		}
		return err
	}
	if s.isProgram() {
		return b.run(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, ".")
	}
	overlay, target, err := b.around(ctx, s)
	if err != nil {
		return err
	}
	return b.run(ctx, dir, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-tags="+tag, "-overlay="+overlay, "-o", out, target)
}

// module returns a folder with a go.mod and the source: the source itself, or a copy if it has none.
func (b Builder) module(ctx context.Context, src string) (string, error) {
	src, err := filepath.Abs(src)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(src, "go.mod")); err == nil {
		return src, nil
	}
	dir := filepath.Join(b.Dir, "function")
	if err := copySource(src, dir); err != nil {
		return "", fmt.Errorf("copy the source: %w", err)
	}
	if err := b.quietly(ctx, dir, "mod", "init", "function"); err != nil {
		return "", err
	}
	return dir, b.quietly(ctx, dir, "mod", "tidy")
}

func copySource(src, dir string) error {
	info, err := os.Stat(src)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(dir, os.DirFS(src))
	}
	text, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "function.go"), text, 0o600)
}

// around writes the main program around functions. It returns the overlay that puts it beside the source, and what to build.
func (b Builder) around(ctx context.Context, s source) (overlay, target string, err error) {
	if len(s.symbols) == 0 {
		return "", "", fmt.Errorf("package %s has no exported function: write func Handler(w http.ResponseWriter, r *http.Request)", s.name)
	}
	place, target, importPath := s.dir, ".", ""
	if s.name != "main" {
		place, target = filepath.Join(s.dir, "hotpodmain"), "./hotpodmain"
		if importPath, err = b.importPath(ctx, s.dir); err != nil {
			return "", "", err
		}
	}
	replace := map[string]string{}
	texts, err := shimFiles()
	texts["zz_hotpod_main.go"] = mainFile(s, importPath)
	for name, text := range texts {
		replace[filepath.Join(place, name)] = filepath.Join(b.Dir, name)
		err = errors.Join(err, os.WriteFile(filepath.Join(b.Dir, name), text, 0o600))
	}
	if s.main != nil {
		renamed := filepath.Join(b.Dir, "renamed.go")
		replace[s.main.Name()] = renamed
		err = errors.Join(err, withoutMain(s, renamed))
	}
	raw, errJSON := json.Marshal(map[string]any{"Replace": replace})
	overlay = filepath.Join(b.Dir, "overlay.json")
	return overlay, target, errors.Join(err, errJSON, os.WriteFile(overlay, raw, 0o600))
}

func (b Builder) importPath(ctx context.Context, dir string) (string, error) {
	cmd := b.command(ctx, dir, "list", "-f", "{{.ImportPath}}", ".")
	cmd.Stdout = nil
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	return string(out[:max(len(out)-1, 0)]), nil
}

// run runs the go command and shows what it says.
func (b Builder) run(ctx context.Context, dir string, args ...string) error {
	if err := b.command(ctx, dir, args...).Run(); err != nil {
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}

// quietly runs the go command and shows what it says only if it fails.
func (b Builder) quietly(ctx context.Context, dir string, args ...string) error {
	cmd := b.command(ctx, dir, args...)
	cmd.Stdout, cmd.Stderr = nil, nil
	if out, err := cmd.CombinedOutput(); err != nil {
		_, _ = b.Log.Write(out)
		return fmt.Errorf("go %s %s: %w", args[0], args[1], err)
	}
	return nil
}

func (b Builder) command(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PWD="+dir)
	cmd.Env = append(cmd.Env, caches()...)
	if os.Getenv("CGO_ENABLED") == "" { //nolint:forbidigo // the go command reads it too
		// The program must run in a runtime image that has another C library, or none.
		cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	}
	cmd.Stdout, cmd.Stderr = b.Log, b.Log
	return cmd
}

// caches are places for the go command's caches: a folder that outlives the pod, if there is one, or a temporary one where the
// user has no home that can be written.
func caches() []string {
	dir := os.Getenv("HOTPOD_CACHE_DIR") //nolint:forbidigo // beside those that the go command reads
	if dir == "" {
		if home, err := os.UserHomeDir(); err == nil && writable(home) {
			return nil
		}
		dir = os.TempDir()
	}
	var set []string
	for name, folder := range map[string]string{"GOCACHE": "go-cache", "GOPATH": "go"} {
		if os.Getenv(name) == "" { //nolint:forbidigo // the go command reads it too
			set = append(set, name+"="+filepath.Join(dir, folder))
		}
	}
	return set
}

func writable(dir string) bool {
	probe, err := os.MkdirTemp(dir, ".hotpod-")
	if err != nil {
		return false
	}
	_ = os.Remove(probe)
	return true
}
