package autoscaler

import (
	"cmp"
	"context"
	"slices"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	// crossing is the time in which a demand may have been sent before its activator heard of a new pod.
	crossing = 30 * time.Millisecond
	// slowest is how long an activator may take to use a new pod.
	slowest = 2 * time.Second
)

// function is the record of one function, guarded by Autoscaler.mu.
type function struct {
	id wire.FunctionID
	// object is nil while only pods or requests of the function are known.
	object *v1.Function
	spec   Spec
	// totals is nil until the first report.
	totals *totals
	// live is nil while nothing goes on.
	live *live
}

// live is what is kept of an active function.
type live struct {
	windows  *Windows
	state    State
	decision Decision
	// changed is when the decision last wanted another number.
	changed time.Time
	// logged is the number of pods that the last log line named.
	logged int
	// active is when a request was last seen.
	active time.Time
	// pods by UID, leaving ones too.
	pods   map[string]*pod
	claims map[*claim]struct{}
	// demand by activator stream.
	demand map[*stream]*demand
	// waiting since then, zero while nothing waits.
	waiting time.Time
	// heard is when an activator last spoke of the function.
	heard   time.Time
	failing failing
	recheck *time.Timer
	placed  wire.Placement
	status  wire.FunctionStatus
}

// claim is a call of Pool.Claim that has not returned.
type claim struct {
	generation int64
	started    time.Time
	cancel     context.CancelFunc
}

// demand is what one activator says.
type demand struct {
	waiting int
	// until is when the interest of an activator that has nothing waiting ends.
	until time.Time
}

// failing remembers failed claims, until one succeeds.
type failing struct {
	failure *wire.Failure
	// retry is the time before which no claim is made.
	retry time.Time
	times int
}

func (f *function) generation() int64 {
	if f.object == nil {
		return 0
	}
	return f.object.Generation
}

// serving returns the pods that take requests: those of the newest generation that has any. older are the others
// that are not leaving.
func (f *function) serving() (serving, older []*pod) {
	var newest int64 = -1
	for _, p := range f.live.pods {
		if p.takes(f.spec.Once) {
			newest = max(newest, p.generation)
		}
	}
	for _, p := range f.live.pods {
		switch {
		case p.takes(f.spec.Once) && p.generation == newest:
			serving = append(serving, p)
		case !p.leaving && (p.generation < newest || f.spec.Once && p.spent()):
			older = append(older, p)
		}
	}
	slices.SortFunc(serving, func(a, b *pod) int { return cmp.Compare(a.hot.UID, b.hot.UID) })
	return serving, older
}

// starting returns the claims in flight for the newest generation.
func (f *function) starting() int {
	n := 0
	for c := range f.live.claims {
		if c.generation == f.generation() {
			n++
		}
	}
	return n
}

func (f *function) waiting() int {
	n := 0
	for _, d := range f.live.demand {
		n += d.waiting
	}
	return n
}

// observe sums up what is seen of the function.
func (f *function) observe(serving []*pod, now time.Time) Observation {
	l := f.live
	o := Observation{
		Ready: len(serving), Starting: f.starting(), Waiting: f.waiting(), Idle: max(0, now.Sub(l.active)),
	}
	for _, p := range serving {
		switch {
		case p.unknown(now):
			o.Unknown++
		case f.fresh(p, now):
			o.Fresh++
		default:
			o.Free += p.free(f.spec.Limit)
		}
	}
	if o.Waiting > 0 {
		o.WaitingFor = now.Sub(l.waiting)
	}
	if l.windows != nil {
		o.Stable, o.Data = l.windows.Mean(now, f.spec.StableWindow)
		o.Panic, _ = l.windows.Mean(now, f.spec.PanicWindow)
	}
	return o
}

// fresh says that activators may not have used the pod yet: none has spoken since it heard of it.
func (f *function) fresh(p *pod, now time.Time) bool {
	return f.live.heard.Sub(p.since) < crossing && now.Sub(p.since) < slowest
}

// sample records the concurrency in the function's pods of this second. A pod of which nothing is known counts as
// being at target, so that silence does not look like idleness. What waits in activators is not in it: demand speaks
// for that, and counting a moment's wait as a second's load would want a second pod for every first request.
func (f *function) sample(now time.Time) {
	sum := 0.0
	for _, p := range f.live.pods {
		switch {
		case p.leaving && !p.load.known:
		case p.unknown(now):
			sum += max(f.spec.Target, p.load.concurrency(now))
			f.live.active = now
		default:
			sum += p.load.concurrency(now)
			if p.load.busy() > 0 {
				f.live.active = now
			}
		}
	}
	if f.live.windows == nil {
		f.live.windows = NewWindows(f.spec.StableWindow)
	}
	f.live.windows.Record(now, sum)
}

// over says that nothing goes on any more.
func (f *function) over() bool {
	l := f.live
	return len(l.pods) == 0 && len(l.claims) == 0 && len(l.demand) == 0 && f.spec.Min == 0
}
