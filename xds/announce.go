package xds

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"hotpod.dev/feed"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

const (
	// announcements bounds those that wait to be sent to one autoscaler.
	announcements = 256
	// announceAgain is the pause before a broken stream is opened again.
	announceAgain = 50 * time.Millisecond
)

// Announcer tells the autoscalers of requests that are on their way to an activator: the first that an Envoy has of a
// function waits there until its cluster has come, which is time for a pod to start. What cannot be said at once is
// forgotten, since the activator says it soon. It is safe for concurrent use.
type Announcer struct {
	log    *slog.Logger
	shards []announcing
}

// announcing is what is to be said to the autoscaler of one shard.
type announcing struct {
	conn    *grpc.ClientConn
	waiting chan wire.FunctionID
}

// NewAnnouncer returns an announcer to the autoscalers of all shards, in their order; without any it is silent. It owns
// no connection.
func NewAnnouncer(autoscalers []*grpc.ClientConn, log *slog.Logger) *Announcer {
	a := &Announcer{log: log}
	for _, conn := range autoscalers {
		a.shards = append(a.shards, announcing{conn: conn, waiting: make(chan wire.FunctionID, announcements)})
	}
	return a
}

// Announce says that a request for a function without hot pods is on its way. It does not wait.
func (a *Announcer) Announce(f wire.FunctionID) {
	if len(a.shards) == 0 {
		return
	}
	select {
	case a.shards[shard.Of(f.UID, len(a.shards))].waiting <- f:
	default:
	}
}

// Run keeps the streams open until ctx ends.
func (a *Announcer) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range a.shards {
		g.Go(func() error { return a.shards[i].run(ctx, a.log) })
	}
	return g.Wait()
}

func (n announcing) run(ctx context.Context, log *slog.Logger) error {
	for {
		if err := n.once(ctx); ctx.Err() == nil {
			log.Debug("stream to the autoscaler broke", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(announceAgain):
		}
		n.forget()
	}
}

// forget drops what waited while there was no stream.
func (n announcing) forget() {
	for len(n.waiting) > 0 {
		<-n.waiting
	}
}

// once serves one stream until it breaks.
func (n announcing) once(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := feed.OpenDemand(ctx, n.conn)
	if err != nil {
		return err
	}
	broken := make(chan error, 1)
	go func() {
		for {
			if _, err := stream.Recv(); err != nil { // nothing is said on it
				broken <- err
				return
			}
		}
	}()
	for {
		select {
		case err := <-broken:
			return err
		case f := <-n.waiting:
			if err := stream.Send(&wire.Demand{Function: f, Ahead: true}); err != nil {
				return err
			}
		}
	}
}
