package autoscaler

import (
	"cmp"
	"context"
	"slices"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
	"hotpod.dev/wire"
)

// slowest is how long activators may take to answer that they use a new pod.
const slowest = 2 * time.Second

// function is the record of one function, guarded by Autoscaler.mu.
type function struct {
	id wire.FunctionID
	// object is nil while only pods or requests of the function are known.
	object *v1.Function
	spec   spec
	// begun is the newest generation that has reached its initial scale.
	begun int64
	// decision is the last one, changed when one last wanted another number.
	decision law.Decision
	changed  time.Time
	// totals is nil until there is something to count.
	totals *totals
	// live is nil while nothing goes on.
	live *live
}

// live is what is kept of an active function.
type live struct {
	// windows of the load in the function's metric, nil before the first tick.
	windows *law.Windows
	metric  law.Metric
	state   law.State
	// rose is how much load was reported since the windows had the last value; sampled says that a tick has set it.
	rose    float64
	sampled bool
	// sooner is set while the windows are to have another value before the next tick.
	sooner *time.Timer
	// logged is the number of pods that the last log line named.
	logged int
	// exemplar is of the requests that pods told of.
	exemplar exemplar
	// active is when a request was last seen.
	active time.Time
	// pods by UID, leaving ones too.
	pods   map[string]*pod
	claims map[*claim]struct{}
	// demand by activator stream.
	demand map[*stream]*demand
	// ahead is until when a request is expected at an activator, zero when none is.
	ahead time.Time
	// waiting since then, zero while nothing waits.
	waiting time.Time
	failing failing
	recheck *time.Timer
	placed  wire.Placement
	// status was published at that time.
	status    wire.FunctionStatus
	published time.Time
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
	// seen is the placement that waiting was counted with.
	seen uint64
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

// serving returns the pods that take requests: those of the newest generation that has any, and of them the outdated
// ones only when there are no others. older are the others that are not leaving.
func (f *function) serving() (serving, older []*pod) {
	var newest int64 = -1
	for _, p := range f.live.pods {
		if p.takes(f.spec.once) {
			newest = max(newest, p.rank())
		}
	}
	for _, p := range f.live.pods {
		switch {
		case p.takes(f.spec.once) && p.rank() == newest:
			serving = append(serving, p)
		case !p.leaving && (p.rank() < newest || p.load.last.Broken || f.spec.once && p.spent()):
			older = append(older, p)
		}
	}
	slices.SortFunc(serving, func(a, b *pod) int { return cmp.Compare(a.hot.UID, b.hot.UID) })
	return serving, older
}

// counted returns the function's totals.
func (f *function) counted() *totals {
	if f.totals == nil {
		f.totals = &totals{}
	}
	return f.totals
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

// waiting returns the requests that wait in activators. One that is still on its way there counts while there is no
// other, and until there is a pod for it.
func (f *function) waiting(now time.Time) int {
	n := 0
	for _, d := range f.live.demand {
		n += d.waiting
	}
	if n == 0 && f.expects(now) {
		return 1
	}
	return n
}

func (f *function) expects(now time.Time) bool {
	return now.Before(f.live.ahead) && len(f.live.pods) == 0
}

// seen returns the newest placement that anybody who waits has used.
func (f *function) seen() uint64 {
	var newest uint64
	for _, d := range f.live.demand {
		if d.waiting > 0 {
			newest = max(newest, d.seen)
		}
	}
	return newest
}

// observe sums up what is seen of the function.
func (f *function) observe(serving []*pod, now time.Time) law.Observation {
	l, seen := f.live, f.seen()
	o := law.Observation{
		Ready: len(serving), Starting: f.starting(), Waiting: f.waiting(now), Idle: max(0, now.Sub(l.active)),
	}
	for _, p := range serving {
		switch {
		case p.unknown(now):
			o.Unknown++
		case p.fresh(seen, now):
			o.Fresh++
		default:
			o.Free += p.free(f.spec.Limit)
		}
	}
	if o.Waiting > 0 {
		o.WaitingFor = now.Sub(l.waiting)
	}
	if l.windows != nil {
		o.Stable, o.Data = l.windows.Average(now, f.spec.StableWindow, f.spec.Aggregation)
		o.Panic, _ = l.windows.Average(now, f.spec.PanicWindow, f.spec.Aggregation)
	}
	return o
}

// sample records the load of the function's pods in this second. A pod of which nothing is known counts as being at
// target, so that silence does not look like idleness. What waits in activators is not in it: demand speaks for that,
// and counting a moment's wait as a second's load would want a second pod for every first request.
func (f *function) sample(now time.Time) {
	sum := 0.0
	for _, p := range f.live.pods {
		value := p.load.in(f.spec.Metric, now)
		switch {
		case p.leaving && !p.load.known:
			continue
		case p.unknown(now):
			value = max(f.spec.Target, value)
			f.live.active = now
		case p.load.busy() > 0:
			f.live.active = now
		}
		sum += value
	}
	if l := f.live; l.windows == nil || l.metric != f.spec.Metric {
		l.windows, l.metric = law.NewWindows(f.spec.StableWindow), f.spec.Metric
	}
	f.live.rose, f.live.sampled = 0, true
	f.live.windows.Resize(f.spec.StableWindow)
	f.live.windows.Record(now, sum)
}

// concurrency returns the requests in the function's pods, as last reported.
func (f *function) concurrency(now time.Time) float64 {
	sum := 0.0
	for _, p := range f.live.pods {
		sum += p.load.in(law.Concurrency, now)
	}
	return sum
}

// over says that nothing goes on any more.
func (f *function) over() bool {
	l := f.live
	return len(l.pods) == 0 && len(l.claims) == 0 && len(l.demand) == 0 && l.ahead.IsZero() && !f.spec.lasting()
}
