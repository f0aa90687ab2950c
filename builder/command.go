package builder

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// defaultCommand runs when a call names none.
const defaultCommand = "/build"

// maxCommand bounds the length of a command line.
const maxCommand = 4096

// metacharacters mean something to a shell, which does not run here: whoever writes them expects what will not happen.
const metacharacters = ";|&`$()<>\n\r"

// leftoverGrace is how long the processes of an ended build have between SIGTERM and SIGKILL.
const leftoverGrace = 2 * time.Second

// ErrCommand is returned for a command that is not run.
var ErrCommand = errors.New("build command refused")

// ErrName is returned for a name that is not one of a file on the volume.
var ErrName = errors.New("not the name of a source")

// split returns the words of a command line.
func split(command string) ([]string, error) {
	if i := strings.IndexAny(command, metacharacters); i >= 0 {
		return nil, fmt.Errorf("%w: %q in it is for a shell, and none runs; put the commands into a script of the source and name that (./build.sh)",
			ErrCommand, command[i:i+1])
	}
	if len(command) > maxCommand {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrCommand, maxCommand)
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		words = []string{defaultCommand}
	}
	return words, nil
}

// build is one run of a command.
type build struct {
	words []string
	// source is SRC_PKG, artifact DEPLOY_PKG.
	source, artifact string
	// scratch is the build's own folder for temporary files.
	scratch string
}

// prepare makes the build of a source on the volume.
func (s *Server) prepare(name, command string) (*build, error) {
	source, err := s.path(name)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(source); err != nil {
		return nil, fmt.Errorf("%w: %s is not here", ErrName, name)
	}
	words, err := split(command)
	if err != nil {
		return nil, err
	}
	suffix := strings.ToLower(rand.Text()[:6])
	b := &build{words: words, source: source, artifact: source + "-" + suffix, scratch: source + "-" + suffix + ".tmp"}
	if err := os.Mkdir(b.scratch, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for temporary files: %w", err)
	}
	return b, nil
}

// path returns where a name is on the volume.
func (s *Server) path(name string) (string, error) {
	if name == "" || len(name) > 200 || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00") {
		return "", fmt.Errorf("%w: %q", ErrName, name)
	}
	return filepath.Join(s.cfg.Dir, name), nil
}

// run runs the command, calling line for each line that it prints, and returns why there is nothing to deploy.
func (s *Server) run(ctx context.Context, b *build, line func(string)) error {
	defer func() { _ = os.RemoveAll(b.scratch) }()
	ctx, cancel := context.WithTimeoutCause(ctx, s.cfg.Timeout, fmt.Errorf("the build took longer than %s", s.cfg.Timeout))
	defer cancel()
	output := &lines{each: line}
	cmd := s.command(ctx, b)
	cmd.Stdout, cmd.Stderr = output, output
	err := cmd.Start()
	if err == nil {
		err = cmd.Wait()
		end(cmd.Process.Pid)
	}
	output.close()
	if err != nil {
		return explain(ctx, b, err)
	}
	if _, err := os.Lstat(b.artifact); err != nil {
		return errors.New("the build command ended well, but left nothing at $DEPLOY_PKG")
	}
	return nil
}

func (s *Server) command(ctx context.Context, b *build) *exec.Cmd {
	dir := b.source
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = s.cfg.Dir
	}
	cmd := exec.CommandContext(ctx, s.program(b.words[0], dir), b.words[1:]...)
	cmd.Dir, cmd.Env = dir, s.environment(b)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = leftoverGrace
	return cmd
}

// program finds a command: one with a slash belongs to the source, another is on the PATH.
func (s *Server) program(word, dir string) string {
	if strings.Contains(word, "/") && !filepath.IsAbs(word) {
		return filepath.Join(dir, word)
	}
	return word
}

// environment is what the command finds: the pod's variables but the platform's own, and where things are.
func (s *Server) environment(b *build) []string {
	env := slices.DeleteFunc(slices.Clone(s.cfg.Env), func(v string) bool {
		return strings.HasPrefix(v, "HOTPOD_") || strings.HasPrefix(v, "POD_UID=")
	})
	named := func(name string) bool {
		return slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
	}
	for _, v := range [][2]string{
		{"npm_config_cache", "npm"},
		{"PIP_CACHE_DIR", "pip"},
		{"GOCACHE", "go-build"},
		{"GOMODCACHE", "go-mod"},
		{"COMPOSER_CACHE_DIR", "composer"},
		{"NUGET_PACKAGES", "nuget"},
		{"BUNDLE_USER_CACHE", "bundle"},
	} {
		if !named(v[0]) {
			env = append(env, v[0]+"="+filepath.Join(s.cache, v[1]))
		}
	}
	return append(env, "HOME="+b.scratch, "TMPDIR="+b.scratch, "SRC_PKG="+b.source, "DEPLOY_PKG="+b.artifact)
}

// end ends what the command left running in its process group.
func end(group int) {
	if syscall.Kill(-group, syscall.SIGTERM) != nil {
		return // nothing is left
	}
	for deadline := time.Now().Add(leftoverGrace); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if syscall.Kill(-group, 0) != nil {
			return
		}
	}
	_ = syscall.Kill(-group, syscall.SIGKILL)
}

// explain says why the command failed.
func explain(ctx context.Context, b *build, err error) error {
	var exit *exec.ExitError
	name := strings.Join(b.words, " ")
	switch {
	case context.Cause(ctx) != nil && !errors.Is(context.Cause(ctx), context.Canceled):
		return context.Cause(ctx)
	case ctx.Err() != nil:
		return errors.New("the build was cancelled")
	case errors.As(err, &exit):
		return fmt.Errorf("build command %q failed: %s", name, exit.ProcessState)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("build command %q does not exist, neither in the builder's image nor in the source; "+
			"a script of the source is named with its path: ./build.sh", b.words[0])
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("build command %q cannot be run: make the file executable (chmod +x)", b.words[0])
	default:
		return fmt.Errorf("run build command %q: %w", name, err)
	}
}
