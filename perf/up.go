package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// UpOptions say how often the platform is started.
type UpOptions struct {
	// Repeats counts the starts after the first.
	Repeats int
}

func (c *Config) upFlags(fs *flag.FlagSet) {
	c.countFlag(fs, &c.Up.Repeats, "starts", 3, "up: how often the platform is started again")
}

// Up measures starts of the embedded platform in a folder of its own until it is ready and until an environment's
// pool of three is warm: the first start, which makes everything, and later ones, which find it.
func Up(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	dir, err := os.MkdirTemp("", "hotpod-perf-up-")
	if err != nil {
		return fmt.Errorf("make a folder for the platform: %w", err)
	}
	defer os.RemoveAll(dir)
	p, err := newPlatform(c.Programs, dir)
	if err != nil {
		return err
	}
	if err := c.choose(split(c.Environment)[0]); err != nil {
		return err
	}
	u := &up{config: c, platform: p}
	first, err := u.start(ctx)
	if err != nil {
		return err
	}
	u.add(r, "first", first)
	var later []started
	for range c.Up.Repeats {
		s, err := u.start(ctx)
		if err != nil {
			return err
		}
		log.Info("platform started", "ready_s", s.ready.Seconds(), "pool_warm_s", s.warm.Seconds())
		later = append(later, s)
	}
	u.add(r, "second", later...)
	return nil
}

type up struct {
	config      Config
	platform    *platform
	environment *v1.Environment
}

// started is how long a start took until the platform said that it is ready, and until the pool was warm.
type started struct{ ready, warm time.Duration }

// start starts the platform, measures and stops it again.
func (u *up) start(ctx context.Context) (s started, err error) {
	began := time.Now()
	if err := u.platform.up(ctx); err != nil {
		return s, errors.Join(err, u.platform.down(ctx))
	}
	defer func() { err = errors.Join(err, u.platform.down(ctx)) }()
	s.ready = time.Since(began)
	settings, err := u.platform.settings(ctx)
	if err != nil {
		return s, err
	}
	if err := u.awaitPool(ctx, settings["KUBECONFIG"], began); err != nil {
		return s, err
	}
	s.warm = time.Since(began)
	return s, nil
}

// awaitPool waits until the environment's pods are warm; the first time it makes the environment. Pods that the API
// server remembers from before this start do not count.
func (u *up) awaitPool(ctx context.Context, kubeconfig string, began time.Time) error {
	clients, err := connect(kubeconfig)
	if err != nil {
		return err
	}
	if u.environment == nil {
		u.environment, err = clients.Environments(u.config.Namespace).Create(ctx, &v1.Environment{
			ObjectMeta: metav1.ObjectMeta{Name: "perf-up", Namespace: u.config.Namespace},
			Spec:       v1.EnvironmentSpec{Version: 3, Poolsize: 3, Runtime: v1.Runtime{Image: u.config.Image}},
		}, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("create environment: %w", err)
		}
	}
	return poll(ctx, "the pool warm", func() (bool, error) {
		pods, err := environmentPods(ctx, clients, u.environment)
		fresh := func(p corev1.Pod) bool { return isWarm(p) && runsSince(p, began) }
		return err == nil && count(pods, fresh) >= u.environment.Spec.Poolsize, err
	})
}

// runsSince reports whether every container was started after a moment; the API keeps whole seconds.
func runsSince(p corev1.Pod, began time.Time) bool {
	for _, c := range p.Status.ContainerStatuses {
		if c.State.Running == nil || c.State.Running.StartedAt.Time.Before(began.Truncate(time.Second)) {
			return false
		}
	}
	return len(p.Status.ContainerStatuses) > 0
}

func (u *up) add(r *Results, start string, all ...started) {
	ready, warm := make([]float64, 0, len(all)), make([]float64, 0, len(all))
	for _, s := range all {
		ready = append(ready, s.ready.Seconds())
		warm = append(warm, s.warm.Seconds())
	}
	row := Row{Scenario: "up", Contestant: "hotpod", Parameters: map[string]string{"start": start}}
	r.addAll(row, metric{"ready", "s", ready}, metric{"pool_warm", "s", warm})
}
