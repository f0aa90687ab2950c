package soak

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// Cluster is a cluster on which Hotpod is installed. The namespace that the run's functions are made in, soak, must be there and
// open for functions, and the image of package probe must be one that nodes can pull.
type Cluster struct {
	Kubeconfig string
	// Routers are addresses of Envoys, or of a Service of theirs, "host:port".
	Routers []string
	// Events are done one after the other, each once. The load ends after the last.
	Events []Event
}

// Event is a command for sh that does something to the cluster, and returns when that is done. One that fails fails the run.
type Event struct{ Name, Command string }

// updateEvery is the time between two updates of the code of one function on a cluster, whose nodes start pods more slowly than
// the embedded one.
const updateEvery = 20 * time.Second

// ErrEvent says that something could not be done to the cluster, so that nothing is known of what it would have lost.
var ErrEvent = errors.New("events failed")

// runOnCluster soaks a cluster. Nothing tells what functions begin there, so no kill explains a failure.
func runOnCluster(ctx context.Context, c Config) (r Report, err error) {
	b := newBook()
	s, err := newSoak(c.Cluster.Kubeconfig, c.Cluster.Routers, b, c, "")
	if err != nil {
		return r, err
	}
	s.world.given, s.updated, s.disturb = true, updateEvery, s.commands
	defer func() { err = errors.Join(err, s.world.remove(ctx)) }()
	return s.judged(ctx, b)
}

// commands does the cluster's events, and lets the load go on for the rest of its time.
func (s *soak) commands(ctx context.Context) {
	over := time.After(s.config.For)
	for _, todo := range s.config.Cluster.Events {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.config.Pause):
		}
		e, away := s.load.book.happens(todo.Name), s.load.book.away(todo.Name)
		err := s.command(ctx, todo.Command)
		s.load.book.back(away)
		s.load.book.happened(e, err)
		s.log(e)
	}
	select {
	case <-ctx.Done():
	case <-over:
	}
}

func (s *soak) command(ctx context.Context, command string) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.config.Cluster.Kubeconfig)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %.2000s", err, out)
	}
	return nil
}
