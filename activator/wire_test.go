//nolint:bodyclose // get closes them
package activator

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// listen serves an activator's requests and returns its address.
func listen(t *testing.T, a *Activator) string {
	t.Helper()
	lis := testproxy.Listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&proxy.Server{Handler: a, Log: a.config.Log}).Serve(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
		a.watcher.Close()
	})
	return lis.Addr().String()
}

// get sends a request for hello and returns the answer.
func get(address string) (*http.Response, wire.Error, error) {
	var e wire.Error
	req, err := http.NewRequest(http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return nil, e, err
	}
	req.Header.Set(wire.HeaderFunction, helloID.String())
	req.Header.Set(wire.HeaderRequestID, "id-1")
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return nil, e, err
	}
	defer res.Body.Close()
	return res, e, json.NewDecoder(res.Body).Decode(&e)
}

// told checks what a client was told.
func told(t *testing.T, address string, status int, want wire.Error) *http.Response {
	t.Helper()
	res, e, err := get(address)
	if err != nil {
		t.Fatal(err)
	}
	want.RequestID, want.Explain = "id-1", "hotpod explain id-1"
	if res.StatusCode != status || e != want || res.Header.Get(wire.HeaderComponent) != want.Component {
		t.Errorf("%d %+v, component %q", res.StatusCode, e, res.Header.Get(wire.HeaderComponent))
	}
	return res
}

func TestWire_BeyondTheDepthClientsAreToldToComeBack(t *testing.T) {
	a := newTest(t, func(c *Config) { c.Depth = 1 })
	address := listen(t, a)
	first := make(chan error, 1)
	go func() { _, _, err := get(address); first <- err }()
	testproxy.Eventually(t, "a request waits", func() bool { return a.waiting() == 1 })
	res := told(t, address, http.StatusTooManyRequests, wire.Error{
		Component: "executor", Reason: "capacity_exceeded", Message: "too many requests wait for function default/hello",
	})
	if res.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", res.Header.Get("Retry-After"))
	}
	a.placed(wire.Placement{Function: helloID, Failure: &wire.Failure{Message: "over"}})
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestWire_HoldTimeoutAndPodsThatBreakAreToldApart(t *testing.T) {
	a := newTest(t, func(c *Config) { c.Hold = 20 * time.Millisecond })
	address := listen(t, a)
	told(t, address, http.StatusGatewayTimeout, wire.Error{
		Component: "timeout", Reason: "specialization_timeout",
		Message: "no pod took the request within 20ms: no pod became ready",
	})
	pod := testproxy.Script(t, func(c *testproxy.Conn) { c.Head() }) // and closes
	a.placed(wire.Placement{Function: helloID, HoldMillis: 60_000, Pods: []wire.HotPod{{UID: "a", Address: pod}}})
	told(t, address, http.StatusInternalServerError, wire.Error{
		Component: "function", Reason: "function_error", Message: "the function's pod closed the connection before it answered",
	})
}
