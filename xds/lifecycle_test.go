package xds

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestEnvoy_Answers404FromTheMomentAFunctionIsDeleted(t *testing.T) {
	r, _, _ := spillRig(t)
	for range 3 { // deleted and made again it is another function
		f := r.function("again")
		r.route("again", v1.HTTPTriggerSpec{RelativeURL: "/again"})
		r.eventually("the function serves", func() error { return r.get("/again").want(http.StatusOK, "activator") })
		if err := r.internal("/fission-function/again").want(http.StatusOK, "activator"); err != nil {
			t.Fatal(err)
		}
		r.tell(func(s *Server) { s.DeleteFunction(f) })
		for _, public := range []bool{true, false} {
			r.eventually("the function is gone", func() error {
				got := r.internal("/fission-function/again")
				if public {
					got = r.get("/again")
				}
				if got.status != http.StatusOK && got.status != http.StatusNotFound {
					t.Errorf("between 200 and 404 came %d: %s", got.status, got.body)
				}
				return got.want(http.StatusNotFound, "")
			})
		}
		r.state("again", wire.RouteFunctionNotFound)
		r.eventually("Envoy lets go of the cluster", func() error {
			clusters, err := r.envoy.Get(t.Context(), "/clusters")
			if err == nil && strings.Contains(clusters, f.UID+"::") {
				err = fmt.Errorf("%s is still there", f.UID)
			}
			return err
		})
	}
}

func TestEnvoy_Answers404FromTheMomentARouteIsDeleted(t *testing.T) {
	r, _, _ := spillRig(t)
	if err := r.get("/f").want(http.StatusOK, "pod"); err != nil {
		t.Fatal(err)
	}
	r.tell(func(s *Server) { s.DeleteRoute("default", "f") })
	r.eventually("the route is gone", func() error {
		got := r.get("/f")
		if got.status != http.StatusOK && got.status != http.StatusNotFound {
			t.Errorf("between 200 and 404 came %d: %s", got.status, got.body)
		}
		return got.want(http.StatusNotFound, "")
	})
	if _, ok := r.server.Statuses().Get("default/f"); ok {
		r.eventually("its status is gone", func() error {
			if status, ok := r.server.Statuses().Get("default/f"); ok {
				return fmt.Errorf("%+v", status)
			}
			return nil
		})
	}
}

func TestEnvoy_LosesNothingWhileTheServerRestarts(t *testing.T) {
	r, pod, _ := spillRig(t)
	r.function("cold")
	r.route("cold", v1.HTTPTriggerSpec{RelativeURL: "/cold"})
	var failed atomic.Pointer[answered]
	stop, count := make(chan struct{}), atomic.Int64{}
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := r.get("/f"); got.err != nil || got.status != http.StatusOK {
					failed.CompareAndSwap(nil, &got)
				}
				count.Add(1)
			}
		})
	}
	r.stop()
	cold := make(chan answered, 1)
	go func() { cold <- r.get("/cold") }() // needs a cluster that only the next server can give
	r.startServer()
	before := count.Load()
	r.eventually("requests go on before the server knows the world", func() error {
		if count.Load() < before+50 {
			return fmt.Errorf("%d", count.Load()-before)
		}
		return nil
	})
	if r.server.Ready() == nil {
		t.Error("the server is ready though it is not synced")
	}
	r.server.Synced()
	if err := (<-cold).want(http.StatusOK, "activator"); err != nil {
		t.Errorf("a first call while the server restarted: %v", err)
	}
	r.state("f", wire.RouteAcknowledged)
	r.tell(func(s *Server) { s.SetFunction(&v1.Function{ObjectMeta: r.meta("new")}) })
	r.eventually("changes arrive", func() error { return r.internal("/fission-function/new").want(http.StatusOK, "activator") })
	close(stop)
	clients.Wait()
	if got := failed.Load(); got != nil {
		t.Errorf("lost: %d %v %s", got.status, got.err, got.body)
	}
	_ = pod
}

func TestEnvoy_KeepsWhatItHasWhenItRefusesResources(t *testing.T) {
	r, _, _ := spillRig(t)
	r.server.catalog.replace(typeScope, []*resource{r.server.catalog.set[typeScope][tableInternal], newResource(tablePublic, scope(&routev3.RouteConfiguration{
		Name: tablePublic, VirtualHosts: []*routev3.VirtualHost{{Name: "a", Domains: []string{"*"}}, {Name: "b", Domains: []string{"*"}}},
	}))})
	r.eventually("Envoy refuses the table", func() error {
		r.server.tracker.mu.Lock()
		defer r.server.tracker.mu.Unlock()
		if r.server.tracker.reason == "" {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	if err := r.get("/f").want(http.StatusOK, "pod"); err != nil {
		t.Errorf("after the refusal: %v", err)
	}
	// An Envoy that starts now gets the last good table.
	r.envoy.Stop()
	r.startEnvoy()
	r.eventually("the new Envoy serves", func() error { return r.get("/f").want(http.StatusOK, "pod") })
	// And the next change is sent as ever.
	r.function("g")
	r.route("g", v1.HTTPTriggerSpec{RelativeURL: "/g"})
	if err := r.get("/g").want(http.StatusOK, "activator"); err != nil {
		t.Error(err)
	}
}

func TestEnvoy_RoutesReportWhatBecameOfThem(t *testing.T) {
	r, _, _ := spillRig(t)
	declare := func(name string, spec v1.HTTPTriggerSpec) {
		trigger := &v1.HTTPTrigger{ObjectMeta: r.meta(name), Spec: spec}
		r.tell(func(s *Server) { s.SetRoute(trigger) })
	}
	to := func(function string) v1.FunctionReference {
		return v1.FunctionReference{Type: v1.ReferenceName, Name: function}
	}
	declare("late", v1.HTTPTriggerSpec{Prefix: new("/f"), FunctionReference: to("f")})
	if s := r.state("late", wire.RouteConflict); !strings.Contains(s.Message, "default/f is older") {
		t.Errorf("message %q", s.Message)
	}
	declare("lonely", v1.HTTPTriggerSpec{RelativeURL: "/lonely", FunctionReference: to("nobody")})
	if s := r.state("lonely", wire.RouteFunctionNotFound); !strings.Contains(s.Message, "default/nobody") {
		t.Errorf("message %q", s.Message)
	}
	declare("broken", v1.HTTPTriggerSpec{RelativeURL: "/{", FunctionReference: to("f")})
	r.state("broken", wire.RouteInvalid)
	r.function("nobody")
	r.state("lonely", wire.RouteAcknowledged)
	r.tell(func(s *Server) { s.DeleteRoute("default", "f") })
	r.state("late", wire.RouteAcknowledged)
	r.envoy.Stop()
	r.state("late", wire.RouteNoEnvoy)
}
