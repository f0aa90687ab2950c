package proxy

import (
	"testing"
	"time"
)

func TestBuffers_AreNotHeldByWhoWaits(t *testing.T) {
	ours, peer := pair(t)
	var pool buffers
	type read struct {
		buf *buffer
		n   int
		err error
	}
	done := make(chan read, 1)
	go func() {
		buf, n, err := pool.read(ours, 5)
		done <- read{buf, n, err}
	}()
	select {
	case <-done:
		t.Fatal("something was read of nothing")
	case <-time.After(20 * time.Millisecond):
	}
	if n := pool.lent.Load(); n != 0 {
		t.Errorf("%d buffers are lent while one waits", n)
	}
	_, _ = peer.Write([]byte("hello, world"))
	r := <-done
	if r.err != nil || string(r.buf.p[:r.n]) != "hello" {
		t.Fatalf("read %q, %v", r.buf.p[:r.n], r.err)
	}
	if n := pool.lent.Load(); n != 1 {
		t.Errorf("%d buffers are lent with one in use", n)
	}
	pool.put(r.buf)
	_ = peer.CloseWrite()
	for r.err == nil {
		r.buf, r.n, r.err = pool.read(ours, largeBuffer)
		pool.put(r.buf)
	}
	if n := pool.lent.Load(); n != 0 {
		t.Errorf("%d buffers are lent at the end", n)
	}
}

func TestBuffers_LendFewLargeOnes(t *testing.T) {
	var pool buffers
	var all []*buffer
	large := 0
	for range 2 * maxLarge {
		b := pool.get()
		if len(b.p) == largeBuffer {
			large++
		}
		all = append(all, b)
	}
	if large != maxLarge {
		t.Errorf("%d large buffers were lent, not %d", large, maxLarge)
	}
	for _, b := range all {
		pool.put(b)
	}
	if b := pool.get(); len(b.p) != largeBuffer {
		t.Errorf("with all back, a buffer of %d was lent", len(b.p))
	}
}
