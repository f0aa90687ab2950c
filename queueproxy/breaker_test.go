package queueproxy

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// twin is the Breaker as simply as it can be written: a list, looked at from its beginning every time.
type twin struct {
	bounds   Bounds
	inside   int
	used     bool
	draining bool
	queue    []twinWaiter
}

type twinWaiter struct {
	id      int
	arrival Arrival
}

func (m *twin) arrive(id int, a Arrival) Verdict {
	if m.draining && a != Stuck {
		return Drained
	}
	if m.bounds.Once && m.used {
		return Limited
	}
	if len(m.queue) == 0 && (m.bounds.Limit <= 0 || m.inside < m.bounds.Limit) {
		m.inside++
		m.used = true
		return Admitted
	}
	if a == Direct {
		return Limited
	}
	if len(m.queue) >= m.bounds.MaxWaiting {
		return Overflowed
	}
	m.queue = append(m.queue, twinWaiter{id, a})
	return Queued
}

// settle decides about all that can be decided, and returns id and verdict of each.
func (m *twin) settle() (out []string) {
	for i := 0; i < len(m.queue); {
		w := m.queue[i]
		var verdict Verdict
		switch {
		case m.bounds.Once && m.used:
			verdict = Limited
		case m.draining && w.arrival != Stuck:
			verdict = Drained
		default:
			i++
			continue
		}
		m.queue = slices.Delete(m.queue, i, i+1)
		out = append(out, fmt.Sprint(w.id, verdict))
	}
	if len(m.queue) > 0 && (m.bounds.Limit <= 0 || m.inside < m.bounds.Limit) {
		w := m.queue[0]
		m.queue = m.queue[1:]
		m.inside++
		m.used = true
		return append(append(out, fmt.Sprint(w.id, Admitted)), m.settle()...)
	}
	return out
}

func TestBreaker_DecidesAsItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bounds := rapid.Custom(func(t *rapid.T) Bounds {
			return Bounds{Limit: rapid.IntRange(0, 4).Draw(t, "limit"), Once: rapid.IntRange(0, 9).Draw(t, "once") == 0, MaxWaiting: rapid.IntRange(0, 5).Draw(t, "waiting")}
		})
		b := bounds.Draw(t, "bounds")
		breaker, model := NewBreaker(b), &twin{bounds: b}
		waiters := map[int]*Waiter{}
		settle := func() {
			var got []string
			for w, v := breaker.Settle(); w != nil; w, v = breaker.Settle() {
				for id, other := range waiters {
					if other == w {
						got = append(got, fmt.Sprint(id, v))
						delete(waiters, id)
					}
				}
			}
			if want := model.settle(); !slices.Equal(got, want) {
				t.Fatalf("settled %v, the twin %v", got, want)
			}
		}
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				next++
				a := Arrival(rapid.IntRange(0, 2).Draw(t, "arrival"))
				w := &Waiter{}
				got, want := breaker.Arrive(a, w), model.arrive(next, a)
				if got != want {
					t.Fatalf("Arrive = %d, the twin %d", got, want)
				}
				if got == Queued {
					waiters[next] = w
				}
			},
			"leave": func(t *rapid.T) {
				if model.inside == 0 {
					t.Skip("nobody is inside")
				}
				breaker.Leave()
				model.inside--
				settle()
			},
			"abandon": func(t *rapid.T) {
				if len(model.queue) == 0 {
					t.Skip("nobody waits")
				}
				i := rapid.IntRange(0, len(model.queue)-1).Draw(t, "waiter")
				id := model.queue[i].id
				model.queue = slices.Delete(model.queue, i, i+1)
				if !breaker.Abandon(waiters[id]) || breaker.Abandon(waiters[id]) {
					t.Fatal("Abandon does not find the waiter, or finds it twice")
				}
				delete(waiters, id)
				settle()
			},
			"drain": func(t *rapid.T) {
				if rapid.IntRange(0, 19).Draw(t, "rarely") > 0 {
					t.Skip("not now")
				}
				breaker.Drain()
				model.draining = true
				settle()
			},
			"bounds": func(t *rapid.T) {
				b := bounds.Draw(t, "new bounds")
				breaker.SetBounds(b)
				model.bounds = b
				settle()
			},
			"": func(t *rapid.T) {
				if breaker.Inside() != model.inside || breaker.Waiting() != len(model.queue) {
					t.Fatalf("%d inside and %d waiting, the twin %d and %d", breaker.Inside(), breaker.Waiting(), model.inside, len(model.queue))
				}
			},
		})
	})
}

func TestBreaker_ExpiresThoseWhosePatienceEnded(t *testing.T) {
	now := time.Unix(100, 0)
	k := NewBreaker(Bounds{Limit: 1, MaxWaiting: 9})
	waiters := map[int]*Waiter{}
	k.Arrive(Direct, nil)
	for _, seconds := range []int{30, 10, 20} {
		waiters[seconds] = &Waiter{until: now.Add(time.Duration(seconds) * time.Second)}
		k.Arrive(Patient, waiters[seconds])
	}
	if w, first := k.Expire(now); w != nil || first != now.Add(10*time.Second) {
		t.Errorf("at the start = %v, %v", w, first)
	}
	now = now.Add(20 * time.Second)
	for range 2 {
		w, _ := k.Expire(now)
		if w == nil || w != waiters[10] && w != waiters[20] {
			t.Fatalf("expired = %p", w)
		}
	}
	if w, first := k.Expire(now); w != nil || first != now.Add(10*time.Second) || k.Waiting() != 1 {
		t.Errorf("then = %v, %v, with %d waiting", w, first, k.Waiting())
	}
	if k.Abandon(waiters[10]) {
		t.Error("one that expired was abandoned")
	}
}
