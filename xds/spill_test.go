package xds

import (
	"net/http"
	"testing"

	v1 "hotpod.dev/api/v1"
)

func TestEnvoy_ServesAFunctionFromItsFirstCallOn(t *testing.T) {
	r := newRig(t)
	activator, pod := newBackend(t, "activator"), newBackend(t, "pod")
	r.activator(activator)
	hello := r.function("hello")
	r.route("hello", v1.HTTPTriggerSpec{RelativeURL: "/hello"})
	if err := r.get("/hello").want(http.StatusOK, "activator"); err != nil {
		t.Fatalf("the first request of a function without pods: %v", err)
	}
	uid := r.hot(hello, 1, pod)
	r.eventually("the pod serves", func() error { return r.get("/hello").want(http.StatusOK, "pod") })
	r.tell(func(s *Server) { s.DeletePod(uid) })
	r.eventually("the activator serves again", func() error { return r.get("/hello").want(http.StatusOK, "activator") })
}
