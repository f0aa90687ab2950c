package simulate

import (
	"slices"
	"time"
)

// platform is a rule by which functions get pods and lose them.
type platform interface {
	// begin is called once, at the start.
	begin()
	// choose returns the ready pod of f that takes the next request, nil when none has room.
	choose(f *function) *pod
	// held tells of a request that waits since no pod has room.
	held(f *function)
	// changed tells of a request that came to a pod or left it, which had so many before.
	changed(f *function, p *pod, before int)
	// tick is called in the seconds that the platform asked for.
	tick(f *function, second int64)
	// happened tells of an event other than the end of a request; a pod's being ready was taken care of.
	happened(ev event)
}

// engine moves requests, pods and time; its platform decides.
type engine struct {
	platform  platform
	limit     int
	now       time.Duration
	agenda    agenda
	ticks     ticks
	functions []function
	total     meter
	picture   *Picture
	out       Outcome
	waits     []time.Duration
	answered  int
}

// patience is how long after the end of a trace the last requests may take.
const patience = time.Hour

func newEngine(functions, limit int) *engine {
	e := &engine{limit: limit, ticks: ticks{due: map[int64][]*function{}}, functions: make([]function, functions)}
	for i := range e.functions {
		e.functions[i].index = i
		e.functions[i].levels = make([][]*pod, limit+1)
	}
	return e
}

// run plays the requests until the end of the trace and the last answer.
func (e *engine) run(requests []Request, length time.Duration) Outcome {
	e.platform.begin()
	second := int64(1)
	for next := 0; e.now < length || e.answered < len(requests); {
		at, what := time.Duration(second)*time.Second, tickNext
		if next < len(requests) && requests[next].At < at {
			at, what = requests[next].At, arrivalNext
		}
		if due, ok := e.agenda.next(); ok && due <= at {
			at, what = due, eventNext
		}
		if at > length+patience {
			break
		}
		e.now = at
		switch what {
		case eventNext:
			e.happen(e.agenda.pop())
		case arrivalNext:
			e.arrive(requests[next])
			next++
		case tickNext:
			e.tick(second)
			second++
		}
	}
	return e.finish(len(requests))
}

// What comes next in a run.
const (
	tickNext = iota
	arrivalNext
	eventNext
)

func (e *engine) tick(second int64) {
	for _, f := range e.ticks.take(second) {
		if f.tick == second {
			f.tick = 0
			e.platform.tick(f, second)
		}
	}
}

func (e *engine) happen(ev event) {
	switch ev.kind {
	case ended:
		e.end(ev.pod)
		return
	case ready:
		e.ready(ev.pod, ev.function)
	case warmed, look, refill:
	}
	e.platform.happened(ev)
}

func (e *engine) arrive(r Request) {
	f := &e.functions[r.Function]
	if f.waiting.len() == 0 {
		if p := e.platform.choose(f); p != nil {
			e.waits = append(e.waits, 0)
			e.start(f, p, held{at: r.At, runs: r.Runs})
			return
		}
	}
	e.account(f)
	f.waiting.push(held{at: r.At, runs: r.Runs})
	e.total.load++
	e.platform.held(f)
}

// start puts a request into a pod.
func (e *engine) start(f *function, p *pod, h held) {
	e.account(f)
	if p.since > h.at {
		e.out.Cold++
	}
	f.take(p)
	p.busy++
	f.put(p)
	f.inside++
	e.total.load++
	e.out.MostInside = max(e.out.MostInside, p.busy)
	e.agenda.add(event{at: e.now + h.runs, kind: ended, pod: p})
	e.platform.changed(f, p, p.busy-1)
}

// end takes a request out of a pod.
func (e *engine) end(p *pod) {
	f := p.function
	e.account(f)
	e.answered++
	f.inside--
	e.total.load--
	if p.draining {
		f.leaving--
		if p.busy--; p.busy == 0 {
			e.gone(p)
		}
		return
	}
	f.take(p)
	p.busy--
	f.put(p)
	p.idle = e.now
	e.platform.changed(f, p, p.busy+1)
	e.serve(f)
}

// serve gives places to what waits.
func (e *engine) serve(f *function) {
	for f.waiting.len() > 0 {
		p := e.platform.choose(f)
		if p == nil {
			return
		}
		e.account(f)
		h := f.waiting.pop()
		e.total.load--
		e.waits = append(e.waits, e.now-h.at)
		e.start(f, p, h)
	}
}

// create makes a pod.
func (e *engine) create(uid string) *pod {
	e.out.Started++
	return &pod{uid: uid, created: e.now}
}

// ready makes a pod of f that was being made ready take requests.
func (e *engine) ready(p *pod, f *function) {
	if p.draining {
		return // it was given up meanwhile
	}
	e.account(f)
	p.function, p.since, p.idle = f, e.now, e.now
	p.said = report{at: e.now}
	f.starting--
	f.hot++
	e.total.ready++
	f.put(p)
	e.serve(f)
}

// drain lets a ready pod take nothing new; it is gone when its last request ended.
func (e *engine) drain(p *pod) {
	f := p.function
	e.account(f)
	f.take(p)
	f.hot--
	e.total.ready--
	p.draining = true
	f.leaving += p.busy
	if p.busy == 0 {
		e.gone(p)
	}
}

// gone ends a pod.
func (e *engine) gone(p *pod) {
	e.out.Ended++
	e.out.PodTime += e.now - p.created
}

// want notes how many pods the platform wants for f.
func (e *engine) want(f *function, n int) {
	if n != f.wanted {
		e.account(f)
		e.total.wanted += n - f.wanted
		f.wanted = n
	}
}

// account brings the sums up to now; it comes before each change of f.
func (e *engine) account(f *function) {
	if e.picture != nil {
		e.picture.move(e.now, e.total, f)
	}
	d := e.now - f.at
	if d <= 0 {
		return
	}
	f.at = e.now
	f.served += d * time.Duration(f.inside)
	f.present += d * time.Duration(f.load())
	need := (f.load() - f.leaving + e.limit - 1) / e.limit
	if spare := f.hot - need; spare > 0 {
		e.out.Over += d * time.Duration(spare)
	} else {
		e.out.Under -= d * time.Duration(spare)
	}
	e.out.Hot += d * time.Duration(f.hot)
}

// finish ends all pods and sums up.
func (e *engine) finish(requests int) Outcome {
	o := &e.out
	for i := range e.functions {
		f := &e.functions[i]
		e.account(f)
		for _, level := range f.levels {
			for _, p := range level {
				e.gone(p)
			}
		}
	}
	for _, ev := range e.agenda.heap {
		if ev.pod != nil && !ev.pod.draining && (ev.kind == ready || ev.kind == ended && ev.pod.busy > 0) {
			e.gone(ev.pod)
		}
	}
	if s, ok := e.platform.(interface{ unused() []*pod }); ok {
		for _, p := range s.unused() {
			e.gone(p)
		}
	}
	o.Requests, o.Answered, o.Length = requests, e.answered, e.now
	slices.Sort(e.waits)
	o.waits = e.waits
	return *o
}
