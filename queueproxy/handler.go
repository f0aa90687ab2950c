package queueproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// maxWait bounds what a request can ask for by wire.HeaderWait.
const maxWait = 15 * time.Minute

// assigned is the function that the pod holds, with what every request of it needs made ready.
type assigned struct {
	wire.Assignment
	header    []byte
	timeout   time.Duration
	queue     time.Duration
	streaming *proxy.Streaming
}

func newAssigned(a wire.Assignment) *assigned {
	r := &assigned{
		Assignment: a, header: functionHeader(a),
		timeout: time.Duration(a.RunTimeoutMillis) * time.Millisecond,
		queue:   time.Duration(a.QueueTimeoutMillis) * time.Millisecond,
	}
	if a.Streaming {
		r.streaming = &proxy.Streaming{
			Idle: time.Duration(a.StreamIdleMillis) * time.Millisecond,
			Max:  time.Duration(a.StreamMaxMillis) * time.Millisecond,
		}
	}
	return r
}

// functionHeader returns the lines that tell the function who it is.
func functionHeader(a wire.Assignment) []byte {
	var lines []byte
	for _, f := range [][2]string{
		{wire.HeaderFunctionUID, a.Function.UID},
		{wire.HeaderFunctionName, a.Function.Name},
		{wire.HeaderFunctionNS, a.Function.Namespace},
		{wire.HeaderFunctionVersion, a.ResourceVersion},
	} {
		if f[1] != "" {
			lines = fmt.Appendf(lines, "%s: %s\r\n", f[0], f[1])
		}
	}
	return lines
}

// Serve implements proxy.Handler.
func (q *Proxy) Serve(x proxy.Exchange) {
	a := q.assigned.Load()
	if a == nil {
		q.turnAway(x, refusedUnassigned)
		return
	}
	if id, ok := x.Function(); !ok || id.UID != a.Function.UID {
		q.turnAway(x, refusedMismatch)
		return
	}
	if q.broken.Load() {
		q.leaveToOthers(x)
		return
	}
	arrival, bound := q.classify(x, a)
	arrived := time.Now()
	start := arrived
	w := q.waiters.get()
	verdict := q.gate.arrive(arrival, w, start, bound)
	if verdict == Queued {
		verdict = q.wait(x, w, arrived)
		start = time.Now()
	}
	q.waiters.put(w)
	switch verdict {
	case Admitted:
		q.run(x, a, arrived, start)
	case Limited:
		x.Refuse(wire.BusyLimit)
	case Drained:
		x.Refuse(wire.BusyDraining)
	case Overflowed:
		q.overflow(x, arrival, arrived)
	case Expired:
		q.expire(x, bound, arrived)
	default: // wait has answered, or there is nobody to answer
	}
}

func (q *Proxy) turnAway(x proxy.Exchange, why refusal) {
	q.gate.turnAway(why)
	x.Refuse(why.busy())
}

// classify says what can be done with a request when the function is full, and how long it may wait.
func (q *Proxy) classify(x proxy.Exchange, a *assigned) (Arrival, time.Duration) {
	asked := waitAsked(x)
	switch {
	case x.ContentLength() < 0 && q.gate.roomy(): // most likely it goes in; if not, it queues
		return Stuck, max(asked, a.queue)
	case !x.Replayable(q.cfg.ReplayLimit):
		return Stuck, max(asked, a.queue)
	case asked > 0:
		return Patient, asked
	default:
		return Direct, 0
	}
}

// waitAsked is how long a request asks to be queued, 0 when it does not.
func waitAsked(x proxy.Exchange) time.Duration {
	v := x.Header(wire.HeaderWait)
	if v == "" {
		return 0
	}
	ms, err := strconv.ParseInt(v, 10, 64)
	if err != nil || ms <= 0 {
		return 0
	}
	return time.Duration(min(ms, maxWait.Milliseconds())) * time.Millisecond
}

// wait stands in the queue. When it returns 0, the request is over.
func (q *Proxy) wait(x proxy.Exchange, w *Waiter, arrived time.Time) Verdict {
	select {
	case v := <-w.decided:
		return v
	case <-x.Gone():
		if !q.gate.abandon(w, wire.StatusClientGone) {
			return <-w.decided
		}
		e := &wire.Error{Status: wire.StatusClientGone, Component: "client", Reason: "client_gone"}
		q.tell(x, arrived, time.Now(), e.Status, e, nil)
		x.Fail(e)
		return 0
	}
}

// expire answers who waited as long as it may.
func (q *Proxy) expire(x proxy.Exchange, bound time.Duration, arrived time.Time) {
	if waitAsked(x) > 0 { // who asked can take a refusal
		q.turnAway(x, refusedLimit)
		return
	}
	e := wire.ErrHoldTimeout(bound, "the function's pod is at its limit of requests")
	q.gate.answered(e.Status)
	q.tell(x, arrived, time.Now(), e.Status, e, nil)
	x.Fail(e)
}

// overflow answers when too many wait already.
func (q *Proxy) overflow(x proxy.Exchange, arrival Arrival, arrived time.Time) {
	if arrival == Patient {
		q.turnAway(x, refusedLimit)
		return
	}
	e := wire.ErrCapacity("too many requests wait for the function's pod")
	q.gate.answered(e.Status)
	q.tell(x, arrived, arrived, e.Status, e, nil)
	x.Fail(e)
}

// crashed says that no function saw the request, because the runtime does not listen any more, or listens again: one that
// comes back has no code. The pod takes nothing from then on.
func (q *Proxy) crashed(out proxy.Outcome) bool {
	switch {
	case out.Kind == proxy.Generic:
	case out.Kind == proxy.Unreached && errors.Is(out.Err, syscall.ECONNREFUSED):
	case out.Kind == proxy.Broken:
		q.suspect()
		return false
	default:
		return false
	}
	q.breaks()
	return true
}

// breaks takes the pod out of use for good, and lets reports say so at once.
func (q *Proxy) breaks() {
	if q.broken.CompareAndSwap(false, true) {
		close(q.lost)
	}
}

// suspect looks whether the runtime still listens after it closed a connection. One that crashed may be back before the
// next request, and would take that for its first.
func (q *Proxy) suspect() {
	if q.broken.Load() || !q.suspecting.CompareAndSwap(false, true) {
		return
	}
	go func() {
		defer q.suspecting.Store(false)
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", q.cfg.RuntimeAddress)
		switch {
		case err == nil:
			_ = conn.Close()
		case errors.Is(err, syscall.ECONNREFUSED) && q.assigned.Load() != nil:
			q.breaks()
		}
	}()
}

// leaveToOthers refuses what no function saw, whatever its body: nothing here can serve it, and Envoy can still replay a
// body of unknown length, or a large one, when little of it has come.
func (q *Proxy) leaveToOthers(x proxy.Exchange) { q.turnAway(x, refusedBroken) }

// failure is what the client is told of an outcome; nil when it needs telling no more.
func failure(out proxy.Outcome, a *assigned) *wire.Error {
	if out.Final {
		return nil
	}
	switch out.Kind {
	case proxy.TimedOut:
		return wire.ErrFunctionTimeout(a.timeout)
	case proxy.NotUpgraded:
		return wire.ErrUpgradeRefused(out.Status)
	case proxy.Unreached:
		if errors.Is(out.Err, syscall.ECONNREFUSED) {
			return wire.ErrFunction("connection_refused", "the function's process does not listen; it may have crashed")
		}
		return wire.ErrFunction("dial_error", "the function's process cannot be reached")
	case proxy.Generic:
		return wire.ErrFunction("function_error", "the function's process was restarted, and the body is too large to be sent to another")
	default:
		if errors.Is(out.Err, proxy.ErrBadAnswer) {
			return wire.ErrFunction("function_error", "the function's process gave an answer that is no HTTP, or too large in its headers: "+out.Err.Error())
		}
		return wire.ErrFunction("function_error", "the function's process broke off before it answered")
	}
}

// outcomeStatus is the status that an exchange is counted with.
func outcomeStatus(out proxy.Outcome, e *wire.Error) int {
	switch {
	case e != nil:
		return e.Status
	case out.Kind == proxy.Gone:
		return wire.StatusClientGone
	case out.Kind == proxy.Invalid:
		return 400
	default:
		return out.Status
	}
}
