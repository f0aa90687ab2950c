package node

import (
	"context"
	"sync"
	"time"
)

// stopper is the order to end a pod, which may be given more than once: a later
// order can only shorten the time that is left. It may be used concurrently.
type stopper struct {
	// asked is closed by the first order.
	asked chan struct{}
	// kill ends when the time is up.
	kill context.Context //nolint:containedctx // it is the deadline that the orders share
	now  context.CancelFunc

	// mu guards what follows.
	mu       sync.Mutex
	deadline time.Time
	timer    *time.Timer
	remove   bool
}

func newStopper() *stopper {
	s := &stopper{asked: make(chan struct{})}
	s.kill, s.now = context.WithCancel(context.Background()) //nolint:gosec // the timer of the first order calls it
	return s
}

// order asks the pod to end within grace; remove has its object removed afterwards.
func (s *stopper) order(grace time.Duration, remove bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove = s.remove || remove
	deadline := time.Now().Add(grace)
	switch {
	case s.timer == nil:
		s.timer = time.AfterFunc(grace, s.now)
		s.deadline = deadline
		close(s.asked)
	case deadline.Before(s.deadline):
		s.timer.Reset(grace)
		s.deadline = deadline
	}
}

// ordered says whether the pod was asked to end.
func (s *stopper) ordered() bool {
	select {
	case <-s.asked:
		return true
	default:
		return false
	}
}

// removes says whether the pod's object goes with it.
func (s *stopper) removes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.remove
}

// sleep waits, and says whether the pod shall still run.
func (s *stopper) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return !s.ordered()
	case <-s.asked:
		return false
	}
}
