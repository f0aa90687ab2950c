package event

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of a queue.
const (
	// MaxCalls and MaxBytes bound what waits in one queue and is under way; one call is always taken.
	MaxCalls = 256
	MaxBytes = 2 << 20
	// perQueue bounds the calls of one queue that are under way, so that a function that hangs leaves room for others.
	perQueue = 32
)

// Queue makes the calls of one trigger. Make it with NewQueue; it is safe for concurrent use.
type Queue struct {
	sender  *Sender
	changed func()
	slots   chan struct{}
	running sync.WaitGroup

	// The lifetime of the calls is the queue's and not that of who puts: when ending is done no attempt begins, when ctx is
	// done those under way end.
	ctx, ending context.Context //nolint:containedctx // see above
	stop, end   context.CancelFunc

	mu    sync.Mutex // guards all below
	room  chan struct{}
	bytes int
	calls int
	lanes map[string][]*entry
	order []*entry // whatever is not done, oldest first, with what came after it
	log   log
}

// entry is a call, or a position without one.
type entry struct {
	call     *Call
	position string
	done     bool
}

// NewQueue returns a queue that begins with the counts of before. changed is called, by any goroutine and often, when State
// has changed; it must not block.
func NewQueue(s *Sender, before State, changed func()) *Queue {
	q := &Queue{
		sender: s, changed: changed, slots: make(chan struct{}, perQueue),
		room: make(chan struct{}), lanes: map[string][]*entry{}, log: newLog(before),
	}
	q.ctx, q.stop = context.WithCancel(context.Background())
	q.ending, q.end = context.WithCancel(q.ctx)
	return q
}

// Put adds a call. It waits while the queue is full, until ctx ends.
func (q *Queue) Put(ctx context.Context, c *Call) error {
	for {
		q.mu.Lock()
		if q.calls == 0 || q.calls < MaxCalls && q.bytes+c.size() <= MaxBytes {
			q.add(c)
			q.mu.Unlock()
			q.changed()
			return nil
		}
		room := q.room
		q.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return ctx.Err()
		case <-q.ending.Done():
			return q.ending.Err()
		}
	}
}

// add is called with the lock.
func (q *Queue) add(c *Call) {
	e := &entry{call: c, position: c.Position}
	q.order = append(q.order, e)
	q.calls++
	q.bytes += c.size()
	q.sender.metrics.pending.Inc()
	key := c.Key
	if key == "" {
		key = c.ID
	}
	q.lanes[key] = append(q.lanes[key], e)
	if len(q.lanes[key]) == 1 {
		q.running.Go(func() { q.drain(key) })
	}
}

// Reached says that everything up to the position was put: it counts when all calls before are done.
func (q *Queue) Reached(position string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.order); n > 0 && q.order[n-1].call == nil {
		q.order[n-1].position = position
		return
	}
	q.order = append(q.order, &entry{position: position, done: true})
	q.settle()
}

// Forget drops the position and whatever would lead to one; calls that wait are made.
func (q *Queue) Forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range q.order {
		e.position = ""
	}
	q.log.position = ""
}

// drain makes the calls of a lane in order until it is empty or the queue is closed.
func (q *Queue) drain(key string) {
	for {
		q.mu.Lock()
		e := q.lanes[key][0]
		q.mu.Unlock()
		a, attempts := q.deliver(e.call)
		if q.undone(a) {
			return // whoever comes next does it
		}
		q.sender.metrics.done(e.call, a.err)
		if !q.finish(key, e, a, attempts) {
			return
		}
	}
}

// deliver makes attempts until one succeeds, no other can, there were enough, or the queue is closed.
func (q *Queue) deliver(c *Call) (a answer, attempts int) {
	config := &q.sender.config
	pause := config.MinPause
	for {
		if a = q.attempt(c); q.undone(a) {
			return a, attempts
		}
		attempts++
		if a.err == nil || a.final || attempts >= config.Attempts {
			return a, attempts
		}
		q.note(c, a, attempts)
		select {
		case <-q.ending.Done():
			return a, attempts
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // spreads the attempts, nothing more
		}
		pause = min(2*pause, config.MaxPause)
	}
}

// undone reports whether the queue was closed before an attempt told how the call ends.
func (q *Queue) undone(a answer) bool { return a.err != nil && !a.final && q.ending.Err() != nil }

func (q *Queue) attempt(c *Call) answer {
	select {
	case q.slots <- struct{}{}:
	case <-q.ending.Done():
		return answer{err: q.ending.Err()}
	}
	defer func() { <-q.slots }()
	return q.sender.try(q.ctx, c)
}

// finish takes a call that is done out of the queue; more says whether its lane has another.
func (q *Queue) finish(key string, e *entry, a answer, attempts int) (more bool) {
	q.mu.Lock()
	defer func() {
		q.mu.Unlock()
		q.changed()
	}()
	e.done = true
	q.calls--
	q.bytes -= e.call.size()
	q.sender.metrics.pending.Dec()
	close(q.room)
	q.room = make(chan struct{})
	q.log.done(e.call, a, attempts)
	q.settle()
	if more = len(q.lanes[key]) > 1; more {
		q.lanes[key] = q.lanes[key][1:]
	} else {
		delete(q.lanes, key)
	}
	return more
}

// note tells of an attempt that failed.
func (q *Queue) note(c *Call, a answer, attempts int) {
	q.mu.Lock()
	q.log.failing(c, a, attempts)
	q.mu.Unlock()
	q.changed()
}

// settle moves the position over what is done. It is called with the lock.
func (q *Queue) settle() {
	n := 0
	for n < len(q.order) && q.order[n].done {
		if p := q.order[n].position; p != "" {
			q.log.position = p
		}
		q.order[n] = nil
		n++
	}
	q.order = q.order[n:]
}

// Close lets attempts under way end, for as long as grace, and begins no others. What is not done stays undone in State.
func (q *Queue) Close(grace time.Duration) {
	q.end()
	timer := time.AfterFunc(grace, q.stop)
	q.running.Wait()
	timer.Stop()
	q.stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sender.metrics.pending.Sub(float64(q.calls))
}

// State returns what is done.
func (q *Queue) State() State {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.log.state()
	s.Pending = int64(q.calls)
	return s
}
