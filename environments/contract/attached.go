package contract

import (
	"net/http"
	"path/filepath"
)

// AttachedChecks returns what can be checked of a runtime that somebody else started, at addr: its life up to one function.
// The functions must lie where the runtime sees them under the same path. The checks belong together, in their order.
func AttachedChecks(addr string) []Check {
	on := func(check func(r *runtime, l Language)) func(T, Language) {
		return func(t T, l Language) { check(attach(t, addr), l) }
	}
	return []Check{
		{"address", "is listened on", true, on(func(r *runtime, _ Language) {
			if !r.listens() {
				r.t.Fatalf("nothing listens on %s", addr)
			}
		})},
		{"generic", "refuses requests", true, on(func(r *runtime, _ Language) {
			if a := r.get("/"); a.status < 400 {
				r.t.Fatalf("status %d: is it generic?", a.status)
			}
		})},
		{"load", "missing code and bad calls", true, on(func(r *runtime, l Language) { refusesToLoad(r, filepath.Join(l.Functions, "gone")) })},
		{"specialize", "loads once", true, on(func(r *runtime, l Language) {
			r.mustLoad(l.source(r.t, "hello"), l.entry(""))
			wantText(r.t, r.get("/"), http.StatusOK, "Hello, world!")
		})},
		{"specialize", "only once", true, on(func(r *runtime, l Language) {
			if a := r.load(l.source(r.t, "hello"), l.entry("")); a.status < 400 {
				r.t.Fatalf("a second load call: status %d", a.status)
			}
			wantText(r.t, r.get("/"), http.StatusOK, "Hello, world!")
		})},
		{"wire", "Connection: close and HTTP/1.0", true, on(func(r *runtime, _ Language) { closesConnections(r) })},
	}
}

// attach returns a runtime that runs already.
func attach(t T, addr string) *runtime {
	return &runtime{t: t, addr: addr, url: "http://" + addr, client: &http.Client{Timeout: patience}, stdout: &log{}, stderr: &log{}, ended: make(chan struct{})}
}
