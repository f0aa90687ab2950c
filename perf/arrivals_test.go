package perf

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestArrivals_AreNotedInOrderAndAnswered(t *testing.T) {
	const n = 50
	seen := arrivals{n: n, all: make(chan struct{})}
	var addresses nextAddress
	address := addresses.take()
	var counts atomic.Bool
	note := func(number int) {
		if counts.Load() {
			seen.note(number)
		}
	}
	stop, err := runArrivals(t.Context(), note, address)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	callers, err := numberedCallers(t.Context(), &entry{address: address, path: "/"}, n)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, c := range callers {
			_ = c.Close()
		}
	}()
	// An answer on the last connection says that all are accepted: what is sent on one that waits for that has no place yet.
	if err := errors.Join(callers[n-1].send(), callers[n-1].receive()); err != nil {
		t.Fatal(err)
	}
	counts.Store(true)
	for _, i := range []int{1, 0} { // the first two change places
		if err := callers[i].send(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range callers[2:] {
		if err := c.send(); err != nil {
			t.Fatal(err)
		}
	}
	got, err := seen.judge(t.Context(), time.Now(), callers)
	if err != nil || got.failures != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := slices.Concat([]int{1, 0}, sequence(2, n)); !slices.Equal(seen.order, want) {
		t.Errorf("order %v", seen.order)
	}
}

func TestArrivals_StopEndsItWithItsConnections(t *testing.T) {
	var addresses nextAddress
	address := addresses.take()
	stop, err := runArrivals(t.Context(), func(int) {}, address)
	if err != nil {
		t.Fatal(err)
	}
	callers, err := numberedCallers(t.Context(), &entry{address: address, path: "/"}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer callers[0].Close()
	if err := callers[0].send(); err != nil {
		t.Fatal(err)
	}
	if err := callers[0].receive(); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := callers[0].receive(); err == nil {
		t.Error("the connection is still open")
	}
}

func sequence(from, to int) (all []int) {
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}
