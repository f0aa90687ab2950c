package toolchain

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"
)

// compileTypical is told to the person who waits: the number of packages that go build -v names on an empty cache,
// and how long they took on two cores.
const (
	compilePackages = 2400
	compileTypical  = "6 to 12 minutes the first time on 2 cores, then never again"
	progressEvery   = 5 * time.Second
)

// compile runs go build in the module and reports how far it is.
func (c Config) compile(ctx context.Context, m module, out string) error {
	c.say("%s: compiling %s %s (%s)", m.name, m.what, m.version, compileTypical)
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", m.ldflags, "-o", out, m.pkg)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go build: %w", err)
	}
	seen := buildProgress{name: m.name, typical: m.packages}
	stop := c.report(&seen)
	failure := seen.read(stderr)
	err = cmd.Wait()
	stop()
	if err != nil {
		return errors.Join(fmt.Errorf("go build in %s: %w", m.dir, err), failure, ctx.Err())
	}
	return nil
}

// report prints the progress every few seconds until the returned function is called.
func (c Config) report(seen *buildProgress) (stop func()) {
	start, done, ended := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.say("%s: %s after %s", seen.name, seen, time.Since(start).Round(time.Second))
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// buildProgress counts what go build -v prints.
type buildProgress struct {
	name                string
	typical             int64
	downloads, packages atomic.Int64
}

// String says how far the build is.
func (p *buildProgress) String() string {
	if n := p.packages.Load(); n > 0 {
		return fmt.Sprintf("%d of about %d packages compiled", n, max(p.typical, n))
	}
	return fmt.Sprintf("%d modules downloaded", p.downloads.Load())
}

// read counts until the pipe ends, and returns what else was printed, shortened, as an error.
func (p *buildProgress) read(r io.Reader) error {
	var other []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "go: downloading "):
			p.downloads.Add(1)
		case line != "" && !strings.ContainsAny(line, " \t:"):
			p.packages.Add(1)
		case len(other) < 20:
			other = append(other, line)
		}
	}
	if len(other) == 0 {
		return nil
	}
	return errors.New(strings.Join(other, "\n"))
}
