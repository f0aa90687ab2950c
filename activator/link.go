package activator

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"hotpod.dev/feed"
)

const (
	// gather is how long messages are gathered after one was sent: the first of a burst goes at once.
	gather = time.Millisecond
	// reopen is the pause before a broken stream is opened again; connecting has its own back-off.
	reopen = 50 * time.Millisecond
)

// link is the stream to one autoscaler.
type link struct {
	log  *slog.Logger
	open atomic.Bool

	mu    sync.Mutex // guards what follows; taken after a queue's lock, never before
	dirty []*queue
	wake  chan struct{}
}

func newLink(log *slog.Logger) *link { return &link{log: log, wake: make(chan struct{}, 1)} }

// connected says that the autoscaler hears what is said.
func (l *link) connected() bool { return l.open.Load() }

// changed notes that a queue has something to say.
func (l *link) changed(q *queue) {
	l.mu.Lock()
	l.dirty = append(l.dirty, q)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run opens the stream again and again until ctx ends.
func (l *link) run(ctx context.Context, conn *grpc.ClientConn, a *Activator) error {
	for {
		if err := l.once(ctx, conn, a); l.open.Swap(false) && ctx.Err() == nil {
			l.log.Warn("stream to the autoscaler broke", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(reopen):
		}
	}
}

// once serves one stream until it breaks.
func (l *link) once(ctx context.Context, conn *grpc.ClientConn, a *Activator) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := feed.OpenDemand(ctx, conn)
	if err != nil {
		return err
	}
	l.open.Store(true)
	l.log.Info("stream to the autoscaler is open")
	received := make(chan error, 1)
	go func() {
		defer cancel()
		received <- receive(stream, a)
	}()
	l.take() // what was to be said on the last stream is said again
	for _, q := range a.all() {
		if q.link == l {
			q.repeat(true)
		}
	}
	if err := l.send(ctx, stream); err != nil {
		return err
	}
	return <-received
}

// receive passes placements on until the stream breaks.
func receive(stream feed.DemandClient, a *Activator) error {
	for {
		p, err := stream.Recv()
		if err != nil {
			return err
		}
		a.placed(*p)
	}
}

// send says what changed until ctx ends or the stream breaks.
func (l *link) send(ctx context.Context, stream feed.DemandClient) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
		for _, q := range l.take() {
			d, ok := q.say()
			if !ok {
				continue
			}
			if err := stream.Send(&d); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(gather):
		}
	}
}

func (l *link) take() []*queue {
	l.mu.Lock()
	defer l.mu.Unlock()
	dirty := l.dirty
	l.dirty = nil
	return dirty
}
