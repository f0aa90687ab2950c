package node

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/logs"
	"hotpod.dev/local/node/podinit"
	"hotpod.dev/local/node/sandbox"
)

// fakeBox runs fake processes, whose life is a function.
type fakeBox struct {
	life func(p *fakeProcess)
	done chan struct{}
	once sync.Once

	mu     sync.Mutex
	starts []time.Time
	lives  []*fakeProcess
}

// fakeProcess ends when its life ends or somebody kills it.
type fakeProcess struct {
	spec    podinit.Process
	signals chan syscall.Signal
	done    chan struct{}
	once    sync.Once
	exit    sandbox.Exit
}

func newFakeBox(life func(p *fakeProcess)) *fakeBox {
	return &fakeBox{life: life, done: make(chan struct{})}
}

func (b *fakeBox) Run(_ context.Context, spec podinit.Process, log *logs.File) (process, error) {
	p := &fakeProcess{spec: spec, signals: make(chan syscall.Signal, 10), done: make(chan struct{})}
	b.mu.Lock()
	b.starts = append(b.starts, time.Now())
	b.lives = append(b.lives, p)
	b.mu.Unlock()
	log.Close()
	go b.life(p)
	return p, nil
}

func (b *fakeBox) Exec(context.Context, process, podinit.Process, bool, sandbox.Streams) (process, error) {
	return nil, errors.New("a fake box runs no commands")
}

func (b *fakeBox) Done() <-chan struct{} { return b.done }

func (b *fakeBox) Kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.lives {
		p.end(137)
	}
	b.once.Do(func() { close(b.done) })
}

func (b *fakeBox) startTimes() []time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]time.Time(nil), b.starts...)
}

func (p *fakeProcess) PID() int { return 0 }

func (p *fakeProcess) Done() <-chan struct{}   { return p.done }
func (p *fakeProcess) Exit() sandbox.Exit      { return p.exit }
func (p *fakeProcess) Terminal() *os.File      { return nil }
func (p *fakeProcess) KillAll()                { p.end(137) }
func (p *fakeProcess) Signal(s syscall.Signal) { p.signals <- s }

func (p *fakeProcess) end(code int) {
	p.once.Do(func() {
		p.exit = sandbox.Exit{Code: code, At: time.Now()}
		close(p.done)
	})
}

// runFake runs a pod in fake boxes; call it inside a synctest bubble.
func runFake(t *testing.T, pod *corev1.Pod, life func(p *fakeProcess)) (*fixture, *fakeBox) {
	t.Helper()
	h, objects, events := testHost(t)
	fake := newFakeBox(life)
	h.makeBox = func(context.Context, sandbox.Options) (box, error) { return fake, nil }
	return startOn(t, h, objects, events, pod), fake
}
