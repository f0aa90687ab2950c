package testproxy

import (
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"
)

// Bubble runs f in a bubble of fake time (package testing/synctest) in which fasthttp works: the goroutines that it
// keeps for the whole process are started outside, by one request, and those that clean up after connections end
// within a minute of fake time after f. Sockets do not work in a bubble; use Pipe.
func Bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	warmUp(t)
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		t.Cleanup(func() { time.Sleep(time.Minute) }) // runs last, after what f leaves to be cleaned up
		f(t)
	})
}

// Pipe returns a listener in memory and a function that connects to it.
func Pipe() (net.Listener, func() (net.Conn, error)) {
	lis := fasthttputil.NewInmemoryListener()
	return lis, lis.Dial
}

// warmUp makes fasthttp start what it keeps.
func warmUp(t *testing.T) {
	t.Helper()
	lis, dial := Pipe()
	srv := &fasthttp.Server{Handler: func(*fasthttp.RequestCtx) {}}
	go func() { _ = srv.Serve(lis) }()
	client := &fasthttp.HostClient{Addr: "warm-up", Dial: func(string) (net.Conn, error) { return dial() }}
	if _, _, err := client.Get(nil, "http://warm-up/"); err != nil {
		t.Fatalf("warm fasthttp up: %v", err)
	}
	client.CloseIdleConnections()
	_ = srv.Shutdown()
}
