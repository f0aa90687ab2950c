package pool

import (
	"context"
	"testing"
	"time"

	"hotpod.dev/wire"
)

func TestBurst_LeavesAWarmPodForAFunctionThatHasNone(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(4)
		got := make(chan string, 20)
		burst := func(name string) {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				defer cancel()
				if _, err := w.pool.Claim(ctx, functionOf(name, "node")); err != nil {
					t.Error(err)
				}
				got <- name
			}()
		}
		for range 10 {
			burst("greedy")
		}
		w.settle(50 * time.Millisecond) // no new pod is ready yet
		if n := len(got); n != 3 {
			t.Errorf("the burst has %d of 4 warm pods, want 3", n)
		}
		begun := time.Now()
		w.claim("modest")
		if took := time.Since(begun); took > 50*time.Millisecond {
			t.Errorf("a function's first pod took %s, as long as a new one", took)
		}
		// The burst gets all that it asked for, and the pool is full again.
		w.settle(10 * time.Second)
		if n := len(got); n != 10 {
			t.Errorf("the burst has %d pods, want 10", n)
		}
		w.warm("ns/node", 4)
	})
}

func TestFirstPods_GoBeforeFurtherOnes(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		order := make(chan string, 10)
		claim := func(name string) {
			go func() {
				if _, err := w.pool.Claim(t.Context(), functionOf(name, "node")); err == nil {
					order <- name
				}
			}()
			w.settle(time.Millisecond)
		}
		for range 4 {
			claim("greedy") // the first has the warm pod, the others wait
		}
		claim("modest")
		w.settle(20 * time.Second)
		if first, second := <-order, <-order; first != "greedy" || second != "modest" || len(order) != 3 {
			t.Errorf("the order was %s, %s and %d more", first, second, len(order))
		}
	})
}

// A small pool, and one that cannot grow, keep nothing back.
func TestBurst_TakesAllWhereNothingCanBeKept(t *testing.T) {
	bubble(t, func(w *world) {
		w.ready(2)
		w.claim("greedy")
		begun := time.Now()
		w.claim("greedy")
		if took := time.Since(begun); took > 50*time.Millisecond {
			w.t.Errorf("the second pod of a pool of 2 took %s", took)
		}
	})
	p := &Pool{cfg: Config{MaxPods: 5}}
	e := &environment{object: environmentOf("node", 4), members: map[string]*member{}}
	if n := p.reserved(e); n != 1 {
		t.Errorf("%d are kept, want 1", n)
	}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		e.members[name] = &member{}
	}
	if n := p.reserved(e); n != 0 {
		t.Errorf("%d are kept by a pool that cannot grow", n)
	}
}

// A pool that starts finds pods that were made for claims it does not know yet, and keeps them for a while.
func TestStart_KeepsWhatMayBeAskedForAgain(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(5)
		w.stop()
		w.restart()
		w.run()
		w.pool.SetEnvironment(environmentOf("node", 1))
		for _, p := range w.live()[wire.StateWarm] {
			w.pool.SetPod(p.pod.DeepCopy())
		}
		w.pool.Synced()
		w.settle(patience / 2)
		if n := len(w.live()[wire.StateWarm]); n != 5 {
			t.Errorf("%d warm pods soon after the start, want 5", n)
		}
		w.settle(patience)
		if n := len(w.live()[wire.StateWarm]); n != 1 {
			t.Errorf("%d warm pods later, want 1", n)
		}
	})
}
