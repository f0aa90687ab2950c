package simulate

import "time"

// pod is a pod of the simulation: in the stock while it has no function.
type pod struct {
	uid     string
	created time.Duration
	// since is when it became ready for its function, or warm while it has none.
	since    time.Duration
	function *function
	// busy requests are inside; slot is the pod's place among those of its function that are as busy.
	busy, slot int
	draining   bool
	// idle is when its last request ended.
	idle time.Duration
	said report
}

// function is a function under way.
type function struct {
	index int
	// tick is the second of the next tick, 0 when there is none.
	tick int64
	// levels are the ready pods by how many requests are inside.
	levels [][]*pod
	// hot pods are ready, starting ones are being made so.
	hot, starting int
	// inside are the requests in pods, leaving those of them in pods that drain.
	inside, leaving int
	waiting         line
	wanted          int
	// at is until when the sums are: of requests inside, of those and what waited.
	at              time.Duration
	served, present time.Duration
	// law is what a platform that decides by the law keeps.
	law scaled
}

// load is the number of requests that are there.
func (f *function) load() int { return f.inside + f.waiting.len() }

// put adds a ready pod to those of its level.
func (f *function) put(p *pod) {
	p.slot = len(f.levels[p.busy])
	f.levels[p.busy] = append(f.levels[p.busy], p)
}

// take removes a pod from its level.
func (f *function) take(p *pod) {
	level := f.levels[p.busy]
	last := level[len(level)-1]
	level[p.slot], last.slot = last, p.slot
	level[len(level)-1] = nil
	f.levels[p.busy] = level[:len(level)-1]
}

// roomiest returns a pod with the most room, nil when none has any.
func (f *function) roomiest() *pod {
	for _, level := range f.levels[:len(f.levels)-1] {
		if n := len(level); n > 0 {
			return level[n-1]
		}
	}
	return nil
}

// held is a request that waits.
type held struct {
	at, runs time.Duration
}

// line is what waits, first come first served.
type line struct {
	all  []held
	head int
}

func (l *line) len() int { return len(l.all) - l.head }

func (l *line) push(h held) { l.all = append(l.all, h) }

func (l *line) pop() held {
	h := l.all[l.head]
	l.head++
	if l.head == len(l.all) {
		l.all, l.head = l.all[:0], 0
	}
	return h
}

// report is what a queue-proxy said last of its pod. It speaks at once after a quiet second, and else a second after it
// spoke.
type report struct {
	busy   int
	at     time.Duration
	unsaid bool
}

// reportEvery is the least time between two reports of a pod.
const reportEvery = time.Second

// until lets the report catch up with a pod that has had so many requests since its last change.
func (r *report) until(now time.Duration, busy int) {
	if r.unsaid && now-r.at >= reportEvery {
		r.busy, r.at, r.unsaid = busy, r.at+reportEvery, false
	}
}

// change notes that the pod has had so many requests from now on, and returns when that is said.
func (r *report) change(now time.Duration, before, after int) (said time.Duration) {
	r.until(now, before)
	if now-r.at >= reportEvery {
		r.busy, r.at = after, now
		return now
	}
	r.unsaid = true
	return r.at + reportEvery
}
