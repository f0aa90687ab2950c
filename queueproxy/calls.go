package queueproxy

import (
	"strings"
	"sync"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// DefaultSlow is the time from which on a request counts as slow.
const DefaultSlow = time.Second

// maxText bounds the texts of a call, so that a report stays small.
const maxText = 256

// calls are requests that the next report tells of, as many as it may; the others are counted. It is safe for concurrent use.
type calls struct {
	slow time.Duration

	mu      sync.Mutex // guards what follows
	kept    []kept
	omitted int
}

// kept is a call and when it came.
type kept struct {
	wire.Call
	arrived time.Time
}

// worth says that a request with this status is told of, which took so long.
func (c *calls) worth(status int, took time.Duration) bool {
	return took >= c.slow || status >= 500 || status == wire.StatusClientGone
}

// keep tells of a request that waited until start and ended now. A request that is not worth it costs a comparison.
// It says whether there is something to tell.
func (c *calls) keep(x proxy.Exchange, arrived, start, now time.Time, status int, e *wire.Error, s *span) bool {
	if s == nil && !c.worth(status, now.Sub(arrived)) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= wire.MaxCalls {
		c.omitted++
		return true
	}
	call := wire.Call{
		RequestID: bounded(x.RequestID()), TraceID: bounded(x.TraceID()), Sampled: s != nil,
		QueueMicros: start.Sub(arrived).Microseconds(), RunMicros: now.Sub(start).Microseconds(), Status: status,
	}
	if s != nil {
		call.TraceID = s.TraceID
	}
	switch {
	case e != nil:
		call.Reason, call.Message = e.Reason, bounded(e.Message)
	case status == wire.StatusClientGone:
		call.Reason = "client_gone"
	}
	c.kept = append(c.kept, kept{call, arrived})
	return true
}

// tell keeps a request that is over, and lets a report say so.
func (q *Proxy) tell(x proxy.Exchange, arrived, start time.Time, status int, e *wire.Error, s *span) {
	if q.calls.keep(x, arrived, start, time.Now(), status, e, s) {
		q.gate.poke()
	}
}

// take returns what is to be told, nil when that is nothing.
func (c *calls) take(now time.Time) *wire.Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) == 0 && c.omitted == 0 {
		return nil
	}
	told := &wire.Calls{Omitted: c.omitted}
	for _, k := range c.kept {
		k.AgoMicros = now.Sub(k.arrived).Microseconds()
		told.Calls = append(told.Calls, k.Call)
	}
	c.kept, c.omitted = nil, 0
	return told
}

func bounded(text string) string { return strings.Clone(text[:min(len(text), maxText)]) }
