package pool

import (
	"testing"
	"time"
)

func TestRefill_WaitsForClaimsButNotForever(t *testing.T) {
	begin := time.Unix(1000, 0)
	after := begin.Add
	var r refill
	if !r.due(begin) {
		t.Error("nothing was claimed, but the refill waits")
	}
	r.claimed(begin)
	if r.due(after(RefillPause-1)) || !r.due(after(RefillPause)) {
		t.Error("one claim does not put the refill off for the pause")
	}
	r = refill{}
	for d := time.Duration(0); d < refillLatest; d += RefillPause / 2 {
		if r.claimed(after(d)); r.due(after(d)) {
			t.Errorf("due after %s of claims", d)
		}
	}
	if !r.due(after(refillLatest)) {
		t.Error("claims without end put the refill off without end")
	}
	r.claimed(after(refillLatest))
	if r.due(after(refillLatest)) {
		t.Error("a claim after the refill was due does not put off the next")
	}
}

func TestPool_RefillsAfterTheClaimAndNotDuringIt(t *testing.T) {
	bubble(t, func(w *world) {
		w.ready(2)
		w.claim("hello")
		w.settle(RefillPause / 2)
		if n := w.made(); n != 2 {
			t.Errorf("%d pods were made for the pool right beside the claim", n-2)
		}
		w.settle(RefillPause)
		if n := w.made(); n != 3 {
			t.Errorf("%d pods were made for the pool after the claim, want 1", n-2)
		}
		w.claim("second")
		w.claim("third")
		w.settle(time.Millisecond)
		w.claim("fourth") // finds none
		w.settle(time.Second)
		w.warm("ns/node", 2)
	})
}

// made returns the number of pods that were ever created.
func (w *world) made() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.created
}
