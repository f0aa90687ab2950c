package proxy

import (
	"context"
	"time"
)

// bound ends an exchange on a stream when its time is over.
type bound struct {
	ctx    context.Context //nolint:containedctx // the exchange's own, for its request
	cancel context.CancelFunc
	client context.Context //nolint:containedctx // to tell who ended it
	timer  *time.Timer
	o      *Options
	until  time.Time
}

func newBound(client context.Context, o *Options) *bound {
	b := &bound{client: client, o: o}
	b.ctx, b.cancel = context.WithCancel(client)
	b.timer = time.AfterFunc(time.Hour, b.cancel)
	b.set(time.Time{})
	if o.Timeout > 0 {
		b.set(time.Now().Add(o.Timeout))
	}
	return b
}

func (b *bound) set(deadline time.Time) {
	b.timer.Stop()
	if !deadline.IsZero() {
		b.timer.Reset(time.Until(deadline))
	}
}

// begin goes over to the bounds of an answer that has begun.
func (b *bound) begin() {
	if s := b.o.Streaming; s != nil {
		if s.Max > 0 {
			b.until = time.Now().Add(s.Max)
		}
		b.set(s.next(time.Now(), b.until))
	}
}

func (b *bound) progress() {
	if s := b.o.Streaming; s != nil && s.Idle > 0 {
		b.set(s.next(time.Now(), b.until))
	}
}

func (b *bound) why() Kind {
	switch {
	case b.client.Err() != nil:
		return Gone
	case b.ctx.Err() != nil:
		return TimedOut
	default:
		return 0
	}
}

func (b *bound) stop() {
	b.timer.Stop()
	b.cancel()
}
