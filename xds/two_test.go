package xds

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

// Two Envoys share the listener's address. One goes and comes again: routes count as acknowledged by those that serve,
// and the one that came again has all routes and asks for its clusters anew.
func TestEnvoy_OneOfTwoRestarts(t *testing.T) {
	r, _, _ := spillRig(t)
	second := func() *envoytest.Envoy {
		admin := net.JoinHostPort(envoytest.Address(t), "9901")
		text, err := Bootstrap(BootstrapConfig{XDS: r.addr(wire.PortXDS), Admin: admin, NodeID: "second"})
		if err != nil {
			t.Fatal(err)
		}
		e := envoytest.Start(t, admin, text)
		r.eventually("the second Envoy serves", func() error {
			ready, err := e.Get(t.Context(), "/ready")
			if err == nil && !strings.Contains(ready, "LIVE") {
				err = fmt.Errorf("%s", ready)
			}
			return err
		})
		return e
	}
	fresh := func(name string) {
		r.function(name)
		r.route(name, v1.HTTPTriggerSpec{RelativeURL: "/" + name})
		for range 20 { // each on a connection of its own, so that both are met
			if got := r.raw("GET /" + name + " HTTP/1.1\r\nHost: x\r\n\r\n"); got.want(http.StatusOK, "activator") != nil {
				t.Errorf("%s: %v", name, got.want(http.StatusOK, "activator"))
			}
		}
	}
	e := second()
	fresh("both")
	e.Stop()
	r.eventually("the server knows that one is gone", func() error {
		r.server.tracker.mu.Lock()
		defer r.server.tracker.mu.Unlock()
		if n := len(r.server.tracker.acked); n != 1 {
			return fmt.Errorf("%d", n)
		}
		return nil
	})
	fresh("one")
	second()
	for _, name := range []string{"both", "one"} {
		for range 20 {
			if got := r.raw("GET /" + name + " HTTP/1.1\r\nHost: x\r\n\r\n"); got.want(http.StatusOK, "activator") != nil {
				t.Errorf("%s: %v", name, got.want(http.StatusOK, "activator"))
			}
		}
	}
	fresh("again")
}
