package pool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/wire"
)

// TestPool_SurvivesAnything lets many things happen at random: claims, drains, kills, restarts of
// containers, an API server that comes and goes, changing environments. The world checks that no pod ever
// meets two functions; in the end everything has to be as wanted.
func TestPool_SurvivesAnything(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			bubble(t, func(w *world) {
				chaos(w.t, w, rand.New(rand.NewPCG(seed, 1)))
			})
		})
	}
}

func chaos(t *testing.T, w *world, r *rand.Rand) {
	t.Helper()
	environments := []string{"node", "ruby"}
	for _, e := range environments {
		w.pool.SetEnvironment(environmentOf(e, 2))
	}
	functions := []string{"a", "b", "c", "d"}
	for _, f := range functions {
		w.pool.SetFunction(functionOf(f, environmentFor(f)))
	}
	w.pool.Synced()
	claims := map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 300 {
		step(t, w, r, func(name string) {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				pod, err := w.pool.Claim(ctx, functionOf(name, environmentFor(name)))
				if err != nil {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if other := claims[pod.UID]; other != "" {
					t.Errorf("%s was given to %s and to %s", pod.UID, other, name)
				}
				claims[pod.UID] = name
			})
		}, functions)
		time.Sleep(time.Duration(r.IntN(400)) * time.Millisecond)
	}
	w.mu.Lock()
	w.apiErr, w.load = nil, nil
	w.mu.Unlock()
	wg.Wait()
	for _, e := range environments {
		w.pool.SetEnvironment(environmentOf(e, 2))
	}
	w.settle(15 * time.Minute)
	for _, e := range environments {
		w.warm("ns/"+e, 2)
	}
	for uid, held := range w.hot {
		if p := w.look(uid); p.deleted || p.pod.Labels[wire.LabelState] != "hot" || p.pod.Labels[wire.LabelFunctionUID] != held.Function.UID {
			t.Errorf("%s is hot for %s: deleted %v, labels %v", uid, held.Function.Name, p.deleted, p.pod.Labels)
		}
	}
	if n := len(w.live()[wire.StateWarm]) + len(w.live()[wire.StateDraining]); n != 4 {
		t.Errorf("%d pods are warm or draining, want 4", n)
	}
}

func environmentFor(function string) string {
	if function < "c" {
		return "node"
	}
	return "ruby"
}

// step lets one thing happen.
func step(t *testing.T, w *world, r *rand.Rand, claim func(string), functions []string) {
	t.Helper()
	switch n := r.IntN(20); {
	case n < 7:
		claim(functions[r.IntN(len(functions))])
	case n < 12:
		uid := w.any(r, true)
		go func() { _ = w.pool.Drain(t.Context(), uid, time.Second) }()
	case n < 13:
		w.toggle(&w.apiErr)
	case n < 14:
		e := environmentOf("node", 2)
		e.Spec.Runtime.Image = fmt.Sprint("image:", r.IntN(3))
		w.pool.SetEnvironment(e)
	case n < 16:
		if uid := w.any(r, false); uid != "" {
			w.change(uid, func(p *fakePod) { p.deleted = true })
		}
	case n < 17:
		if uid := w.any(r, false); uid != "" {
			w.change(uid, func(p *fakePod) {
				p.pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", RestartCount: 1}}
			})
		}
	case n < 18:
		w.mu.Lock()
		w.load = func(*fakePod, *wire.SpecializeRequest) error { return errors.New("connection reset") }
		w.mu.Unlock()
	default:
		w.mu.Lock()
		w.load = nil
		w.mu.Unlock()
	}
}

func (w *world) toggle(err *error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if *err == nil {
		*err = errors.New("connection refused")
	} else {
		*err = nil
	}
}

// any returns a pod that is there, hot ones only if asked, "" when there is none.
func (w *world) any(r *rand.Rand, hot bool) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	uids := slices.Sorted(maps.Keys(w.pods))
	if hot {
		uids = slices.Sorted(maps.Keys(w.hot))
	}
	uids = slices.DeleteFunc(uids, func(uid string) bool { return w.pods[uid].deleted })
	if len(uids) == 0 {
		return ""
	}
	return uids[r.IntN(len(uids))]
}
