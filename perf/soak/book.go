package soak

import (
	"maps"
	"slices"
	"sync"
	"time"

	"hotpod.dev/perf/probe"
)

// call is one request.
type call struct {
	id, kind, function string
	// size is the length of its body in bytes.
	size int
	// router is the Envoy that got it.
	router string
	// routerAt is when it was handed over to that Envoy, after connections that were not accepted.
	began, routerAt, ended time.Time
	// connected is when the connection that it was sent on was made.
	connected time.Time
	status    int
	version   int
	// fault says what is wrong with the answer; "" when nothing is.
	fault, body string
}

// target is what a kill hits.
type target string

const (
	killsPod        target = "pod"         // what the function had begun there may fail
	killsRuntime    target = "runtime"     // and what had been sent to the process there
	killsQueueProxy target = "queue-proxy" // and what was queued there
	killsRouter     target = "router"
	killsActivator  target = "activator"
)

// kill is a SIGKILL, or a deletion by force.
type kill struct {
	target target
	// name is the pod or the router; function is whose pod it is.
	name, function string
	// The kill fell between the two.
	from, to time.Time
	// inside are the requests under way at the end of it.
	inside map[string]bool
}

// event is something that was done to the platform.
type event struct {
	name     string
	from, to time.Time
	err      error
}

// outage is the time in which a part of the control plane was away.
type outage struct {
	part     string
	from, to time.Time
}

// book is what happened. Its methods may be called concurrently.
type book struct {
	mu sync.Mutex // guards all
	// underWay are requests without an end.
	underWay map[string]*call
	// counts are the good answers by kind.
	counts map[string]int
	// slowest are the longest times until a good answer by kind.
	slowest map[string]time.Duration
	// failed are the others.
	failed []*call
	begun  map[string][]probe.Entry
	// answered are requests whose entries in begun can be dropped at that time.
	answered map[string]time.Time
	// twice are the begins of requests that were begun more than once.
	twice    map[string][]probe.Entry
	kills    []*kill
	events   []*event
	outages  []*outage
	versions map[string]*versions
	// lastEnd is the last end of a request in each pod.
	lastEnd map[string]time.Time
	retried int
	pruned  time.Time
	// gone is how much longer than its last request each drained pod ran.
	gone []time.Duration
	// peaks are the most and then the fewest pods of each wave.
	peaks []int
	lows  []int
}

func newBook() *book {
	return &book{
		underWay: map[string]*call{}, counts: map[string]int{}, slowest: map[string]time.Duration{}, begun: map[string][]probe.Entry{}, answered: map[string]time.Time{},
		twice: map[string][]probe.Entry{}, versions: map[string]*versions{}, lastEnd: map[string]time.Time{},
	}
}

func (b *book) begin(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.began = time.Now()
	c.routerAt = c.began
	b.underWay[c.id] = c
}

// hand notes which Envoy gets the request.
func (b *book) hand(c *call, router string, again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.router, c.routerAt = router, time.Now()
	if again {
		b.retried++
	}
}

// connected notes when the connection was made that the request is sent on.
func (b *book) connected(c *call, made time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.connected = made
}

// end notes the answer, which is good when the call has no fault.
func (b *book) end(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.ended = time.Now()
	delete(b.underWay, c.id)
	if c.fault == "" {
		if v := b.versions[c.function]; v != nil {
			c.fault = v.judge(c, b.outages)
		}
	}
	if c.fault != "" {
		b.failed = append(b.failed, c)
		return
	}
	b.counts[c.kind]++
	b.slowest[c.kind] = max(b.slowest[c.kind], c.ended.Sub(c.began).Round(time.Millisecond))
	b.answered[c.id] = c.ended
	b.prune(c.ended)
}

// prune forgets what is known of requests that were answered a while ago.
func (b *book) prune(now time.Time) {
	const keep = 10 * time.Second
	if now.Sub(b.pruned) < keep {
		return
	}
	b.pruned = now
	for id, at := range b.answered {
		if now.Sub(at) > keep {
			delete(b.answered, id)
			delete(b.begun, id)
		}
	}
}

// tell takes a line of the ledger.
func (b *book) tell(e probe.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !e.Begin {
		b.lastEnd[e.Pod] = e.At
		return
	}
	b.begun[e.Request] = append(b.begun[e.Request], e)
	if all := b.begun[e.Request]; len(all) > 1 {
		b.twice[e.Request] = slices.Clone(all)
	}
}

// killed notes a kill that began at from and is done.
func (b *book) killed(k *kill) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k.to = time.Now()
	k.inside = make(map[string]bool, len(b.underWay))
	for id := range maps.Keys(b.underWay) {
		k.inside[id] = true
	}
	// What failed while the kill went on was inside too.
	for _, c := range slices.Backward(b.failed) {
		if c.ended.Before(k.from) {
			break
		}
		k.inside[c.id] = true
	}
	b.kills = append(b.kills, k)
}

func (b *book) happens(name string) *event {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &event{name: name, from: time.Now()}
	b.events = append(b.events, e)
	return e
}

func (b *book) happened(e *event, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e.to, e.err = time.Now(), err
}

func (b *book) away(part string) *outage {
	b.mu.Lock()
	defer b.mu.Unlock()
	o := &outage{part: part, from: time.Now()}
	b.outages = append(b.outages, o)
	return o
}

func (b *book) back(o *outage) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o.to = time.Now()
}

// drained notes that a pod went whose deletion began at from.
func (b *book) drained(pod string, from time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := from
	if end := b.lastEnd[pod]; end.After(last) {
		last = end
	}
	b.gone = append(b.gone, time.Since(last).Round(time.Millisecond))
}
