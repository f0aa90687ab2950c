package perf

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"
)

const (
	// heldRequests is how many requests wait for the first pod.
	heldRequests = 1000
	// betweenHeld keeps their order on arrival beyond doubt.
	betweenHeld = 300 * time.Microsecond
)

// releases measures how requests that wait for the first pod get there, the activators in turn.
func (a *activators) releases(ctx context.Context, r *Results, log *slog.Logger) error {
	contestants := []struct {
		name  string
		start launch
	}{{nameOurs, a.ours}, {nameKnative, a.knative}}
	if a.config.Contest.Only {
		contestants = contestants[:1]
	}
	held := a.config.Contest.held()
	found := make([]released, len(contestants))
	for range a.config.Contest.Repeats {
		for i, c := range contestants {
			one, err := a.release(ctx, c.start, held)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			found[i] = found[i].and(one)
		}
	}
	for i, c := range contestants {
		found[i].add(r, c.name, held)
		log.Info("held requests released", "contestant", c.name, "last_ms", spread(found[i].last).median)
	}
	return nil
}

// released are the results of some releases.
type released struct {
	// last is the time from the pod being ready until the last request was there.
	last []float64
	// overtaken is the share of pairs of requests that arrived in the other order than they came; displaced is the
	// greatest number of places by which one came too early or too late.
	overtaken, displaced []float64
	failures             float64
}

func (r released) and(o released) released {
	r.last = append(r.last, o.last...)
	r.overtaken = append(r.overtaken, o.overtaken...)
	r.displaced = append(r.displaced, o.displaced...)
	r.failures += o.failures
	return r
}

func (r released) add(to *Results, name string, held int) {
	row := Row{Scenario: "activator", Contestant: name, Parameters: map[string]string{"held": strconv.Itoa(held)}}
	to.addAll(row,
		metric{"released", "ms", r.last},
		metric{"overtaken", "% of pairs", r.overtaken},
		metric{"displaced", "places", r.displaced},
		metric{"failures", "requests", one(r.failures)})
}

// arrivals notes the order in which numbered requests reach the backend.
type arrivals struct {
	mu    sync.Mutex
	order []int
	last  time.Time
	// all is closed when the nth is there.
	n   int
	all chan struct{}
}

func (a *arrivals) note(number int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.order = append(a.order, number)
	a.last = time.Now()
	if len(a.order) == a.n {
		close(a.all)
	}
}

// release starts an activator, has it hold n requests, makes a pod ready and looks at what happens.
func (a *activators) release(ctx context.Context, start launch, n int) (released, error) {
	seen := arrivals{n: n, all: make(chan struct{})}
	stop, err := runArrivals(ctx, seen.note, a.pods[0])
	if err != nil {
		return released{}, err
	}
	defer stop()
	running, err := start(ctx, 0)
	if err != nil {
		return released{}, err
	}
	defer running.stop()
	callers, err := numberedCallers(ctx, running.entry, n)
	defer func() {
		for _, c := range callers {
			_ = c.Close()
		}
	}()
	if err != nil {
		return released{}, err
	}
	for _, c := range callers {
		if err := c.send(); err != nil {
			return released{}, err
		}
		if err := pause(ctx, betweenHeld); err != nil {
			return released{}, err
		}
	}
	if err := settled(ctx, running, n); err != nil {
		return released{}, err
	}
	began := time.Now()
	if err := running.ready(ctx, a.pods[:1]); err != nil {
		return released{}, err
	}
	return seen.judge(ctx, began, callers)
}

// settled waits until an activator holds n requests.
func settled(ctx context.Context, running *activating, n int) error {
	if running.holds == nil {
		return pause(ctx, settle)
	}
	return poll(ctx, "all requests held", func() (bool, error) { return running.holds() >= n, nil })
}

// judge waits until all are there, or as long as a request may take, and reads the answers afterwards: a client that
// shares the processors with what is measured would slow it down.
func (a *arrivals) judge(ctx context.Context, began time.Time, callers []*numberedCaller) (out released, err error) {
	select {
	case <-ctx.Done():
		return out, ctx.Err()
	case <-a.all:
	case <-time.After(callTimeout):
	}
	for _, c := range callers {
		if c.receive() != nil {
			out.failures++
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.order) == 0 {
		return out, errors.New("no held request reached the backend")
	}
	out.last = []float64{milliseconds(a.last.Sub(began))}
	overtaken, displaced := disorder(a.order)
	out.overtaken, out.displaced = []float64{100 * overtaken}, []float64{float64(displaced)}
	return out, nil
}

// disorder tells how far an order of arrival is from the order of the numbers: the share of pairs that are swapped,
// and the farthest that one is from its place.
func disorder(order []int) (overtaken float64, displaced int) {
	swapped, pairs := 0, 0
	for i, later := range order {
		displaced = max(displaced, i-later, later-i)
		for _, earlier := range order[:i] {
			pairs++
			if earlier > later {
				swapped++
			}
		}
	}
	if pairs == 0 {
		return 0, displaced
	}
	return float64(swapped) / float64(pairs), displaced
}

// numberedCaller is a connection with one request of its own, sent and answered apart.
type numberedCaller struct {
	net.Conn
	request []byte
}

func numberedCallers(ctx context.Context, e *entry, n int) ([]*numberedCaller, error) {
	var all []*numberedCaller
	for i := range n {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.address)
		if err != nil {
			return all, fmt.Errorf("connect for a held request: %w", err)
		}
		ask := request{path: e.path, header: append([]string{fmt.Sprintf("%s: %d", headerNumber, i)}, e.header...)}
		all = append(all, &numberedCaller{conn, ask.bytes(e.address)})
	}
	return all, nil
}

func (c *numberedCaller) send() error {
	if err := c.SetDeadline(time.Now().Add(callTimeout)); err != nil {
		return err
	}
	_, err := c.Write(c.request)
	return err
}

// receive returns nil when the request was answered well.
func (c *numberedCaller) receive() error {
	r := bufio.NewReaderSize(c, 4<<10)
	status, body, err := readHead(r)
	if err != nil {
		return err
	}
	if _, err := body.consume(r); err != nil {
		return err
	}
	if status >= 400 {
		return fmt.Errorf("answered with status %d", status)
	}
	return nil
}
