package event

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Runner looks after one trigger.
type Runner[T metav1.Object] interface {
	// Run looks after the trigger as obj declares it until ctx ends. It is called again when the declaration changes.
	Run(ctx context.Context, obj T)
	// Close ends what is left when the trigger is deleted or the process ends.
	Close(deleted bool)
}

// Set keeps a Runner for each trigger. Make it with NewSet; it is safe for concurrent use.
type Set[T metav1.Object] struct {
	start   func(T) Runner[T]
	version func(T) string
	ctx     context.Context //nolint:containedctx // the lifetime of the runners, which is the set's
	stop    context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex // guards all below
	ended   bool
	members map[string]*member[T] // by UID
}

// member is one trigger's.
type member[T metav1.Object] struct {
	version string
	again   chan T // the newest declaration that is not running yet
	stop    context.CancelFunc
	deleted bool
}

// NewSet returns an empty set. start makes the runner of a trigger; version tells declarations apart.
func NewSet[T metav1.Object](start func(T) Runner[T], version func(T) string) *Set[T] {
	s := &Set[T]{start: start, version: version, members: map[string]*member[T]{}}
	s.ctx, s.stop = context.WithCancel(context.Background()) //nolint:gosec // Run calls it
	return s
}

// Set takes a trigger as it is now.
func (s *Set[T]) Set(obj T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	m, version := s.members[string(obj.GetUID())], s.version(obj)
	if m != nil && m.version == version {
		return
	}
	if m == nil {
		ctx, stop := context.WithCancel(s.ctx) //nolint:gosec // Delete calls it, or the parent's end
		m = &member[T]{again: make(chan T, 1), stop: stop}
		s.members[string(obj.GetUID())] = m
		s.running.Go(func() { s.run(ctx, obj, m) })
	}
	m.version = version
	select {
	case <-m.again:
	default:
	}
	m.again <- obj
}

// Delete takes a trigger away.
func (s *Set[T]) Delete(obj T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.members[string(obj.GetUID())]; m != nil {
		m.deleted = true
		m.stop()
		delete(s.members, string(obj.GetUID()))
	}
}

// Len returns the number of triggers.
func (s *Set[T]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// Run waits until ctx ends, and then for the runners.
func (s *Set[T]) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.stop()
	s.running.Wait()
	return nil
}

// run runs each declaration until the next comes.
func (s *Set[T]) run(ctx context.Context, first T, m *member[T]) {
	runner := s.start(first)
	defer func() {
		s.mu.Lock()
		deleted := m.deleted
		s.mu.Unlock()
		runner.Close(deleted)
	}()
	for {
		var obj T
		select {
		case obj = <-m.again:
		case <-ctx.Done():
			return
		}
		one, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runner.Run(one, obj)
		}()
		select {
		case obj = <-m.again:
			s.putBack(m, obj)
		case <-ctx.Done():
		}
		stop()
		<-ended
	}
}

// putBack makes obj the newest declaration, unless one came meanwhile.
func (s *Set[T]) putBack(m *member[T], obj T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case m.again <- obj:
	default:
	}
}
