package node

import (
	"context"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"hotpod.dev/local/node/logs"
	"hotpod.dev/local/node/podinit"
	"hotpod.dev/local/node/sandbox"
)

// outputPatience is how long the end of a container waits for its last output:
// without a PID namespace something it left behind may hold the pipe.
const outputPatience = time.Second

// box is a pod's namespaces and what runs in them.
type box interface {
	// Run starts a container's main process; its output goes to the log, which is
	// closed with the process.
	Run(ctx context.Context, spec podinit.Process, log *logs.File) (process, error)
	// Exec starts a process in the container of a running one.
	Exec(ctx context.Context, in process, spec podinit.Process, tty bool, streams sandbox.Streams) (process, error)
	// Done is closed when everything in the box has ended.
	Done() <-chan struct{}
	// Kill ends everything in the box.
	Kill()
}

// process is a container's main process or an exec session.
type process interface {
	Done() <-chan struct{}
	Exit() sandbox.Exit
	Signal(signal syscall.Signal)
	KillAll()
	Terminal() *os.File
	// PID is the process's number on the host, zero when it has ended.
	PID() int
}

// boxMaker makes boxes; package sandbox's in real life.
type boxMaker func(ctx context.Context, o sandbox.Options) (box, error)

// boxes returns the maker of real boxes.
func boxes(l *sandbox.Launcher) boxMaker {
	return func(ctx context.Context, o sandbox.Options) (box, error) {
		pod, err := l.Start(ctx, o)
		if err != nil {
			return nil, err
		}
		return &realBox{pod}, nil
	}
}

type realBox struct {
	*sandbox.Pod
}

// realProcess is a process whose Done waits for its output to be kept.
type realProcess struct {
	*sandbox.Process
	done chan struct{}
}

func (p *realProcess) Done() <-chan struct{} { return p.done }

func (b *realBox) Run(ctx context.Context, spec podinit.Process, log *logs.File) (process, error) {
	var copies sync.WaitGroup
	out, err := pipe(&copies, log, "stdout")
	if err != nil {
		return nil, err
	}
	defer out.Close()
	errs, err := pipe(&copies, log, "stderr")
	if err != nil {
		return nil, err
	}
	defer errs.Close()
	started, err := b.Start(ctx, spec, sandbox.Streams{Out: out, Err: errs})
	if err != nil {
		log.Close()
		return nil, err
	}
	p := &realProcess{Process: started, done: make(chan struct{})}
	go p.finish(&copies, log)
	return p, nil
}

// finish closes the log and then done, after the process ended.
func (p *realProcess) finish(copies *sync.WaitGroup, log *logs.File) {
	<-p.Process.Done()
	copied := make(chan struct{})
	go func() {
		copies.Wait()
		close(copied)
	}()
	timer := time.NewTimer(outputPatience)
	defer timer.Stop()
	select {
	case <-copied:
	case <-timer.C:
	}
	log.Close()
	close(p.done)
}

func (b *realBox) Exec(ctx context.Context, in process, spec podinit.Process, tty bool, streams sandbox.Streams) (process, error) {
	main, ok := in.(*realProcess)
	if !ok {
		return nil, fmt.Errorf("exec: %w", sandbox.ErrGone)
	}
	return b.Pod.Exec(ctx, main.Process, spec, tty, streams)
}

// pipe returns the end of a pipe whose other end is copied to the log.
func pipe(copies *sync.WaitGroup, log *logs.File, stream string) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	copies.Go(func() {
		_ = log.Copy(stream, r)
		r.Close()
	})
	return w, nil
}
