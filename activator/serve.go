package activator

import (
	"net/http"
	"strconv"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// attempts is how many pods a request is sent to before it takes its position in the queue again.
const attempts = 3

// Serve implements proxy.Handler.
func (a *Activator) Serve(x proxy.Exchange) {
	id, ok := x.Function()
	if !ok {
		a.metrics.requests.invalid.Inc()
		x.Fail(noFunction(x))
		return
	}
	w := a.waiters.Get().(*waiter)
	w.pinned = !x.Replayable(a.config.ReplayLimit)
	q := a.enter(id, w)
	w.queue = q
	span := a.span(x, q.id)
	result := a.serve(x, q, w, span)
	span.end(result, w)
	if a.config.Timelines != nil {
		a.keep(x, w, span, result)
	}
	cold := q.leave(w, result)
	a.metrics.ended(result, cold)
	a.uncounted.Store(true)
	w.reset()
	a.waiters.Put(w)
}

// result is how a request ended, the label of hotpod_activator_requests_total.
type result string

const (
	resultAnswered    result = "answered"
	resultGone        result = "gone"
	resultCapacity    result = "capacity_exceeded"
	resultHoldTimeout result = "hold_timeout"
	resultUnavailable result = "unavailable"
	resultBroken      result = "broken"
	resultInvalid     result = "invalid"
)

// serve waits for a place and forwards, until the client has its answer.
func (a *Activator) serve(x proxy.Exchange, q *queue, w *waiter, span span) result {
	for try := 1; ; try++ {
		v, ok := q.wait(w, x.Gone())
		if !ok {
			return resultGone
		}
		if v.err != nil {
			return w.fail(x, v.err, resultOf(v.err))
		}
		held := time.Since(w.arrived)
		w.story.held, w.story.tries, w.story.pod = held, try, v.place.pod
		w.story.full = w.story.full || try > 1 || v.place.wait > 0 && !w.pinned
		out := a.forward(x, w, v.place, span)
		a.metrics.attempt(out)
		switch {
		case out.Final:
			w.took, w.story.status = held, out.Status
			return a.final(out, held, span)
		case out.Kind != proxy.Refused && out.Kind != proxy.Unreached:
			return w.fail(x, broken(out), resultBroken)
		case !out.Retry:
			return w.fail(x, wire.ErrCapacity("no pod could take the request, and its body is too large to be sent again"), resultCapacity)
		}
		if try%attempts == 0 {
			q.saturated(time.Now())
		}
	}
}

// fail answers a request with an error.
func (w *waiter) fail(x proxy.Exchange, e *wire.Error, r result) result {
	if w.story.tries == 0 {
		w.story.held = time.Since(w.arrived)
	}
	w.story.err = e
	x.Fail(e)
	return r
}

func (a *Activator) final(out proxy.Outcome, held time.Duration, s span) result {
	if out.Kind == proxy.Gone {
		return resultGone
	}
	if out.Kind != proxy.Answered {
		return resultBroken
	}
	s.observe(a.metrics.hold, held.Seconds())
	return resultAnswered
}

// forward sends the request to a pod and gives the place back.
func (a *Activator) forward(x proxy.Exchange, w *waiter, p place, span span) proxy.Outcome {
	w.at, w.has = p, true
	o := &w.options
	o.DropRequest, o.RequestHeader = a.drop, o.RequestHeader[:0]
	if p.wait > 0 {
		o.RequestHeader = appendWait(o.RequestHeader, p.wait)
	}
	o.ResponseHeader = appendTiming(o.ResponseHeader[:0], w, time.Now())
	span.inject(o)
	out := x.Forward(p.pod.target, o)
	if w.has && (out.Kind == proxy.Refused || out.Kind == proxy.Unreached) {
		w.has = false
		why := refusedBad
		if out.Kind == proxy.Refused && out.Busy == wire.BusyLimit {
			why = refusedFull
		}
		w.queue.refused(w, p, why, time.Now())
	}
	w.done()
	return out
}

// wait returns the verdict over w; false means that the client went away first.
func (q *queue) wait(w *waiter, gone <-chan struct{}) (verdict, bool) {
	q.ask(w, time.Now())
	select {
	case v := <-w.verdict:
		return v, true
	default:
	}
	w.held = true
	select {
	case v := <-w.verdict:
		return v, true
	case <-gone:
	}
	if q.withdraw(w, time.Now()) {
		return verdict{}, false
	}
	if v := <-w.verdict; v.err == nil { // it was placed at the same moment
		q.release(w, v.place, time.Now())
	}
	return verdict{}, false
}

func appendWait(h []byte, d time.Duration) []byte {
	h = append(h, wire.HeaderWait+": "...)
	h = strconv.AppendInt(h, max(1, d.Milliseconds()), 10)
	return append(h, "\r\n"...)
}

func resultOf(e *wire.Error) result {
	switch e.Status {
	case http.StatusTooManyRequests:
		return resultCapacity
	case http.StatusGatewayTimeout:
		return resultHoldTimeout
	default:
		return resultUnavailable
	}
}
