package feed

import (
	"context"
	"sync"
	"time"
)

// Topic keeps the last value of each key and tells subscribers of changes. It is safe for concurrent use; the
// zero value is not usable, see NewTopic.
type Topic[T any] struct {
	mu     sync.Mutex // guards all below
	values map[string]T
	subs   map[*Subscription[T]]struct{}
}

// NewTopic returns an empty topic.
func NewTopic[T any]() *Topic[T] {
	return &Topic[T]{values: map[string]T{}, subs: map[*Subscription[T]]struct{}{}}
}

// Publish sets the value of key and tells every subscriber.
func (t *Topic[T]) Publish(key string, v T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values[key] = v
	t.tell(key, v)
}

// Remove forgets key and sends subscribers last, which says that the key is gone.
func (t *Topic[T]) Remove(key string, last T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.values[key]; !ok {
		return
	}
	delete(t.values, key)
	t.tell(key, last)
}

// Get returns the value of key.
func (t *Topic[T]) Get(key string) (T, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.values[key]
	return v, ok
}

// Subscribe returns a subscription that begins with every current value. Close it when done.
func (t *Topic[T]) Subscribe() *Subscription[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := &Subscription[T]{topic: t, pending: make(map[string]T, len(t.values)), wake: make(chan struct{}, 1)}
	for k, v := range t.values {
		s.add(k, v)
	}
	t.subs[s] = struct{}{}
	return s
}

func (t *Topic[T]) tell(key string, v T) {
	for s := range t.subs {
		s.add(key, v)
	}
}

// Subscription is one reader of a topic. Only one goroutine may call Next.
type Subscription[T any] struct {
	topic   *Topic[T]
	pending map[string]T // guarded by topic.mu
	order   []string     // keys of pending, oldest change first; guarded by topic.mu
	wake    chan struct{}
}

// Next returns the oldest change that was not read yet, with the newest value of its key, or ctx's error.
func (s *Subscription[T]) Next(ctx context.Context) (T, error) {
	for {
		if v, ok := s.take(); ok {
			return v, nil
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}

// gather returns when there is something to read for that long, or with ctx's error.
func (s *Subscription[T]) gather(ctx context.Context, pause time.Duration) error {
	select {
	case <-s.wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	if pause == 0 {
		return nil
	}
	select {
	case <-time.After(pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the subscription.
func (s *Subscription[T]) Close() {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	delete(s.topic.subs, s)
}

func (s *Subscription[T]) take() (T, bool) {
	s.topic.mu.Lock()
	defer s.topic.mu.Unlock()
	if len(s.order) == 0 {
		var none T
		return none, false
	}
	key := s.order[0]
	s.order = s.order[1:]
	v := s.pending[key]
	delete(s.pending, key)
	return v, true
}

// add is called with topic.mu held.
func (s *Subscription[T]) add(key string, v T) {
	if _, ok := s.pending[key]; !ok {
		s.order = append(s.order, key)
	}
	s.pending[key] = v
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
