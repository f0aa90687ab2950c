package logger

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"hotpod.dev/logline"
	"hotpod.dev/logstore"
)

// tail reads one container's log.
type tail struct {
	follower  *Follower
	container string
	pod       atomic.Pointer[Pod]
	changed   chan struct{} // has a token after the pod changed
	gone      chan struct{} // closed when the pod is gone
	failing   bool
	polled    bool // the log was not followed, because too many are

	mu      sync.Mutex // guards all below, and is held while an entry is handed over, so that entries keep their order
	joiner  logline.Joiner
	stream  logstore.Stream
	arrived time.Time // of the last line
	open    bool      // as the follower knows it
}

func newTail(f *Follower, p *Pod, container string, state logstore.Stream) *tail {
	t := &tail{follower: f, container: container, changed: make(chan struct{}, 1), gone: make(chan struct{}), stream: state}
	pod := *p
	t.pod.Store(&pod)
	return t
}

// update tells of the pod as it is now.
func (t *tail) update(ctx context.Context, p *Pod) {
	pod := *p
	before := t.pod.Swap(&pod)
	if before.Function == "" && pod.Function != "" {
		t.claimed(ctx, &pod)
	}
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// claimed gives the function what was read since the claim, before it was known of. It does not wait for the writer.
func (t *tail) claimed(ctx context.Context, p *Pod) {
	t.follower.group.Go(func() {
		t.mu.Lock() // entries with the old owner are handed over before
		defer t.mu.Unlock()
		t.follower.writer.put(ctx, item{claim: &claim{to: p.source(t.container, p.Claimed), since: p.Claimed}})
	})
}

// leave tells that the pod is gone.
func (t *tail) leave() { close(t.gone) }

// run reads until the container has ended for good or ctx ends.
func (t *tail) run(ctx context.Context) {
	if t.stream.Ended {
		return
	}
	if p := t.pod.Load(); p.Function != "" && !t.stream.Until.IsZero() {
		t.follower.writer.put(ctx, item{claim: &claim{to: p.source(t.container, p.Claimed), since: p.Claimed}})
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-t.gone:
			select {
			case <-time.After(farewell):
			case <-reading.Done():
			}
			cancel()
		case <-reading.Done():
		}
	}()
	pause := pauseFirst
	for reading.Err() == nil {
		began := time.Now()
		over := t.again(reading)
		if over {
			t.finish(ctx)
			return
		}
		if time.Since(began) > pauseLast {
			pause = pauseFirst
		}
		pause = t.rest(reading, pause)
	}
	t.flushBefore(ctx, time.Now())
}

// rest waits before the log is opened again: until the pod changes, or the pause is over. It returns the next pause.
func (t *tail) rest(ctx context.Context, pause time.Duration) time.Duration {
	if t.polled && !t.failing {
		pause = t.follower.config.Poll
	}
	timer := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // no secret
	defer timer.Stop()
	gone := t.gone
	if t.isGone() { // it was tried since
		gone = nil
	}
	select {
	case <-t.changed:
		return pauseFirst
	case <-gone: // once more at once, then the pod is over
		return pauseFirst
	case <-timer.C:
	case <-ctx.Done():
	}
	return min(2*pause, pauseLast)
}

// again reads what the log has and reports whether there will be no more.
func (t *tail) again(ctx context.Context) (over bool) {
	pod := t.pod.Load()
	c := pod.container(t.container)
	if !c.Started {
		return t.isGone() || pod.Ended
	}
	if t.restart() < c.Restarts {
		if err := t.read(ctx, pod, Log{Previous: true}); err != nil && !errors.Is(err, ErrGone) && ctx.Err() == nil {
			t.failed(err)
		}
	}
	t.setRestart(c.Restarts)
	err := t.read(ctx, pod, Log{Follow: true})
	switch {
	case errors.Is(err, ErrGone):
		return t.isGone() || pod.Ended
	case err != nil:
		t.failed(err)
		return t.isGone() && ctx.Err() != nil
	}
	t.failing = false
	return t.isGone() || pod.Ended
}

func (t *tail) isGone() bool {
	select {
	case <-t.gone:
		return true
	default:
		return false
	}
}

// failed tells that the log cannot be read, once until it can.
func (t *tail) failed(err error) {
	t.follower.metrics.failedReads.Inc()
	if !t.failing && !errors.Is(err, context.Canceled) {
		p := t.pod.Load()
		t.follower.config.Log.Info("log cannot be read, will be tried again", "pod", p.Name, "namespace", p.Namespace, "error", err)
	}
	t.failing = true
}

// restart returns which instance of the container was read last.
func (t *tail) restart() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stream.Restart
}

func (t *tail) setRestart(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream.Restart = n
}

// finish stores that there will be no more.
func (t *tail) finish(ctx context.Context) {
	t.flushBefore(ctx, time.Now())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream.Ended = true
	ended := t.stream
	t.follower.writer.put(ctx, item{stream: &ended})
}
