package queueproxy

import (
	"cmp"
	"sync"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

const (
	// overrun is Config.Overrun by default.
	overrun = 10 * time.Second
	// leastLinger is how long a function may at least go on with a request whose client left, and longestLinger how long
	// at most when its run has no bound.
	leastLinger, longestLinger = time.Second, 15 * time.Minute
)

// run is a request inside the function. They are reused: forwarding allocates nothing.
type run struct {
	gate    *gate
	options proxy.Options
	drop    []string
	arrived time.Time
	start   time.Time // it went into the function
	left    bool
}

type runs struct{ pool sync.Pool }

func (p *runs) get(q *Proxy) *run {
	if r, ok := p.pool.Get().(*run); ok {
		return r
	}
	r := &run{gate: q.gate}
	// The last one is replaced only when there is a span of our own.
	r.drop = []string{wire.HeaderPrefix + "*", "x-fission-function-*", "x-fission-params-*", "traceparent"}
	r.options = proxy.Options{
		DropResponse: []string{wire.HeaderPrefix + "*"},
		Forwarded:    true,
		Generic:      true,
		Params:       &q.params,
		Linger:       true,
		Answered:     r.leave,
		AnswerHead:   r.timing,
	}
	return r
}

// leave frees the function's slot, once.
func (r *run) leave(status int) {
	if !r.left {
		r.left = true
		r.gate.leave(r.start, status)
	}
}

// linger keeps the slot until the function is done, or bound has passed.
func (r *run) linger(l *proxy.Lingering, status int, bound time.Duration) {
	r.left = true
	g := r.gate // r is another request's when that is
	g.linger(r.start, status)
	go func() {
		l.Wait(bound)
		g.release()
	}()
}

// patience is how long a function that was told that its answer is wanted no more keeps its slot, unless it is done
// before: as long as a run may take when its client left, and a while longer when it took longer than that.
func (q *Proxy) patience(out proxy.Outcome, a *assigned, ran time.Duration) time.Duration {
	switch {
	case out.Kind == proxy.TimedOut:
		return cmp.Or(q.cfg.Overrun, overrun)
	case a.timeout == 0:
		return longestLinger
	default:
		return max(a.timeout-ran, leastLinger)
	}
}

// timing tells the client how long the request waited here, and how long the function took to begin its answer.
func (r *run) timing(dst []byte) []byte {
	dst = append(dst, wire.HeaderServerTiming+": "...)
	dst = wire.AppendTiming(dst, "queue", r.start.Sub(r.arrived))
	dst = append(dst, ", "...)
	dst = wire.AppendTiming(dst, "function", time.Since(r.start))
	return append(dst, "\r\n"...)
}

// run forwards an admitted request.
func (q *Proxy) run(x proxy.Exchange, a *assigned, arrived, start time.Time) {
	r := q.runs.get(q)
	defer q.runs.pool.Put(r)
	r.arrived, r.start, r.left = arrived, start, false
	r.options.RequestHeader, r.options.Timeout, r.options.Streaming = a.header, a.timeout, a.streaming
	r.options.DropRequest = r.drop[:len(r.drop)-1]
	span := q.tracer.start(x, a, arrived, start)
	if span != nil {
		r.options.RequestHeader, r.options.DropRequest = span.header(a.header), r.drop
	}
	out := x.Forward(q.runtime, &r.options)
	if q.crashed(out) && (out.Retry || x.Replayable(q.cfg.ReplayLimit)) {
		r.leave(0)
		span.end(0)
		q.leaveToOthers(x)
		return
	}
	e := failure(out, a)
	status := outcomeStatus(out, e)
	if out.Lingering != nil {
		r.linger(out.Lingering, status, q.patience(out, a, time.Since(start)))
	}
	r.leave(status)
	q.tell(x, arrived, start, status, e, span)
	span.end(status)
	if e != nil {
		x.Fail(e)
	}
}
