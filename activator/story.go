package activator

import (
	"strings"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// DefaultSlow is the time from which on a request counts as slow.
const DefaultSlow = time.Second

// Timelines keeps what is known of single requests. Keep never waits.
type Timelines interface {
	Keep(t wire.Timeline)
}

// story is what is remembered of a request until its end, to be told if it is worth telling.
type story struct {
	// held is how long the request waited until it was sent for the last time.
	held time.Duration
	// status of the answer that was passed on, err what the activator answered itself.
	status int
	err    *wire.Error
	// tries is how often it was sent to a pod, and the last pod.
	tries int
	pod   *pod
	// full says that it was sent to a pod to wait there, or to more than one; maximum that the function could not have more pods when the
	// request began to wait.
	full, maximum bool
}

// birth is how a pod became hot, as the autoscaler tells. It does not change.
type birth struct {
	wire.Started
	// heard is when the activator was told that the pod is hot.
	heard time.Time
}

// worth says that a request is kept which stayed for so long.
func (w *waiter) worth(r result, took, slow time.Duration) bool {
	return w.held && w.cold || w.story.err != nil || r != resultAnswered || w.story.held >= slow || took >= slow ||
		w.story.status >= 500
}

// full says that the request had to wait because every pod was busy.
func (w *waiter) full() bool { return w.held && !w.cold || w.story.full }

// keep keeps what is known of a request that is over, if it is worth it.
func (a *Activator) keep(x proxy.Exchange, w *waiter, s span, r result) {
	took := time.Since(w.arrived)
	if !w.worth(r, took, a.config.Slow) && !s.sampled() {
		return
	}
	t := wire.Timeline{
		RequestID: strings.Clone(x.RequestID()), TraceID: s.traceID(x), Function: w.queue.id, Part: wire.PartActivator,
		StartMicros: w.arrived.UnixMicro(), Micros: took.Microseconds(), Status: w.story.status, Attempts: w.story.tries,
		Cold: w.held && w.cold, Full: w.full(), Maximum: w.full() && w.story.maximum, Steps: w.steps(),
	}
	if w.story.pod != nil {
		t.Pod = w.story.pod.uid
	}
	if e := w.story.err; e != nil {
		t.Status, t.Reason, t.Cause, t.Message, t.Component = e.Status, e.Reason, e.Cause, e.Message, e.Component
	}
	if r == resultGone {
		t.Status, t.Reason = wire.StatusClientGone, "client_gone"
	}
	a.config.Timelines.Keep(t)
}

// steps are what the time of a request was spent on until its pod had it. What made a pod hot that the request did not wait
// for from its beginning may begin before the request.
func (w *waiter) steps() []wire.Step {
	held := w.story.held.Microseconds()
	steps := make([]wire.Step, 0, 5)
	steps = append(steps, wire.Step{Name: wire.StepHold, Micros: held})
	if !w.held || !w.cold || w.story.pod == nil || w.story.pod.birth == nil {
		return steps
	}
	b := w.story.pod.birth
	hot := b.heard.Sub(w.arrived).Microseconds()
	if hot < 0 || hot > held {
		return steps // it was hot before, or came too late for this one
	}
	begin := hot - b.SpecializeMicros
	return append(steps,
		wire.Step{Name: wire.StepClaim, Offset: begin - b.ClaimMicros, Micros: b.ClaimMicros},
		wire.Step{Name: wire.StepSpecialize, Offset: begin, Micros: b.SpecializeMicros},
		wire.Step{Name: wire.StepFetch, Offset: begin, Micros: b.FetchMicros},
		wire.Step{Name: wire.StepLoad, Offset: begin + b.FetchMicros, Micros: b.LoadMicros},
	)
}

// births are those of a placement, by pod.
func births(p wire.Placement, now time.Time) map[string]*birth {
	if len(p.Started) == 0 {
		return nil
	}
	all := make(map[string]*birth, len(p.Started))
	for _, s := range p.Started {
		all[s.Pod] = &birth{Started: s, heard: now}
	}
	return all
}
