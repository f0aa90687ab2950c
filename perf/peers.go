package perf

import (
	"bufio"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// peers are the programs of the module in perf/peers, built into a folder of the cache.
type peers struct{ dir string }

// The programs, and the Go packages that they are made of.
const (
	knativeQueue     = "queue"
	knativeActivator = "knativeactivator"
	reverseProxy     = "reverseproxy"
	fasthttpProxy    = "fasthttpproxy"
	knativeModule    = "knative.dev/serving"
)

func peerPackages() map[string]string {
	return map[string]string{
		knativeQueue:     knativeModule + "/cmd/queue",
		knativeActivator: "./knativeactivator",
		reverseProxy:     "./reverseproxy",
		fasthttpProxy:    "./fasthttpproxy",
	}
}

func (p peers) program(name string) string { return filepath.Join(p.dir, name) }

// findPeers returns the programs that c names, else those of the cache, which are built when they are not there: the
// folder's name is a hash of the module's files, so that a changed version or source is another folder.
func findPeers(ctx context.Context, c Config, log *slog.Logger) (peers, error) {
	if c.Peers != "" {
		return peers{c.Peers}, nil
	}
	sum, err := hashModule(c.PeerSources)
	if err != nil {
		return peers{}, fmt.Errorf("find the peers' sources: %w", err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return peers{}, fmt.Errorf("find the cache: %w", err)
	}
	p := peers{filepath.Join(cache, "hotpod", "peers-"+sum)}
	if p.check() == nil {
		return p, nil
	}
	log.Info("building the peers, which takes some minutes the first time", "into", p.dir)
	if err := p.build(ctx, c.PeerSources, log); err != nil {
		return p, err
	}
	return p, p.check()
}

// hashModule hashes the names and contents of a module's files.
func hashModule(dir string) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	h := sha256.New()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || (filepath.Ext(name) != ".go" && !strings.HasPrefix(d.Name(), "go.")) {
			return err
		}
		text, err := root.ReadFile(name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:16], err
}

// build builds into a folder beside and renames it, so that a build that was broken off leaves nothing that counts.
func (p peers) build(ctx context.Context, sources string, log *slog.Logger) error {
	if err := os.MkdirAll(filepath.Dir(p.dir), 0o750); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(p.dir), "building-peers-")
	if err != nil {
		return fmt.Errorf("make a folder for the peers: %w", err)
	}
	defer os.RemoveAll(tmp)
	args := []string{"build", "-v", "-mod=readonly", "-trimpath", "-ldflags", "-s -w", "-o", tmp + "/"}
	for _, pkg := range peerPackages() {
		args = append(args, pkg)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = sources
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	complaint, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build the peers: %w", err)
	}
	said := progress(complaint, log)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build the peers: %w\n%s", err, said)
	}
	_ = os.RemoveAll(p.dir) // one that is not whole
	if err := os.Rename(tmp, p.dir); err != nil {
		return fmt.Errorf("keep the peers: %w", err)
	}
	return nil
}

// progress logs how many packages were compiled, now and then, and returns the last lines.
func progress(r io.Reader, log *slog.Logger) string {
	const every = 10 * time.Second
	var last lastWords
	packages, told := 0, time.Now()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		packages++
		fmt.Fprintln(&last, lines.Text())
		if time.Since(told) > every {
			told = time.Now()
			log.Info("building the peers", "packages", packages, "last", lines.Text())
		}
	}
	return last.String()
}

// check returns nil when every program is there and was built from the package that it should be.
func (p peers) check() error {
	var errs []error
	for name, pkg := range peerPackages() {
		info, err := buildinfo.ReadFile(p.program(name))
		if err != nil {
			errs = append(errs, fmt.Errorf("check the peer %s: %w", name, err))
			continue
		}
		if !strings.HasSuffix(info.Path, strings.TrimPrefix(pkg, ".")) {
			errs = append(errs, fmt.Errorf("check the peer %s: it was built from %s", name, info.Path))
		}
	}
	return errors.Join(errs...)
}
