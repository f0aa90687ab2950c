package pool

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQueue_GoesRoundTheFunctionsInOrder(t *testing.T) {
	var q queue
	for f := range strings.SplitSeq("aaabbc", "") {
		q.push(&waiter{function: f})
	}
	q.remove(q.byFunction["a"][1])
	var got strings.Builder
	for w := q.pop(); w != nil; w = q.pop() {
		got.WriteString(w.function)
	}
	if got.String() != "abcab" || q.size != 0 || len(q.byFunction) != 0 {
		t.Errorf("popped %s, %d left", got.String(), q.size)
	}
}

func TestQueue_TakeRemovesOneGenerationOfAFunction(t *testing.T) {
	var q queue
	old, next, other := &waiter{function: "a", generation: 1}, &waiter{function: "a", generation: 2}, &waiter{function: "b", generation: 1}
	for _, w := range []*waiter{old, next, other} {
		q.push(w)
	}
	if got := q.take("a", 1); len(got) != 1 || got[0] != old {
		t.Errorf("took %v", got)
	}
	if q.pop() != next || q.pop() != other || q.pop() != nil {
		t.Error("the others are not there in order")
	}
}

// A pod that takes long is asked seldom whether it is ready, but not while somebody waits for it, nor from when somebody does.
func TestClaim_HasThePodAtOnceWhenItIsReady(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.starts = 10*time.Second + 17*time.Millisecond
		w.pool.SetEnvironment(environmentOf("node", 1))
		w.pool.Synced()
		w.settle(10 * time.Second)
		w.claim("late")
		if over := time.Since(w.begun) - w.starts; over > 2*greetUrgent {
			t.Errorf("a claim for a pod that was starting had it %s after it was ready", over)
		}
		w.settle(time.Minute)
		w.claim("first")
		begun := time.Now()
		w.claim("second")
		if over := time.Since(begun) - w.starts; over > 2*greetUrgent {
			t.Errorf("a claim that finds no pod had one %s after it was ready", over)
		}
	})
}

// A queue is compared with a list that is searched from the front for the function that was served longest ago.
func TestQueue_AgreesWithASlowOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		var slow []*waiter
		var turns []string // functions that wait, longest unserved first
		drop := func(w *waiter) {
			slow = slices.DeleteFunc(slow, func(x *waiter) bool { return x == w })
			if !slices.ContainsFunc(slow, func(x *waiter) bool { return x.function == w.function }) {
				turns = slices.DeleteFunc(turns, func(f string) bool { return f == w.function })
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				w := &waiter{function: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "function")}
				q.push(w)
				slow = append(slow, w)
				if !slices.Contains(turns, w.function) {
					turns = append(turns, w.function)
				}
			},
			"pop": func(t *rapid.T) {
				var want *waiter
				if len(turns) > 0 {
					want = slow[slices.IndexFunc(slow, func(w *waiter) bool { return w.function == turns[0] })]
					turns = append(turns[1:], turns[0])
					drop(want)
				}
				if got := q.pop(); got != want {
					t.Fatalf("popped %+v, want %+v", got, want)
				}
			},
			"remove": func(t *rapid.T) {
				if len(slow) == 0 {
					t.Skip("empty")
				}
				w := rapid.SampledFrom(slow).Draw(t, "waiter")
				drop(w)
				if !q.remove(w) || q.remove(w) {
					t.Fatal("remove does not say whether the claim waited")
				}
			},
			"": func(t *rapid.T) {
				if q.size != len(slow) || len(q.turns) != len(turns) {
					t.Fatalf("size %d, want %d; turns %v, want %v", q.size, len(slow), q.turns, turns)
				}
			},
		})
	})
}
