package activator

import (
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

var helloID = wire.FunctionID{Namespace: "default", Name: "hello", UID: "uid-hello"}

// fakePod is a queue-proxy in front of a function: limit requests inside, waiters first, in order.
type fakePod struct {
	hot     wire.HotPod
	limit   int
	service func() time.Duration

	mu      sync.Mutex
	inside  int
	most    int
	served  int
	waiters []chan bool
	busy    wire.Busy            // refuses everything for this reason
	down    bool                 // cannot be reached
	dial    func() time.Duration // how long connecting takes; nil is no time
	dialing int
	dialed  int // most at a time
}

// take lets a request in, queues it for wait, or refuses it.
func (p *fakePod) take(wait time.Duration) (why wire.Busy, reached bool) {
	p.mu.Lock()
	if p.down || p.busy != "" {
		defer p.mu.Unlock()
		return p.busy, !p.down
	}
	if p.inside < p.limit && len(p.waiters) == 0 {
		p.enter()
		p.mu.Unlock()
		return "", true
	}
	if wait == 0 {
		p.mu.Unlock()
		return wire.BusyLimit, true
	}
	turn := make(chan bool, 1)
	p.waiters = append(p.waiters, turn)
	p.mu.Unlock()
	select {
	case <-turn:
		return "", true
	case <-time.After(wait):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.waiters {
		if w == turn {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			return wire.BusyLimit, true
		}
	}
	return "", true // its turn came at the last moment
}

// connect takes as long as connecting does.
func (p *fakePod) connect() {
	if p.dial == nil {
		return
	}
	p.mu.Lock()
	p.dialing++
	p.dialed = max(p.dialed, p.dialing)
	takes := p.dial()
	p.mu.Unlock()
	time.Sleep(takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dialing--
}

func (p *fakePod) enter() {
	p.inside++
	p.most = max(p.most, p.inside)
}

// run is the function; it ends by letting the next waiter in.
func (p *fakePod) run() {
	time.Sleep(p.service())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.served++
	p.inside--
	if len(p.waiters) > 0 {
		next := p.waiters[0]
		p.waiters = p.waiters[1:]
		p.enter()
		next <- true
	}
}

// cluster is the pods by address.
type cluster struct {
	mu   sync.Mutex
	pods map[string]*fakePod
}

func newCluster() *cluster { return &cluster{pods: map[string]*fakePod{}} }

// add starts a pod that serves limit requests at a time, each for the time that service returns.
func (c *cluster) add(uid string, limit int, service func() time.Duration) *fakePod {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &fakePod{hot: wire.HotPod{UID: uid, Address: uid + ":8012"}, limit: limit, service: service}
	c.pods[p.hot.Address] = p
	return p
}

func (c *cluster) at(address string) *fakePod {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pods[address]
}

// hot returns the pods' addresses as a placement has them.
func hot(pods ...*fakePod) []wire.HotPod {
	all := make([]wire.HotPod, len(pods))
	for i, p := range pods {
		all[i] = p.hot
	}
	return all
}

func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

// fakeExchange is a client's request.
type fakeExchange struct {
	proxy.Exchange
	cluster  *cluster
	id       wire.FunctionID
	noID     string
	length   int64
	headers  map[string]string
	lost     bool // the body cannot be sent again after a refusal
	gone     chan struct{}
	entered  func(*fakePod) // called when the function has the request
	tried    []string
	waits    []time.Duration
	headOut  []string
	answer   string // the lines put on the answer
	failed   *wire.Error
	answered bool
}

func request(c *cluster) *fakeExchange {
	return &fakeExchange{cluster: c, id: helloID, gone: make(chan struct{})}
}

func (x *fakeExchange) Function() (wire.FunctionID, bool) { return x.id, x.id.UID != "" }
func (x *fakeExchange) Gone() <-chan struct{}             { return x.gone }
func (x *fakeExchange) Replayable(limit int64) bool       { return x.length >= 0 && x.length <= limit }
func (x *fakeExchange) Fail(e *wire.Error)                { x.failed = e }
func (*fakeExchange) RequestID() string                   { return "request-1" }
func (*fakeExchange) TraceID() string                     { return "" }

func (x *fakeExchange) Header(name string) string {
	if strings.EqualFold(name, wire.HeaderFunction) {
		return x.noID
	}
	return x.headers[name]
}

func (x *fakeExchange) Forward(t *proxy.Target, o *proxy.Options) proxy.Outcome {
	p := x.cluster.at(t.Address())
	x.tried = append(x.tried, p.hot.UID)
	wait := waitOf(o.RequestHeader)
	x.waits = append(x.waits, wait)
	x.headOut = append(x.headOut, string(o.RequestHeader))
	p.connect()
	if o.Sent != nil && !p.isDown() {
		o.Sent()
	}
	why, reached := p.take(wait)
	switch {
	case !reached:
		return proxy.Outcome{Kind: proxy.Unreached, Retry: !x.lost}
	case why != "":
		return proxy.Outcome{Kind: proxy.Refused, Busy: why, Retry: !x.lost}
	}
	if x.entered != nil {
		x.entered(p)
	}
	p.run()
	if o.Answered != nil {
		o.Answered(200)
	}
	x.answered, x.answer = true, string(o.ResponseHeader)
	return proxy.Outcome{Kind: proxy.Answered, Status: 200, Final: true}
}

func waitOf(header []byte) time.Duration {
	for line := range strings.SplitSeq(string(header), "\r\n") {
		if ms, ok := strings.CutPrefix(line, wire.HeaderWait+": "); ok {
			n, _ := strconv.Atoi(ms)
			return time.Duration(n) * time.Millisecond
		}
	}
	return 0
}

// newTest returns an activator that takes itself for connected; tests call placed.
func newTest(t *testing.T, change ...func(*Config)) *Activator {
	t.Helper()
	cfg := Config{Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()}
	for _, c := range change {
		c(&cfg)
	}
	a := New(cfg)
	a.links[0].open.Store(true)
	return a
}

// placement of pods with defaults.
func placement(limit int, pods ...*fakePod) wire.Placement {
	return wire.Placement{Function: helloID, Generation: 1, Limit: limit, HoldMillis: 60_000, Pods: hot(pods...)}
}

func (p *fakePod) setDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *fakePod) isDown() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.down
}

// has returns the number of requests inside the function.
func (p *fakePod) has() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inside
}

// waitABit lets other goroutines work, in tests that poll for a condition outside of a bubble.
func waitABit() { time.Sleep(time.Millisecond) }
