package testproxy

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// Overlap is a runtime that counts the requests inside it.
type Overlap struct {
	// Work is how long a request takes.
	Work time.Duration

	inside, most, entered, served atomic.Int64
}

// ServeHTTP implements http.Handler.
func (o *Overlap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	leave := o.Enter()
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(o.Work)
	leave()
	_, _ = io.WriteString(w, "done")
}

// Enter counts a request until leave is called, which must be before its answer: what comes after that may overlap.
func (o *Overlap) Enter() (leave func()) {
	n := o.inside.Add(1)
	o.entered.Add(1)
	for {
		if m := o.most.Load(); n <= m || o.most.CompareAndSwap(m, n) {
			break
		}
	}
	return func() {
		o.served.Add(1)
		o.inside.Add(-1)
	}
}

// Most returns the largest number of requests that were inside at a time.
func (o *Overlap) Most() int { return int(o.most.Load()) }

// Entered returns the number of requests that came in.
func (o *Overlap) Entered() int { return int(o.entered.Load()) }

// Served returns the number of requests that were answered.
func (o *Overlap) Served() int { return int(o.served.Load()) }

// Gatekeeper is a runtime whose requests stay inside until the test lets them go.
type Gatekeeper struct {
	// Inside gets a value for each request that comes in.
	Inside chan string
	// Go lets one request go for each value.
	Go chan struct{}
}

// NewGatekeeper returns a runtime that lets all requests go when the test ends.
func NewGatekeeper(tb testing.TB) *Gatekeeper {
	tb.Helper()
	g := &Gatekeeper{Inside: make(chan string, 1000), Go: make(chan struct{})}
	tb.Cleanup(func() { close(g.Go) })
	return g
}

// ServeHTTP implements http.Handler.
func (g *Gatekeeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.Inside <- r.URL.Path
	select {
	case <-g.Go:
	case <-r.Context().Done():
	}
	_, _ = io.WriteString(w, r.URL.Path+string(body))
}
