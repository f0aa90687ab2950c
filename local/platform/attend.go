package platform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"hotpod.dev/local/parts"
)

const (
	// attendEvery is how often disk and logs are looked at.
	attendEvery = 15 * time.Second
	// logLimit is the size at which a log file is put aside; one old file of each is kept.
	logLimit = 16 << 20
)

// attend looks after the running platform until the context ends or the node fails.
func (p *Platform) attend(ctx context.Context) error {
	tick := time.NewTicker(attendEvery)
	defer tick.Stop()
	renew := time.Now().Add(parts.TokenRenewal)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.node.done:
			return errors.Join(errors.New("the node ended"), p.node.err)
		case <-tick.C:
		}
		p.watchDisk()
		if err := rotate(p.layout.Logs()); err != nil {
			p.log.Warn("logs not shortened", "error", err)
		}
		if time.Now().After(renew) {
			if err := p.renew(ctx); err != nil {
				p.log.Warn("tokens of the parts not renewed", "error", err)
				continue
			}
			renew = time.Now().Add(parts.TokenRenewal)
		}
	}
}

func (p *Platform) renew(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(p.creds.client(certAdmin))
	if err != nil {
		return err
	}
	var tokens []parts.Files
	for _, f := range p.renewed {
		if f.ServiceAccount != "" {
			tokens = append(tokens, f)
		}
	}
	return p.writeFiles(ctx, client, tokens)
}

// watchDisk says once when the disk becomes nearly full, and once when it is not any more.
func (p *Platform) watchDisk() {
	problem := ""
	if err := checkDisk(p.config.Dir); err != nil {
		problem = err.Error()
	}
	was := p.state.get().Problem
	if (was == "") == (problem == "") {
		return
	}
	if problem != "" {
		p.log.Error("disk nearly full", "problem", problem)
	} else {
		p.log.Warn("disk has room again")
	}
	if err := p.state.update(func(s *State) { s.Problem = problem }); err != nil {
		p.log.Error("state not written", "error", err)
	}
}

// rotate copies what is too long aside and empties it. The processes append, so they go on at the new end.
func rotate(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() < logLimit {
			continue
		}
		text, err := os.ReadFile(file)
		if err == nil {
			err = errors.Join(os.WriteFile(file+".1", text, 0o600), os.Truncate(file, 0))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("shorten %s: %w", file, err))
		}
	}
	return errors.Join(errs...)
}
