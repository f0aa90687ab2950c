package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
)

// poll calls the function every few milliseconds until it returns nil, and returns its last error when time is up.
func poll(ctx context.Context, try func(context.Context) error) error {
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// waitReady returns when the API server says that it is ready, or when its process has ended.
func (s *Server) waitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := poll(ctx, func(ctx context.Context) error {
		// The client reads the certificate that the server writes at its start, so it cannot be made before.
		client, err := kubernetes.NewForConfig(s.Config())
		if err != nil {
			return err
		}
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	if err != nil {
		return fmt.Errorf("wait for the API server: %w", err)
	}
	return nil
}

// logs returns the ends of the processes' logs as an error, so that a failed start explains itself.
func (s *Server) logs() error {
	const tail = 2000
	var errs []error
	for _, p := range s.processes {
		text, err := os.ReadFile(p.log)
		if err == nil && len(text) > 0 {
			errs = append(errs, fmt.Errorf("log of %s:\n%s", p.name, text[max(0, len(text)-tail):]))
		}
	}
	return errors.Join(errs...)
}
