package perf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"hotpod.dev/kube"
)

// Session is a platform to measure. Close it.
type Session struct {
	config  Config
	log     *slog.Logger
	clients *kube.Clients
	router  string
	// kubeconfig is the file that says where the API server is.
	kubeconfig string
	// own is the platform that the Session started, nil when it was running.
	own *platform
	tmp string
}

// Open connects to the running platform that c names, or starts one in a temporary folder.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Session, error) {
	s := &Session{config: c, log: log, router: c.Router}
	kubeconfig := c.Kubeconfig
	if kubeconfig == "" {
		settings, err := s.start(ctx)
		if err != nil {
			return nil, errors.Join(err, s.Close(ctx))
		}
		kubeconfig, s.router = settings["KUBECONFIG"], settings["FISSION_ROUTER"]
	}
	s.kubeconfig = kubeconfig
	clients, err := connect(kubeconfig)
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	s.clients = clients
	return s, nil
}

func (s *Session) start(ctx context.Context) (map[string]string, error) {
	tmp, err := os.MkdirTemp("", "hotpod-perf-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the platform: %w", err)
	}
	s.tmp = tmp
	p, err := newPlatform(s.config.Programs, tmp)
	if err != nil {
		return nil, err
	}
	s.log.Info("starting a platform", "dir", tmp)
	s.own = p
	if err := p.up(ctx); err != nil {
		return nil, err
	}
	return p.settings(ctx)
}

// platform returns the embedded platform that is measured: the session's own, or the one in the default folder.
func (s *Session) platform() (*platform, error) {
	if s.own != nil {
		return s.own, nil
	}
	return newPlatform(s.config.Programs, "")
}

// Close stops the platform if the Session started it.
func (s *Session) Close(ctx context.Context) error {
	var errs []error
	if s.own != nil {
		errs = append(errs, s.own.down(ctx))
	}
	if s.tmp != "" {
		errs = append(errs, os.RemoveAll(s.tmp))
	}
	return errors.Join(errs...)
}

func connect(kubeconfig string) (*kube.Clients, error) {
	config, _, err := kube.Load(kube.LoadOptions{Kubeconfig: kubeconfig, UserAgent: "hotpod-perf"})
	if err != nil {
		return nil, err
	}
	return kube.NewClients(config)
}
