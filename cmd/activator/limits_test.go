package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// TestChain_BeyondTheDepthClientsAreToldToComeBack fills a function that has one slot, and the queue for it.
func TestChain_BeyondTheDepthClientsAreToldToComeBack(t *testing.T) {
	const depth = 3
	c := newChain(t, 0, fmt.Sprint("--depth=", depth))
	entered, leave := make(chan struct{}, 100), make(chan struct{})
	c.runtime = func() (string, func()) {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			entered <- struct{}{}
			<-leave
		}))
		return s.Listener.Addr().String(), s.Close
	}
	f := hello(func(f *v1.Function) { f.Spec.Concurrency = 1 })
	c.autoscaler.SetFunction(f)
	statuses := make(chan int, 100)
	call := func() {
		status, _, err := c.call(http.DefaultClient, f, "body")
		if err != nil {
			t.Error(err)
		}
		statuses <- status
	}
	go call()
	<-entered
	sent, refused := 1, 0
	for refused == 0 { // what waits at the pod is not in the activator's queue
		if sent > 2*depth+10 {
			t.Fatalf("%d requests are in, and none was refused", sent)
		}
		sent++
		go call()
		select {
		case status := <-statuses:
			if status != http.StatusTooManyRequests {
				t.Fatalf("status = %d", status)
			}
			refused++
		case <-time.After(50 * time.Millisecond):
		}
	}
	if n := c.waiting(); n != depth {
		t.Errorf("%d wait at the activator, %d may", n, depth)
	}
	c.refusal(f)
	close(leave)
	for range sent - refused {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("one that waited got %d", status)
		}
	}
}

// refusal looks at what a client is told that is one too many.
func (c *chain) refusal(f *v1.Function) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "http://"+c.net+"2:8012/", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set(wire.HeaderFunction, idOf(f).String())
	req.Header.Set(wire.HeaderRequestID, "r-1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var body struct{ Component, Reason, RequestID string }
	err = json.NewDecoder(res.Body).Decode(&body)
	if err != nil || res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" ||
		body.Component != "executor" || body.Reason != "capacity_exceeded" || body.RequestID != "r-1" {
		c.t.Errorf("one too many is told %d, Retry-After %q, %+v, %v", res.StatusCode, res.Header.Get("Retry-After"), body, err)
	}
}

// TestChain_NothingStarvesAtTheMaximum has half as many clients again as there are slots. They call as Envoy does: a pod
// first, and the activator when that refuses.
func TestChain_NothingStarvesAtTheMaximum(t *testing.T) {
	for _, slots := range []struct{ pods, limit int }{{4, 1}, {2, 4}} {
		t.Run(fmt.Sprintf("%d pods of %d", slots.pods, slots.limit), func(t *testing.T) {
			t.Parallel()
			c := newChain(t, 0)
			c.runtime = func() (string, func()) {
				s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					time.Sleep(80*time.Millisecond + rand.N(40*time.Millisecond))
				}))
				return s.Listener.Addr().String(), s.Close
			}
			f := hello(func(f *v1.Function) { f.Spec.Concurrency, f.Spec.RequestsPerPod = slots.pods, slots.limit })
			c.autoscaler.SetFunction(f)
			took := c.compete(f, slots.pods*slots.limit*3/2, 4*time.Second)
			median, worst := took[len(took)/2], took[len(took)-1]
			t.Logf("%d calls by %d pods: median %s, p99 %s, worst %s", len(took), c.claimed(), median, took[len(took)*99/100], worst)
			if worst > 2*median {
				t.Errorf("the worst call took %s, the median is %s", worst, median)
			}
		})
	}
}

// compete calls in a closed loop for a while, and returns how long each call took in the second half, when every pod is
// there, from the shortest on.
func (c *chain) compete(f *v1.Function, clients int, length time.Duration) []time.Duration {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	var turn atomic.Int64
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for time.Since(begin) < length {
				sent := time.Now()
				if !c.direct(client, f, int(turn.Add(1))) {
					if status, _, err := c.call(client, f, ""); status != http.StatusOK || err != nil {
						c.t.Errorf("call = %d, %v", status, err)
						return
					}
				}
				if sent.Sub(begin) > length/2 {
					mu.Lock()
					took = append(took, time.Since(sent))
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took
}

// direct sends a request to one of the pods, and reports whether it was served.
func (c *chain) direct(client *http.Client, f *v1.Function, turn int) bool {
	pods := c.claimed()
	if pods == 0 {
		return false
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, fmt.Sprint("http://", c.net, 11+turn%pods, ":8012/"), nil)
	if err != nil {
		c.t.Error(err)
		return false
	}
	req.Header.Set(wire.HeaderFunction, idOf(f).String())
	res, err := client.Do(req)
	if err != nil {
		return false // it does not listen yet
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}
