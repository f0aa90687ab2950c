package autoscaler

import (
	"context"
	"slices"
	"sync"

	"hotpod.dev/wire"
)

// stream is what is to be sent to one activator: of each function only the newest placement.
type stream struct {
	closed bool // guarded by Autoscaler.mu

	mu      sync.Mutex // guards all below
	pending map[string]wire.Placement
	order   []string // keys of pending, longest waiting first
	wake    chan struct{}
}

func newStream() *stream {
	return &stream{pending: map[string]wire.Placement{}, wake: make(chan struct{}, 1)}
}

// put queues p in place of an older placement of the same function.
func (s *stream) put(p wire.Placement) {
	s.mu.Lock()
	defer s.mu.Unlock()
	older, ok := s.pending[p.Function.UID]
	if !ok {
		s.order = append(s.order, p.Function.UID)
	}
	switch { // what is told once must not get lost
	case p.Seq == older.Seq && len(p.Started) == 0:
		p.Started = older.Started
	case p.Seq != older.Seq && len(older.Started) > 0:
		p.Started = slices.Concat(older.Started, p.Started)
	}
	s.pending[p.Function.UID] = p
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next returns the placement that waits longest, or ctx's error.
func (s *stream) next(ctx context.Context) (wire.Placement, error) {
	for {
		if p, ok := s.take(); ok {
			return p, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return wire.Placement{}, ctx.Err()
		}
	}
}

func (s *stream) take() (wire.Placement, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return wire.Placement{}, false
	}
	uid := s.order[0]
	s.order = s.order[1:]
	p := s.pending[uid]
	delete(s.pending, uid)
	return p, true
}
