package queueproxy_test

import (
	"net/http"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

func TestReports_TellOfCallsThatAreWorthIt(t *testing.T) {
	backend := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("slow") != "" {
			time.Sleep(60 * time.Millisecond)
		}
		if r.URL.Query().Get("fail") != "" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	p := start(t, backend, func(c *queueproxy.Config) { c.Slow = 50 * time.Millisecond })
	p.assign(wire.Assignment{Limit: 1})
	reports := p.reports()
	c := p.dial()
	for _, path := range []string{"quick", "slow=1", "fail=1"} {
		c.Send("GET /?" + path + " HTTP/1.1\nHost: x\nx-hotpod-function: " + hello.String() + "\nX-Fission-Request-ID: " + path + "\n\n")
		c.Answer("GET")
	}
	got := map[string]wire.Call{}
	for len(got) < 2 {
		if r := reports(); r.Calls != nil {
			for _, call := range r.Calls.Calls {
				got[call.RequestID] = call
			}
		}
	}
	if slow := got["slow=1"]; slow.RunMicros < 50_000 || slow.AgoMicros < slow.RunMicros || slow.Status != 200 || slow.Reason != "" {
		t.Errorf("slow: %+v", slow)
	}
	if fail := got["fail=1"]; fail.Status != 500 {
		t.Errorf("fail: %+v", fail)
	}
	if quick, ok := got["quick"]; ok {
		t.Errorf("a quick call was told of: %+v", quick)
	}
}
