package queueproxy_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// plain is a client that keeps no connection.
func plain() *http.Client { return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} }

// fetch gets a page of the control port.
func (p *pod) fetch(path string) (int, string) {
	p.t.Helper()
	req, _ := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+p.control+path, nil)
	resp, err := plain().Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// metric returns a metric's value as text.
func (p *pod) metric(name string) string {
	p.t.Helper()
	_, body := p.fetch("/metrics")
	for line := range strings.Lines(body) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(v)
		}
	}
	p.t.Errorf("there is no metric %s", name)
	return ""
}

func TestControl_AnswersOnlySignedCalls(t *testing.T) {
	p := start(t, "127.0.0.1:1", nil)
	body, _ := json.Marshal(wire.Assignment{Held: wire.Held{Function: hello, Generation: 1}})
	stranger, _ := sign.NewSigner(sign.GenerateSeed())
	for _, path := range []string{wire.PathAssign, wire.PathDrain, wire.PathReports} {
		for name, signature := range map[string]string{
			"unsigned":      "",
			"by a stranger": stranger.Sign("pod-1", "POST", path, body, time.Now().Add(sign.TTL)),
			"another pod":   p.signer.Sign("pod-2", "POST", path, body, time.Now().Add(sign.TTL)),
			"another body":  p.signer.Sign("pod-1", "POST", path, []byte("{}"), time.Now().Add(sign.TTL)),
			"too late":      p.signer.Sign("pod-1", "POST", path, body, time.Now().Add(-time.Second)),
		} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.control+path, bytes.NewReader(body))
			req.Header.Set(sign.Header, signature)
			resp, err := plain().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d", path, name, resp.StatusCode)
			}
		}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.control+wire.PathAssign, strings.NewReader(strings.Repeat(" ", 100_000)))
	resp, err := plain().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge call: %d", resp.StatusCode)
	}
}

func TestAssign_HoldsOneFunctionAndTakesNewBounds(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1})
	for name, held := range map[string]wire.Held{
		"another function":   {Function: wire.FunctionID{Namespace: "default", Name: "hello", UID: "uid-2"}, Generation: 1},
		"another generation": {Function: hello, Generation: 2},
	} {
		status, body := p.call(t.Context(), wire.PathAssign, wire.Assignment{Held: held})
		var got wire.Held
		if err := json.Unmarshal(body, &got); err != nil || status != http.StatusConflict || got.Function != hello {
			t.Errorf("%s: %d %v %v", name, status, got, err)
		}
	}
	p.dial().Send(get(""))
	<-g.Inside
	p.dial().Send(get(wire.HeaderWait + ": 10000\n"))
	testproxy.Eventually(t, "one waits", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == "1" })
	p.assign(wire.Assignment{Limit: 2})
	<-g.Inside // the waiter, at once
}

func TestAssign_RefusesWhatMakesNoSense(t *testing.T) {
	p := start(t, "127.0.0.1:1", nil)
	for name, message := range map[string]any{
		"no object":       "x",
		"no function":     wire.Assignment{Limit: 1},
		"a slash in it":   wire.Assignment{Held: wire.Held{Function: wire.FunctionID{Namespace: "a/b", Name: "c", UID: "d"}}},
		"negative limit":  wire.Assignment{Held: wire.Held{Function: hello}, Limit: -1},
		"negative bounds": wire.Assignment{Held: wire.Held{Function: hello}, RunTimeoutMillis: -1},
		"a line end":      wire.Assignment{Held: wire.Held{Function: hello}, ResourceVersion: "1\r\nX: y"},
	} {
		if status, _ := p.call(t.Context(), wire.PathAssign, message); status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func TestDrain_RefusesWhatIsNewAndWaitsForTheRest(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1, QueueTimeoutMillis: 10_000})
	idle, inside, waiting, chunked := p.dial(), p.dial(), p.dial(), p.dial()
	idle.Send(get(""))
	<-g.Inside
	g.Go <- struct{}{}
	idle.Answer("GET")
	inside.Send(get(""))
	<-g.Inside
	waiting.Send(get(wire.HeaderWait + ": 10000\n"))
	chunked.Send("POST /kept HTTP/1.1\nHost: h\nx-hotpod-function: " + hello.String() + "\nTransfer-Encoding: chunked\n\n0\n\n")
	testproxy.Eventually(t, "two wait", func() bool { return p.metric("hotpod_queueproxy_waiting_requests") == "2" })

	var r wire.DrainResult
	status, body := p.call(t.Context(), wire.PathDrain, wire.DrainRequest{DeadlineMillis: 20})
	if err := json.Unmarshal(body, &r); err != nil || status != http.StatusOK || r.InFlight != 2 {
		t.Errorf("at the deadline: %d %+v, %v", status, r, err)
	}
	drained := make(chan wire.DrainResult, 2)
	for _, path := range []string{wire.PathDrain, wire.PathWaitForDrain} {
		go func() {
			var r wire.DrainResult
			if path == wire.PathDrain {
				_, body := p.call(context.Background(), path, wire.DrainRequest{DeadlineMillis: 60_000})
				_ = json.Unmarshal(body, &r)
			} else if status, _ := p.fetch(path); status != 200 {
				r.InFlight = -status
			}
			drained <- r
		}()
	}
	if resp, _ := waiting.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "draining" {
		t.Errorf("a waiter got %d %v", resp.Status, resp.Header)
	}
	for range 2 { // on a connection that is kept, again and again
		idle.Send(get(""))
		if resp, _ := idle.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "draining" || resp.Close {
			t.Errorf("a new request got %d %v", resp.Status, resp.Header)
		}
	}
	g.Go <- struct{}{}
	if resp, _ := inside.Answer("GET"); resp.Status != 200 {
		t.Errorf("the one inside got %d", resp.Status)
	}
	if path := <-g.Inside; path != "/kept" {
		t.Errorf("%s came in", path)
	}
	if len(drained) > 0 {
		t.Error("drained though a request is inside")
	}
	g.Go <- struct{}{}
	if resp, body := chunked.Answer("POST"); resp.Status != 200 || body != "/kept" {
		t.Errorf("the one that cannot go elsewhere got %d %s", resp.Status, body)
	}
	for range 2 {
		if r := <-drained; r.InFlight != 0 {
			t.Errorf("drained with %d in flight", r.InFlight)
		}
	}
}

func TestRun_EndsWhenTheLastRequestHasAndNotLater(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 1})
	c, other := p.dial(), p.dial()
	c.Send(get(""))
	<-g.Inside
	p.stop()
	testproxy.Eventually(t, "the pod refuses", func() bool {
		other.Send(get(""))
		resp, _ := other.Answer("GET")
		return resp.Header.Get(wire.HeaderBusy) == "draining"
	})
	select {
	case <-p.done:
		t.Fatal("ended with a request inside")
	case <-time.After(20 * time.Millisecond):
	}
	g.Go <- struct{}{}
	begin := time.Now()
	if resp, body := c.Answer("GET"); resp.Status != 200 || body != "/x" {
		t.Errorf("answer = %d %q", resp.Status, body)
	}
	c.Close()
	other.Close()
	p.end()
	if took := time.Since(begin); took > 900*time.Millisecond {
		t.Errorf("took %v after the last answer", took)
	}
}

// Whoever keeps a connection open may not have heard that the pod goes, and is writing a request on it.
func TestRun_WaitsLongerForAnOpenConnection(t *testing.T) {
	p := start(t, testproxy.Backend(t, &testproxy.Overlap{}), nil)
	p.assign(wire.Assignment{Limit: 1})
	late := p.dial()
	late.Send(get(""))
	late.Answer("GET")
	p.stop()
	time.Sleep(500 * time.Millisecond) // longer than anybody waits for those who left
	late.Send(get(""))
	if resp, _ := late.Answer("GET"); resp.Header.Get(wire.HeaderBusy) != "draining" {
		t.Errorf("answer = %+v", resp)
	}
	late.Close()
	p.end()
}

func TestRun_StaysUntilTheRuntimesHookHasItsAnswer(t *testing.T) {
	p := start(t, testproxy.Backend(t, testproxy.NewGatekeeper(t)), func(c *queueproxy.Config) { c.HookWait = 10 * time.Second })
	p.stop()
	select {
	case err := <-p.done:
		t.Fatalf("ended before the hook came: %v", err)
	case <-time.After(300 * time.Millisecond): // more than the drain needs
	}
	begin := time.Now()
	if status, _ := p.fetch(wire.PathWaitForDrain); status != http.StatusOK {
		t.Errorf("the hook got %d", status)
	}
	p.end()
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %v to end after the hook had its answer", took)
	}
}

func TestRun_EndsWithoutAHookAfterItsBound(t *testing.T) {
	p := start(t, testproxy.Backend(t, testproxy.NewGatekeeper(t)), func(c *queueproxy.Config) { c.HookWait = 50 * time.Millisecond })
	p.end()
}

func TestRun_EndsWithoutLossUnderLoad(t *testing.T) {
	p := start(t, testproxy.Backend(t, &testproxy.Overlap{Work: time.Millisecond}), nil)
	p.assign(wire.Assignment{QueueTimeoutMillis: 5000})
	var clients sync.WaitGroup
	var served atomic.Int32
	var draining atomic.Bool
	for i := range 8 {
		clients.Go(func() {
			body := "x-hotpod-function: " + hello.String() + "\nContent-Length: 3\n\nabc"
			if i%2 == 0 {
				body = "x-hotpod-function: " + hello.String() + "\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n"
			}
			for !draining.Load() { // after the first refusal no client comes anew, as Envoy will not
				conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.requests)
				if err != nil {
					t.Error(err)
					return
				}
				r := bufio.NewReader(conn)
				for open := true; open; {
					_, _ = io.WriteString(conn, strings.ReplaceAll("POST / HTTP/1.1\nHost: h\n"+body, "\n", "\r\n"))
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Errorf("a request was lost: %v", err)
						break
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
					if resp.StatusCode == http.StatusOK {
						served.Add(1)
					} else if draining.Store(true); resp.Header.Get(wire.HeaderBusy) != "draining" {
						t.Errorf("status = %d", resp.StatusCode)
					}
					open = !resp.Close
				}
				_ = conn.Close()
			}
		})
	}
	testproxy.Eventually(t, "requests are served", func() bool { return served.Load() > 100 })
	p.end()
	clients.Wait()
}

// reports returns what reads one report after the other.
func (p *pod) reports() (next func() wire.Report) {
	p.t.Helper()
	lines := bufio.NewReader(p.open(p.t.Context(), wire.PathReports, struct{}{}).Body) //nolint:bodyclose // the test's end does
	return func() (r wire.Report) {
		p.t.Helper()
		line, err := lines.ReadBytes('\n')
		if err != nil {
			p.t.Fatal(err)
		}
		if err := json.Unmarshal(line, &r); err != nil {
			p.t.Fatal(err)
		}
		return r
	}
}

func TestReports_TellAtOnceThatTheRuntimeIsGone(t *testing.T) {
	silent := testproxy.Listen(t)
	_ = silent.Close()
	p := start(t, silent.Addr().String(), nil)
	p.assign(wire.Assignment{Limit: 1, RunTimeoutMillis: 1000})
	next := p.reports()
	if next().Broken {
		t.Error("the pod is broken before anybody asked its runtime")
	}
	c := p.dial()
	c.Send(get(""))
	c.Answer("GET")
	begin := time.Now()
	r := next()
	for !r.Broken {
		r = next()
	}
	if took := time.Since(begin); took > 500*time.Millisecond {
		t.Errorf("it was told after %v", took)
	}
}

func TestReports_ComeAtOnceAndThenOnceASecondAfterChanges(t *testing.T) {
	g := testproxy.NewGatekeeper(t)
	p := start(t, testproxy.Backend(t, g), nil)
	p.assign(wire.Assignment{Limit: 10})
	next := p.reports()
	first := next()
	if first.InFlight != 0 || first.Requests != [6]uint64{} {
		t.Errorf("first report = %+v", first)
	}
	time.Sleep(1100 * time.Millisecond) // an idle pod says nothing
	begin := time.Now()
	c := p.dial()
	c.Send(get(""))
	<-g.Inside
	busy := next()
	if took := time.Since(begin); busy.InFlight != 1 || took > 500*time.Millisecond {
		t.Errorf("report of the first request = %+v after %v", busy, took)
	}
	during := next()
	if during.InFlight != 1 || during.Concurrency < 0.9 || during.Concurrency > 1.1 || during.UptimeMillis-busy.UptimeMillis < 900 {
		t.Errorf("report while it lasts = %+v", during)
	}
	g.Go <- struct{}{}
	c.Answer("GET")
	after := next()
	for after.InFlight > 0 {
		after = next()
	}
	if after.Requests[2] != 1 || after.DurationMicros < 900_000 || after.Refused != 0 {
		t.Errorf("report afterwards = %+v", after)
	}
}

func TestReports_EndWithTheTotals(t *testing.T) {
	p := start(t, testproxy.Backend(t, &testproxy.Overlap{}), nil)
	p.assign(wire.Assignment{Limit: 1})
	stream := p.open(t.Context(), wire.PathReports, struct{}{})
	defer stream.Body.Close()
	c := p.dial()
	c.Send(get(""))
	c.Answer("GET")
	c.Close()
	begin := time.Now()
	p.end()
	if took := time.Since(begin); took > 900*time.Millisecond {
		t.Errorf("the stream kept the pod for %v", took)
	}
	var last wire.Report
	reports, err := io.ReadAll(stream.Body)
	for line := range bytes.Lines(reports) {
		err = errors.Join(err, json.Unmarshal(line, &last))
	}
	if err != nil {
		t.Error(err)
	}
	if last.Requests[2] != 1 || !last.Draining {
		t.Errorf("last report = %+v", last)
	}
}

func TestHealth_IsTheRuntimes(t *testing.T) {
	lis := testproxy.Listen(t)
	p := start(t, lis.Addr().String(), nil)
	if status, _ := p.fetch(wire.PathHealth); status != 200 {
		t.Errorf("with a runtime: %d", status)
	}
	_ = lis.Close()
	if status, body := p.fetch(wire.PathHealth); status != 503 || !strings.Contains(body, "runtime") {
		t.Errorf("without: %d %s", status, body)
	}
}

func TestMetrics_AreWellFormed(t *testing.T) {
	p := start(t, testproxy.Backend(t, &testproxy.Overlap{}), nil)
	p.assign(wire.Assignment{})
	c := p.dial()
	for range 3 {
		c.Send(get(""))
		c.Answer("GET")
	}
	_, body := p.fetch("/metrics")
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "# ") {
			continue
		}
		var v float64
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := fmt.Sscan(value, &v); err != nil || !strings.HasPrefix(name, "hotpod_queueproxy_") {
			t.Errorf("line %q: %v", line, err)
		}
	}
	for name, want := range map[string]string{
		`hotpod_queueproxy_requests_total{code_class="2xx"}`:           "3",
		`hotpod_queueproxy_request_duration_seconds_bucket{le="+Inf"}`: "3",
		`hotpod_queueproxy_request_duration_seconds_count`:             "3",
		`hotpod_queueproxy_refusals_total{reason="draining"}`:          "0",
	} {
		if got := p.metric(name); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
}
