package queueproxy_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

func TestServe_TellsTheFunctionWhoItIsAndNothingOfThePlatform(t *testing.T) {
	seen := make(chan http.Header, 1)
	p := start(t, testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Set("X-Hotpod-Secret", "1")
		_, _ = io.WriteString(w, "hello")
	})), nil)
	p.assign(wire.Assignment{Limit: 1, ResourceVersion: "77"})
	c := p.dial()
	c.Send(get("X-Hotpod-Template: /u/{id}\nX-Fission-Full-Url: /u/42?q\nX-Fission-Function-Name: forged\nX-Fission-Params-Other: forged\n"))
	resp, body := c.Answer("GET")
	if resp.Status != 200 || body != "hello" || resp.Header.Get("X-Hotpod-Secret") != "" {
		t.Errorf("answer = %d %q %v", resp.Status, body, resp.Header)
	}
	h := <-seen
	for name, want := range map[string]string{
		wire.HeaderFunctionUID: hello.UID, wire.HeaderFunctionName: hello.Name, wire.HeaderFunctionNS: hello.Namespace,
		wire.HeaderFunctionVersion: "77", "X-Fission-Params-Id": "42", "X-Fission-Params-Other": "", wire.HeaderFunction: "",
		wire.HeaderTemplate: "", "Forwarded": "host=h;", "X-Forwarded-Host": "h", "X-Fission-Full-Url": "/u/42?q",
	} {
		if got := h.Get(name); got != want || len(h.Values(name)) > 1 {
			t.Errorf("%s = %q, want %q", name, h.Values(name), want)
		}
	}
}

// Who has a connection may be writing a request on it: it is closed by its client first, if that does so in time.
func TestRun_LeavesIdleConnectionsToTheirClients(t *testing.T) {
	p := start(t, testproxy.Backend(t, http.NotFoundHandler()), func(c *queueproxy.Config) { c.Farewell = time.Minute })
	p.assign(wire.Assignment{Limit: 1})
	kept, late := p.dial(), p.dial()
	for _, c := range []*testproxy.Conn{kept, late} {
		c.Send(get(""))
		c.Answer("GET")
	}
	p.stop()
	if kept.Closed(500 * time.Millisecond) {
		t.Fatal("an idle connection was closed first")
	}
	late.Send(get(""))
	if resp, _ := late.Answer("GET"); resp.Status != http.StatusServiceUnavailable || !late.Closed(5*time.Second) {
		t.Errorf("answer = %d %v, and the connection goes on", resp.Status, resp.Header)
	}
	_ = kept.Close()
	select {
	case err := <-p.done:
		p.done <- err
	case <-time.After(10 * time.Second):
		t.Error("the queue-proxy stays though everybody left")
	}
}
