package feed

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
)

func TestReplicas_EachIsWatchedWhileItIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		addresses, err := []string{"10.0.0.1", "10.0.0.2"}, error(nil)
		set := func(e error, a ...string) {
			mu.Lock()
			defer mu.Unlock()
			addresses, err = a, e
		}
		watched := map[string]bool{}
		now := func() []string {
			time.Sleep(2 * lookEvery)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Sorted(maps.Keys(watched))
		}
		r := NewReplicas("xds:18001")
		r.resolve = func(context.Context, string) ([]string, error) {
			mu.Lock()
			defer mu.Unlock()
			return addresses, err
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- r.Watch(ctx, func(ctx context.Context, replica string, _ *grpc.ClientConn) {
				mu.Lock()
				watched[replica] = true
				mu.Unlock()
				<-ctx.Done()
				mu.Lock()
				delete(watched, replica)
				mu.Unlock()
			})
		}()
		expect := func(when string, want ...string) {
			t.Helper()
			if got := now(); !slices.Equal(got, want) {
				t.Errorf("%s: %q are watched, want %q", when, got, want)
			}
		}
		expect("at first", "10.0.0.1:18001", "10.0.0.2:18001")
		set(nil, "10.0.0.2", "10.0.0.3")
		expect("after one was replaced", "10.0.0.2:18001", "10.0.0.3:18001")
		set(errors.New("no answer"))
		expect("while nobody resolves names", "10.0.0.2:18001", "10.0.0.3:18001")
		set(&net.DNSError{IsNotFound: true})
		expect("when there are none")
		set(nil, "10.0.0.4")
		expect("when there is one again", "10.0.0.4:18001")
		cancel()
		if err := <-done; err != nil || len(watched) > 0 {
			t.Errorf("at the end %v are watched: %v", watched, err)
		}
	})
}
