package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"

	"hotpod.dev/local/process"
)

// child is something that runs until it is stopped.
type child struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // valid after done is closed
}

// spawn runs the function in the background. The context that it gets does not end with the caller's: children are
// stopped one after another, in the platform's order.
func spawn(ctx context.Context, name string, run func(context.Context) error) *child {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &child{name: name, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = run(ctx)
	}()
	return c
}

// end stops the child and waits for it.
func (c *child) end() error {
	c.stop()
	<-c.done
	if c.err != nil && !errors.Is(c.err, context.Canceled) {
		return fmt.Errorf("%s: %w", c.name, c.err)
	}
	return nil
}

// poll calls the function until it returns nil. It gives up when the context ends or one of the children does.
func poll(ctx context.Context, every time.Duration, try func(context.Context) error, children ...*child) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		for _, c := range children {
			select {
			case <-c.done:
				return errors.Join(fmt.Errorf("%s ended", c.name), c.err)
			default:
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// supervise starts a process that is kept running, with its status in the state.
func (p *Platform) supervise(ctx context.Context, spec process.Spec) *child {
	s := process.New(spec, p.log, func(status process.Status) {
		if err := p.state.update(func(st *State) { st.record(status) }); err != nil {
			p.log.Error("state not written", "error", err)
		}
	})
	c := spawn(ctx, spec.Name, s.Run)
	p.children = append(p.children, c)
	return c
}

// waitEtcd returns when etcd accepts connections. The path of the socket may be too long to dial, so it is reached
// through the folder's file descriptor.
func waitEtcd(ctx context.Context, l Layout, etcd *child) error {
	dir, err := os.Open(string(l))
	if err != nil {
		return err
	}
	defer dir.Close()
	path := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), etcdSocket)
	dialer := &net.Dialer{Timeout: time.Second}
	return poll(ctx, 5*time.Millisecond, func(ctx context.Context) error {
		conn, err := dialer.DialContext(ctx, "unix", path)
		if err != nil {
			return err
		}
		return conn.Close()
	}, etcd)
}

// waitAPI returns when the API server says that it is ready. The roles that every cluster has are in etcd from the
// second start on, and writing them again takes a second that nobody has to wait for.
func waitAPI(ctx context.Context, creds *credentials, rolesExist bool, apiserver *child, log *slog.Logger) error {
	client, err := kubernetes.NewForConfig(creds.client(certAdmin))
	if err != nil {
		return err
	}
	start := time.Now()
	err = poll(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		request := client.RESTClient().Get().AbsPath("/readyz")
		if rolesExist {
			request = request.Param("exclude", "poststarthook/rbac/bootstrap-roles").
				Param("exclude", "poststarthook/scheduling/bootstrap-system-priority-classes")
		}
		return request.Do(ctx).Error()
	}, apiserver)
	if err != nil {
		return fmt.Errorf("wait for the API server (its log: apiserver.log): %w", err)
	}
	log.Info("API server ready", "after_ms", time.Since(start).Milliseconds())
	return nil
}
