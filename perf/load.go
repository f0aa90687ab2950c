package perf

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are recorded in microseconds with three digits, up to this many.
const maxLatency = 120 * int64(time.Second/time.Microsecond)

// Caller sends one request after another. A Load uses each by one goroutine at a time.
type Caller interface {
	// Call sends a request, reads its whole answer and returns the status.
	Call(ctx context.Context) (status int, err error)
	// Close ends the caller.
	Close() error
}

// Load is a load to put on something, bounded by Duration.
type Load struct {
	// New makes a caller; each connection has one, made before the clock starts.
	New func(ctx context.Context) (Caller, error)
	// Connections is how many requests are in flight at most.
	Connections int
	// Rate is the number of requests a second to begin, evenly spaced, whether earlier ones are answered or not
	// (open loop). 0 begins a request when the connection's last one is answered (closed loop).
	Rate float64
	// Duration of the load. Requests begun are finished.
	Duration time.Duration
}

// Measured is what a load met with.
type Measured struct {
	// Requests is the number of answers with a status below 400; Failures of the others and of errors.
	Requests, Failures int64
	// Elapsed is the time until the last answer.
	Elapsed time.Duration
	// Latency of all requests in microseconds; in an open loop a request that had to wait for a connection is
	// counted from the moment when it was due.
	Latency *hdrhistogram.Histogram
	// FirstError is the first error met, nil for none.
	FirstError error
}

// Throughput is the number of successful requests a second.
func (m Measured) Throughput() float64 { return float64(m.Requests) / m.Elapsed.Seconds() }

// Quantile returns the latency in milliseconds that the share q of the requests does not exceed.
func (m Measured) Quantile(q float64) float64 {
	return float64(m.Latency.ValueAtQuantile(q*100)) / 1000
}

// Run puts the load on and returns what it met with. It ends early with ctx.
func (l Load) Run(ctx context.Context) (Measured, error) {
	callers, err := l.callers(ctx)
	defer func() {
		for _, c := range callers {
			_ = c.Close()
		}
	}()
	if err != nil {
		return Measured{}, err
	}
	workers := make([]worker, len(callers))
	s := schedule{rate: l.Rate, start: time.Now(), duration: l.Duration}
	var running sync.WaitGroup
	for i, caller := range callers {
		w := &workers[i]
		w.latency = hdrhistogram.New(1, maxLatency, 3)
		running.Go(func() { w.run(ctx, caller, &s) })
	}
	running.Wait()
	return merge(workers, time.Since(s.start)), ctx.Err()
}

func (l Load) callers(ctx context.Context) ([]Caller, error) {
	if l.Connections < 1 || l.Duration <= 0 || l.Rate < 0 {
		return nil, errors.New("a load needs connections, a duration and a rate that is not negative")
	}
	var callers []Caller
	for range l.Connections {
		c, err := l.New(ctx)
		if err != nil {
			return callers, fmt.Errorf("connect: %w", err)
		}
		callers = append(callers, c)
	}
	return callers, nil
}

// schedule hands out the moments at which requests are due.
type schedule struct {
	rate     float64
	start    time.Time
	duration time.Duration
	next     atomic.Int64
}

// take returns when the next request is due; ok is false when the load is over. In a closed loop it is due at once.
func (s *schedule) take() (due time.Time, ok bool) {
	if s.rate == 0 {
		now := time.Now()
		return now, now.Sub(s.start) < s.duration
	}
	offset := time.Duration(float64(s.next.Add(1)-1) / s.rate * float64(time.Second))
	return s.start.Add(offset), offset < s.duration
}

// worker is one connection's share of a load.
type worker struct {
	requests, failures int64
	latency            *hdrhistogram.Histogram
	err                error
}

func (w *worker) run(ctx context.Context, caller Caller, s *schedule) {
	for ctx.Err() == nil {
		due, ok := s.take()
		if !ok {
			return
		}
		begin := due
		// A request that is early waits, and is then counted from when it was really sent: that the generator's
		// own timer came late is not the contestant's latency. One that is late had no free connection.
		if wait := time.Until(due); wait > 0 {
			time.Sleep(wait)
			begin = time.Now()
		}
		status, err := caller.Call(ctx)
		w.record(time.Since(begin), status, err)
	}
}

func (w *worker) record(took time.Duration, status int, err error) {
	if err != nil || status >= 400 {
		w.failures++
		if err == nil {
			err = fmt.Errorf("answered with status %d", status)
		}
		if w.err == nil {
			w.err = err
		}
		return
	}
	w.requests++
	_ = w.latency.RecordValue(min(max(took.Microseconds(), 1), maxLatency))
}

func merge(workers []worker, elapsed time.Duration) Measured {
	m := Measured{Elapsed: elapsed, Latency: hdrhistogram.New(1, maxLatency, 3)}
	for i := range workers {
		m.Requests += workers[i].requests
		m.Failures += workers[i].failures
		m.Latency.Merge(workers[i].latency)
		if m.FirstError == nil {
			m.FirstError = workers[i].err
		}
	}
	return m
}
