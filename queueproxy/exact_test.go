package queueproxy_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

// deaf is a function that hears of nothing: it works on when its client left, or its time is over. How long it does so is
// in the request.
type deaf struct{ testproxy.Overlap }

func (d *deaf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	work, _ := time.ParseDuration(r.Header.Get("X-Work"))
	leave := d.Enter()
	_, _ = io.Copy(io.Discard, r.Body)
	time.Sleep(work)
	leave()
	_, _ = io.WriteString(w, "done")
}

// TestServe_NeverHasMoreInsideThanTheLimitThoughClientsLeaveAndRunsAreCut sends a function that hears of nothing requests
// that are given up and such that exceed their time.
func TestServe_NeverHasMoreInsideThanTheLimitThoughClientsLeaveAndRunsAreCut(t *testing.T) {
	for _, limit := range []int{1, 2, 10, 0} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			t.Parallel()
			runtime := &deaf{}
			p := start(t, testproxy.Backend(t, runtime), nil)
			p.assign(wire.Assignment{Limit: limit, RunTimeoutMillis: 60, QueueTimeoutMillis: 20_000})
			statuses := p.disturb(24, 4)
			if limit > 0 && runtime.Most() > limit {
				t.Errorf("%d requests were inside at a time", runtime.Most())
			}
			if statuses[200] == 0 || statuses[504] == 0 || statuses[0] == 0 {
				t.Errorf("answers: %v; some of each were to come", statuses)
			}
			testproxy.Eventually(t, "every slot is free", func() bool { return p.metric("hotpod_queueproxy_in_flight_requests") == "0" })
		})
	}
}

// disturb has clients send requests, of which a third leaves early and a third takes too long, and counts the statuses;
// 0 is for those that left.
func (p *pod) disturb(clients, each int) map[int]int {
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for i := range clients {
		client := http1(p.t)
		all.Go(func() {
			for j := range each {
				status := p.oneOfThree(client, (i+j)%3)
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return statuses
}

func (p *pod) oneOfThree(client *http.Client, kind int) int {
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	req := p.request("POST", "body", wire.HeaderWait+": 20000").WithContext(ctx)
	req.Header.Set("X-Work", "5ms")
	switch kind {
	case 1: // its client leaves, often while it is inside
		req.Header.Set("X-Work", "40ms")
		defer time.AfterFunc(time.Duration(rand.IntN(60))*time.Millisecond, cancel).Stop()
	case 2: // exceeds its time
		req.Header.Set("X-Work", "120ms")
	}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() == nil {
			p.t.Error(err)
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestServe_KeepsTheSlotOfAClientThatLeftForAsLongAsARunMayTake has a function that works on for longer than a moment.
func TestServe_KeepsTheSlotOfAClientThatLeftForAsLongAsARunMayTake(t *testing.T) {
	runtime := &deaf{}
	p := start(t, testproxy.Backend(t, runtime), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 30_000})
	c := p.dial()
	c.Send(get("X-Work: 1500ms\n"))
	testproxy.Eventually(t, "it is inside", func() bool { return runtime.Entered() == 1 })
	_ = c.Close()
	next := p.dial()
	next.Send(get(wire.HeaderWait + ": 20000\n"))
	if resp, _ := next.Answer("GET"); resp.Status != 200 || runtime.Most() != 1 {
		t.Errorf("the next got %d, and %d were inside at a time", resp.Status, runtime.Most())
	}
}

// TestServe_GivesTheSlotOfARunThatNeverEndsAwayAtLast is what Config.Overrun bounds.
func TestServe_GivesTheSlotOfARunThatNeverEndsAwayAtLast(t *testing.T) {
	end := make(chan struct{})
	entered := make(chan struct{}, 9)
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		if r.Header.Get("X-Work") != "" {
			<-end
		}
	})), func(c *queueproxy.Config) { c.Overrun = 300 * time.Millisecond })
	t.Cleanup(func() { close(end) })
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 50})
	c := p.dial()
	begin := time.Now()
	c.Send(get("X-Work: for ever\n"))
	if resp, _ := c.Answer("GET"); resp.Status != 504 {
		t.Fatalf("status = %d", resp.Status)
	}
	c.Send(get(wire.HeaderWait + ": 20000\n"))
	if resp, _ := c.Answer("GET"); resp.Status != 200 {
		t.Errorf("the next got %d", resp.Status)
	}
	if took := time.Since(begin); took < 350*time.Millisecond {
		t.Errorf("the slot was free after %v", took)
	}
}

// TestRun_EndsThoughAFunctionWorksForNobody: those who left need no drain.
func TestRun_EndsThoughAFunctionWorksForNobody(t *testing.T) {
	runtime := &deaf{}
	p := start(t, testproxy.Backend(t, runtime), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 60_000})
	c := p.dial()
	c.Send(get("X-Work: 5s\n"))
	testproxy.Eventually(t, "it is inside", func() bool { return runtime.Entered() == 1 })
	_ = c.Close()
	testproxy.Eventually(t, "its client is known to have left", func() bool { return p.metric(`hotpod_queueproxy_requests_total{code_class="none"}`) == "1" })
	begin := time.Now()
	p.end()
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("the pod ended after %v", took)
	}
}
