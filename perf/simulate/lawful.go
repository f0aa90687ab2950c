package simulate

import (
	"time"

	"hotpod.dev/autoscaler/law"
)

// scaled is what is kept of a function that is scaled by the law.
type scaled struct {
	windows *law.Windows
	state   law.State
	// sampled is the second of the last value, summed the time integral of the load until then.
	sampled int64
	summed  time.Duration
	// above is the last second whose load wanted more than one pod.
	above int64
	// active is when a request was last seen, which may be about to come.
	active time.Duration
	// since is when requests began to wait, and waits whether they do.
	since time.Duration
	waits bool
	// asked is when an activator last had something to say, emptied when the last pod went.
	asked, emptied time.Duration
	// again is when the function is to be looked at once more.
	again time.Duration
	// made are the pods that are being started, of a platform without a pool.
	made []*pod
}

// lawful drives the law for functions with the same settings.
type lawful struct {
	e    *engine
	spec law.Spec
	// every is the number of seconds between two decisions that nothing but time calls for.
	every int64
	// patient takes every tick, also those that change nothing.
	patient bool
}

// clock returns the time at a moment of the simulation; the law looks at differences only.
func (l *lawful) clock(d time.Duration) time.Time { return time.Unix(0, int64(d)) }

// sample records the load of a second that ends now; integral is the load's sum over time.
func (l *lawful) sample(f *function, second int64, integral time.Duration) {
	value := float64(integral-f.law.summed) / float64(time.Second)
	f.law.summed = integral
	l.record(f, second, value)
}

func (l *lawful) record(f *function, second int64, value float64) {
	s := &f.law
	if s.windows == nil {
		s.windows = law.NewWindows(l.spec.StableWindow)
	} else {
		l.fill(f, second-1)
	}
	s.windows.Record(l.clock(time.Duration(second)*time.Second), value)
	s.sampled = second
	if value > l.spec.Target {
		s.above = second
	}
}

// fill records the seconds that were left out, in which there was no load. Windows begin anew after one without a
// value, so what is longer is recorded in two parts.
func (l *lawful) fill(f *function, upTo int64) {
	s := &f.law
	if s.windows == nil || s.sampled >= upTo {
		return
	}
	if window := int64(l.spec.StableWindow / time.Second); upTo-s.sampled > window {
		s.windows.Record(l.clock(time.Duration(upTo-window+1)*time.Second), 0)
	}
	s.windows.Record(l.clock(time.Duration(upTo)*time.Second), 0)
	s.sampled = upTo
}

// decide asks the law.
func (l *lawful) decide(f *function, seen law.Observation) law.Decision {
	now := l.clock(l.e.now)
	seen.Ready, seen.Starting, seen.Idle = f.hot, f.starting, max(0, l.e.now-f.law.active)
	l.fill(f, int64(l.e.now/time.Second))
	if w := f.law.windows; w != nil {
		seen.Stable, seen.Data = w.Average(now, l.spec.StableWindow, l.spec.Aggregation)
		seen.Panic, _ = w.Average(now, l.spec.PanicWindow, l.spec.Aggregation)
	}
	var d law.Decision
	d, f.law.state = law.Decide(l.spec, f.law.state, seen, now)
	l.e.want(f, d.Wanted)
	return d
}

// wake has f looked at in the next second.
func (l *lawful) wake(f *function) { l.e.ticks.at(f, int64(l.e.now/time.Second)+1) }

// next has f looked at when a tick could change something: in the next second while anything goes on; when the last
// pod may go, while that one has no request and had no more than it can take within the window; and without a pod not
// before something happens.
func (l *lawful) next(f *function, second int64) {
	s := &f.law
	window := int64(l.spec.StableWindow / time.Second)
	quiet := f.load() == 0 && f.starting == 0 && f.hot == f.wanted && f.hot <= 1 && !s.state.Panicking && second-s.above > window
	switch {
	case l.patient || !quiet || !l.plain():
		l.e.ticks.at(f, second+1)
	case f.hot == 1:
		over := s.active + l.spec.Idle + l.spec.LastPod
		due := max(second+1, int64((over+time.Second-1)/time.Second))
		l.e.ticks.at(f, (due+l.every-1)/l.every*l.every)
	}
}

// plain says that nothing but load, demand and the idle timeout moves the decision.
func (l *lawful) plain() bool {
	s := &l.spec
	return s.Floor() == 0 && s.Retain == 0 && s.ScaleDownDelay == 0 && s.Activation <= 1 && !s.KeepLast
}

// shrink drains ready pods beyond what is wanted: idle ones, and busy ones only when every pod is.
func (l *lawful) shrink(f *function, wanted int) {
	n := f.hot - wanted
	if idle := len(f.levels[0]); idle > 0 {
		n = min(n, idle)
	}
	for ; n > 0; n-- {
		for _, level := range f.levels {
			if k := len(level); k > 0 {
				l.e.drain(level[k-1])
				break
			}
		}
	}
	if f.hot == 0 {
		f.law.emptied = l.e.now
	}
}
