package queueproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

// jealous is a function that counts who is inside; it stops working when its client left. It makes some clients leave
// while they are inside.
type jealous struct {
	inside, most, served, left atomic.Int64

	leave sync.Map // a client's context.CancelFunc, by its name
}

func (j *jealous) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := j.inside.Add(1)
	for m := j.most.Load(); n > m; m = j.most.Load() {
		if j.most.CompareAndSwap(m, n) {
			break
		}
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if leave, ok := j.leave.Load(r.Header.Get("X-Leaves")); ok {
		leave.(context.CancelFunc)()
		<-r.Context().Done()
	}
	select {
	case <-time.After(time.Duration(1+rand.IntN(4)) * time.Millisecond):
		j.served.Add(1)
	case <-r.Context().Done():
		j.left.Add(1)
	}
	j.inside.Add(-1) // before the answer: what comes after it is allowed to overlap
	_, _ = io.WriteString(w, "done")
}

// crowd is many clients with connections of their own, and several streams on each.
func crowd(tb testing.TB, clients, streams int, request func(client *http.Client)) {
	tb.Helper()
	var all sync.WaitGroup
	for range clients {
		client := testproxy.HTTP2(tb)
		for range streams {
			all.Go(func() { request(client) })
		}
	}
	all.Wait()
}

func TestH2Limit_HoldsForManyConnectionsAndStreamsThatAreCancelled(t *testing.T) {
	for _, limit := range []int{1, 2, 10, 0} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			j := &jealous{}
			p := start(t, testproxy.Backend(t, j), func(c *queueproxy.Config) { c.MaxWaiting = 1000 })
			p.assign(wire.Assignment{Limit: limit, QueueTimeoutMillis: 20_000})
			var answered, cancelled atomic.Int64
			crowd(t, 6, 8, func(client *http.Client) {
				for range 4 {
					switch err := j.client(p, client); {
					case err == nil:
						answered.Add(1)
					case errors.Is(err, context.Canceled):
						cancelled.Add(1)
					default:
						t.Error(err)
					}
				}
			})
			if most := j.most.Load(); limit > 0 && most > int64(limit) {
				t.Errorf("%d requests were inside at a time", most)
			}
			if answered.Load() > j.served.Load() || cancelled.Load() == 0 || j.left.Load() == 0 {
				t.Errorf("%d answered, %d served, %d cancelled, %d of them inside", answered.Load(), j.served.Load(), cancelled.Load(), j.left.Load())
			}
			testproxy.Eventually(t, "an empty pod", func() bool { return j.inside.Load() == 0 })
		})
	}
}

// client sends one request, in any of the ways that bodies come, and gives some up after a moment or inside. What was
// refused comes again, as from an activator.
func (j *jealous) client(p *pod, client *http.Client) error {
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	name := ""
	switch rand.IntN(6) {
	case 0:
		defer time.AfterFunc(time.Duration(rand.IntN(8000))*time.Microsecond, cancel).Stop()
	case 1:
		name = fmt.Sprint(rand.Int64())
		j.leave.Store(name, cancel)
	default:
	}
	for kind := rand.IntN(3); ; {
		req := p.request("GET", "", wire.HeaderWait+": 20000")
		switch kind {
		case 1:
			req = p.request("POST", "body", "")
		case 2: // as gRPC does
			req = p.request("POST", "", "")
			req.Body = io.NopCloser(strings.NewReader("body"))
			req.ContentLength = -1
		}
		req.Header.Set("X-Leaves", name)
		resp, err := client.Do(req.WithContext(ctx))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		switch {
		case err != nil:
			return err
		case resp.StatusCode == http.StatusOK && string(body) == "done":
			return nil
		case resp.Header.Get(wire.HeaderBusy) != "":
			kind = 0
		default:
			return fmt.Errorf("status %d: %s", resp.StatusCode, body)
		}
	}
}

// TestH2Limit_HoldsWhenRunsAreCut has a function that is told by the reset of its stream, and needs a moment to end.
func TestH2Limit_HoldsWhenRunsAreCut(t *testing.T) {
	for _, limit := range []int{1, 2, 10} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			var runtime testproxy.Overlap
			p := start(t, testproxy.Backend(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				leave := runtime.Enter()
				defer leave()
				<-r.Context().Done()
				time.Sleep(10 * time.Millisecond)
			})), nil)
			p.assign(wire.Assignment{Limit: limit, RunTimeoutMillis: 20, QueueTimeoutMillis: 20_000})
			crowd(t, 5, 3, func(client *http.Client) {
				resp, err := client.Do(p.request("POST", "body", wire.HeaderWait+": 20000"))
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusGatewayTimeout {
					t.Errorf("status = %d", resp.StatusCode)
				}
			})
			if runtime.Most() > limit {
				t.Errorf("%d requests were inside at a time", runtime.Most())
			}
		})
	}
}
