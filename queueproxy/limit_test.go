package queueproxy_test

import (
	"fmt"
	"io"
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

// burst sends n requests at once, each built by request, and returns how many got which status.
func burst(tb testing.TB, client *http.Client, n int, request func(i int) *http.Request) map[int]int {
	tb.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	counts := map[int]int{}
	for i := range n {
		all.Go(func() {
			resp, err := client.Do(request(i))
			if err != nil {
				tb.Errorf("request %d: %v", i, err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			if busy := resp.Header.Get(wire.HeaderBusy); (busy != "") != (resp.StatusCode == http.StatusServiceUnavailable) {
				tb.Errorf("status %d with %s %q", resp.StatusCode, wire.HeaderBusy, busy)
			}
			mu.Lock()
			counts[resp.StatusCode]++
			mu.Unlock()
		})
	}
	all.Wait()
	return counts
}

func (p *pod) request(method, body, more string) *http.Request {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, _ := http.NewRequestWithContext(p.t.Context(), method, "http://"+p.requests+"/x", r)
	req.Header.Set(wire.HeaderFunction, hello.String())
	if name, value, ok := strings.Cut(more, ": "); ok {
		req.Header.Set(name, value)
	}
	return req
}

func http1(tb testing.TB) *http.Client {
	tb.Helper()
	tr := &http.Transport{MaxIdleConnsPerHost: 200}
	tb.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func TestServe_NeverHasMoreInsideThanTheLimit(t *testing.T) {
	for _, limit := range []int{1, 2, 10, 0} {
		for name, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2": testproxy.HTTP2(t)} {
			t.Run(fmt.Sprintf("limit %d, %s", limit, name), func(t *testing.T) {
				runtime := &testproxy.Overlap{Work: time.Millisecond}
				p := start(t, testproxy.Backend(t, runtime), nil)
				p.assign(wire.Assignment{Limit: limit, QueueTimeoutMillis: 10_000})
				const n = 60
				counts := burst(t, client, n, func(i int) *http.Request {
					switch i % 3 {
					case 0:
						return p.request("GET", "", "")
					case 1:
						return p.request("POST", "body", wire.HeaderWait+": 10000")
					default: // a body of unknown length
						req := p.request("PUT", "", "")
						req.Body = io.NopCloser(strings.NewReader("body"))
						req.ContentLength = -1
						return req
					}
				})
				if limit > 0 && runtime.Most() > limit {
					t.Errorf("%d requests were inside at a time", runtime.Most())
				}
				queued := 2 * n / 3
				if name == "HTTP/2" {
					queued = n / 3 // the end of a body is seen there, however long it is: those may be refused
				}
				if counts[200] != runtime.Served() || counts[200]+counts[503] != n || counts[200] < queued || limit == 0 && counts[503] > 0 {
					t.Errorf("answers: %v, served %d", counts, runtime.Served())
				}
			})
		}
	}
}

func TestServe_TheSlotIsFreeWhenTheClientHasItsAnswer(t *testing.T) {
	runtime := &testproxy.Overlap{}
	p := start(t, testproxy.Backend(t, runtime), nil)
	p.assign(wire.Assignment{Limit: 1})
	conns := []*testproxy.Conn{p.dial(), p.dial(), p.dial()}
	for i := range 600 {
		c := conns[i%len(conns)]
		c.Send(get(""))
		if resp, _ := c.Answer("GET"); resp.Status != 200 {
			t.Fatalf("request %d: %d", i, resp.Status)
		}
	}
}

func TestServe_RefusesWhatCanGoElsewhere(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), func(c *queueproxy.Config) { c.ReplayLimit = 1000 })
	p.assign(wire.Assignment{Limit: 1, QueueTimeoutMillis: 30})
	inside := p.dial()
	inside.Send(get(""))
	<-g.Inside
	c := p.dial()
	post := "POST / HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\n"
	for _, r := range []struct {
		name, request string
		status        int
	}{
		{"no body", get(""), 503},
		{"an upgrade", get("Connection: Upgrade\nUpgrade: websocket\n"), 503},
		{"a body that can be replayed", post + "Content-Length: 1000\n\n" + strings.Repeat("x", 1000), 503},
		{"a body that cannot", post + "Content-Length: 1001\n\n" + strings.Repeat("x", 1001), 504},
		{"a body of unknown length", post + "Transfer-Encoding: chunked\n\n1\nx\n0\n\n", 504},
	} {
		t.Run(r.name, func(t *testing.T) {
			c.Send(r.request)
			resp, body := c.Answer("GET")
			if resp.Status != r.status || resp.Close || (resp.Header.Get(wire.HeaderBusy) == "limit") != (r.status == 503) {
				t.Errorf("answer = %d %v", resp.Status, resp.Header)
			}
			if r.status == 504 && !strings.Contains(body, `"component":"timeout"`) {
				t.Errorf("body = %s", body)
			}
		})
	}
	g.Go <- struct{}{}
	if resp, _ := inside.Answer("GET"); resp.Status != 200 {
		t.Errorf("the one inside got %d", resp.Status)
	}
}

func TestServe_WaitersComeFirstAndInOrder(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1})
	ask := func(path, more string) *testproxy.Conn {
		c := p.dial()
		c.Send("GET " + path + " HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\n" + more + "\n")
		return c
	}
	ask("/first", "")
	<-g.Inside
	for i := range 5 {
		ask(fmt.Sprint("/waiter", i), wire.HeaderWait+": 10000\n")
		testproxy.Eventually(t, "the request waits", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == fmt.Sprint(i+1) })
	}
	for i := range 5 {
		g.Go <- struct{}{}
		if got := <-g.Inside; got != fmt.Sprint("/waiter", i) {
			t.Errorf("%s came in, want waiter %d", got, i)
		}
		if i < 4 { // refused though the slot changed hands a moment ago
			if resp, _ := ask("/direct", "").Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "limit" {
				t.Errorf("a direct arrival got %d", resp.Status)
			}
		}
	}
}

func TestServe_BoundsTheQueueInTimeAndNumber(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), func(c *queueproxy.Config) { c.MaxWaiting = 2 })
	p.assign(wire.Assignment{Limit: 1, QueueTimeoutMillis: 10_000})
	chunked := "POST / HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\nTransfer-Encoding: chunked\n\n0\n\n"
	p.dial().Send(get(""))
	<-g.Inside
	c := p.dial()
	c.Send(get(wire.HeaderWait + ": 20\n"))
	if resp, _ := c.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "limit" {
		t.Errorf("a waiter whose time passed got %d", resp.Status)
	}
	leaving := p.dial()
	leaving.Send(chunked)
	p.dial().Send(chunked)
	testproxy.Eventually(t, "two wait", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == "2" })
	c.Send(chunked)
	if resp, body := c.Answer("GET"); resp.Status != 429 || resp.Header.Get("Retry-After") != "1" || !strings.Contains(body, "capacity_exceeded") {
		t.Errorf("one too many got %d %s", resp.Status, body)
	}
	c.Send(get(wire.HeaderWait + ": 1000\n"))
	if resp, _ := c.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "limit" {
		t.Errorf("one too many that can go elsewhere got %d", resp.Status)
	}
	_ = leaving.Close()
	testproxy.Eventually(t, "who left waits no more", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == "1" })
	if got := p.metric(`hotpod_queueproxy_requests_total{code_class="none"}`); got != "1" {
		t.Errorf("clients that left: %s", got)
	}
}

func TestServe_QueuesForWhoAsksWhateverTheBody(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1}) // nothing is queued without being asked
	p.dial().Send(get(""))
	<-g.Inside
	chunked := "POST / HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\nTransfer-Encoding: chunked\nx-hotpod-wait: "
	c, patient := p.dial(), p.dial()
	patient.Send(chunked + "10000\n\n1\nx\n0\n\n")
	testproxy.Eventually(t, "it waits", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == "1" })
	c.Send(chunked + "20\n\n1\nx\n0\n\n")
	if resp, _ := c.Answer("POST"); resp.Header.Get(wire.HeaderBusy) != "limit" {
		t.Errorf("who asked for 20 ms got %d", resp.Status)
	}
	g.Go <- struct{}{}
	<-g.Inside
	g.Go <- struct{}{}
	if resp, body := patient.Answer("POST"); resp.Status != 200 || body != "/x" {
		t.Errorf("who asked for 10 s got %d %q", resp.Status, body)
	}
}

func TestServe_OnceTakesASingleRequest(t *testing.T) {
	runtime := &testproxy.Overlap{}
	p := start(t, testproxy.Backend(t, runtime), nil)
	p.assign(wire.Assignment{Limit: 5, Once: true})
	counts := burst(t, http1(t), 20, func(int) *http.Request { return p.request("GET", "", wire.HeaderWait+": 5000") })
	if counts[200] != 1 || counts[503] != 19 || runtime.Served() != 1 {
		t.Errorf("answers: %v, served %d", counts, runtime.Served())
	}
}

func TestServe_RefusesUntilAssignedAndWhatIsForAnother(t *testing.T) {
	var reached atomic.Int32
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })), nil)
	c := p.dial()
	refused := func(request string, want wire.Busy) {
		t.Helper()
		c.Send(request)
		if resp, _ := c.Answer("GET"); resp.Status != 503 || resp.Header.Get(wire.HeaderBusy) != string(want) {
			t.Errorf("answer = %d %v, want %s", resp.Status, resp.Header, want)
		}
	}
	refused(get(""), wire.BusyUnassigned)
	p.assign(wire.Assignment{Limit: 1})
	refused("GET / HTTP/1.1\nHost: h\nx-hotpod-function: default/hello/uid-2\n\n", wire.BusyMismatch)
	refused("GET / HTTP/1.1\nHost: h\n\n", wire.BusyMismatch)
	refused("POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n", wire.BusyMismatch)
	if reached.Load() != 0 {
		t.Error("the function saw a request that is not for it")
	}
	c.Send(get(""))
	if resp, _ := c.Answer("GET"); resp.Status != 200 {
		t.Errorf("status = %d", resp.Status)
	}
}
