package logger

import (
	"context"
	"errors"
	"io"
	"time"

	"hotpod.dev/logstore"
)

// Pod is what the follower has to know of a function's or an environment's pod.
type Pod struct {
	Namespace, Name, UID string
	// Environment and EnvironmentNamespace are empty for functions without an environment.
	Environment, EnvironmentNamespace string
	// Function is empty while the pod holds none.
	Function, FunctionNamespace, FunctionUID string
	Generation                               int64
	// Claimed is when the pod was claimed for the function; zero means that all of its lines are the function's.
	Claimed time.Time
	// Ended says that no container runs any more or will.
	Ended bool
	// Containers are those whose lines are kept.
	Containers []Container
}

// Container is one of a pod.
type Container struct {
	Name string
	// Started says that it has or had a log.
	Started bool
	// Restarts counts its instances but the first.
	Restarts int64
}

// container returns one of the pod's by name.
func (p *Pod) container(name string) Container {
	for _, c := range p.Containers {
		if c.Name == name {
			return c
		}
	}
	return Container{Name: name}
}

// source returns whose a line of that time is.
func (p *Pod) source(container string, at time.Time) logstore.Source {
	s := logstore.Source{
		Namespace: p.EnvironmentNamespace, Environment: p.Environment, PodNamespace: p.Namespace, Pod: p.Name, PodUID: p.UID, Container: container,
	}
	if p.Function != "" && !at.Before(p.Claimed) {
		s.Namespace, s.Function, s.FunctionUID, s.Generation = p.FunctionNamespace, p.Function, p.FunctionUID, p.Generation
	}
	return s
}

// Log names a log to open.
type Log struct {
	Namespace, Pod, Container string
	// Since leaves out what is older; zero means from the beginning.
	Since time.Time
	// Follow goes on as lines come, until the container ends.
	Follow bool
	// Previous is the log of the instance before the last restart.
	Previous bool
}

// Opener opens logs, with a timestamp in front of each line as Kubernetes has them. They end with ctx.
type Opener interface {
	OpenLog(ctx context.Context, l Log) (io.ReadCloser, error)
}

// ErrGone is what an Opener's error wraps when there is no such log and will not be.
var ErrGone = errors.New("the log is gone")
