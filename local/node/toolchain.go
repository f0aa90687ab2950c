package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// locateTimeout bounds how long a program may take to say where it is installed.
const locateTimeout = 20 * time.Second

// systemDirs are the host's directories that every pod sees.
func systemDirs() []string {
	return []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/nix", "/gnu"}
}

// tool is an installed program: the directory to put on the PATH, and those that
// it needs to see, outside of the system's.
type tool struct {
	bin  string
	dirs []string
}

// toolchain finds programs that images require. It remembers what it found and
// may be used concurrently.
type toolchain struct {
	path string

	// mu guards found; it is held while a program is asked, so that it is asked once.
	mu    sync.Mutex
	found map[string]tool
}

func newToolchain(path string) *toolchain {
	return &toolchain{path: path, found: map[string]tool{}}
}

// locate finds a program on the host's PATH.
func (t *toolchain) locate(ctx context.Context, name string) (tool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if found, ok := t.found[name]; ok {
		return found, nil
	}
	found, err := t.search(ctx, name)
	if err != nil {
		return tool{}, err
	}
	t.found[name] = found
	return found, nil
}

func (t *toolchain) search(ctx context.Context, name string) (tool, error) {
	path := findProgram(name, t.path)
	if path == "" {
		return tool{}, fmt.Errorf("%s is not installed: not found in PATH %s", name, t.path)
	}
	program, err := filepath.EvalSymlinks(path)
	if err != nil {
		return tool{}, fmt.Errorf("find %s: %w", path, err)
	}
	if inSystem(program) {
		return tool{bin: filepath.Dir(path)}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, locateTimeout)
	defer cancel()
	// Version managers put scripts on the PATH that find the real program by the
	// user's settings, which a pod does not have; the program itself knows best.
	dirs := []string{filepath.Dir(program)}
	bin := dirs[0]
	if own, prefixes, ok := interrogate(ctx, name, path); ok {
		bin = filepath.Dir(own)
		dirs = append([]string{bin}, prefixes...)
	}
	return tool{bin: bin, dirs: outside(dirs)}, nil
}

// interrogate asks an interpreter where it and its library are.
func interrogate(ctx context.Context, name, path string) (program string, prefixes []string, ok bool) {
	var args []string
	switch {
	case strings.HasPrefix(name, "python"):
		args = []string{"-c", "import sys; print(sys.executable, sys.prefix, sys.base_prefix, sep='\\n')"}
	case name == "node":
		args = []string{"-p", "process.execPath"}
	case name == "go":
		return locateGo(ctx, path)
	default:
		return "", nil, false
	}
	out, err := exec.CommandContext(ctx, path, args...).Output()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if err != nil || !filepath.IsAbs(lines[0]) {
		return "", nil, false
	}
	return lines[0], lines[1:], true
}

// locateGo asks Go for its root, in which the real program is.
func locateGo(ctx context.Context, path string) (program string, prefixes []string, ok bool) {
	out, err := exec.CommandContext(ctx, path, "env", "GOROOT").Output()
	root := strings.TrimSpace(string(out))
	if err != nil || !filepath.IsAbs(root) {
		return "", nil, false
	}
	return filepath.Join(root, "bin", "go"), []string{root}, true
}

// outside keeps the directories that no pod sees anyway, each once, without
// those inside others.
func outside(dirs []string) []string {
	var kept []string
	slices.Sort(dirs)
	for _, dir := range dirs {
		at, err := filepath.EvalSymlinks(dir)
		if err != nil || inSystem(at) || at == "/" {
			continue
		}
		if !slices.ContainsFunc(kept, func(k string) bool { return within(at, k) }) {
			kept = append(kept, at)
		}
	}
	return kept
}

func inSystem(path string) bool {
	return slices.ContainsFunc(systemDirs(), func(dir string) bool { return within(path, dir) })
}

// within says whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

func findProgram(name, path string) string {
	for _, dir := range filepath.SplitList(path) {
		candidate := filepath.Join(dir, name)
		if info, err := os.Stat(candidate); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return candidate
		}
	}
	return ""
}
