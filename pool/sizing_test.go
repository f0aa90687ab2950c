package pool

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// status returns what is published of the environment "node".
func (w *world) status() wire.PoolStatus {
	w.t.Helper()
	s, ok := w.pool.status.Get("ns/node")
	if !ok {
		w.t.Error("nothing is published of ns/node")
	}
	return s
}

func (w *world) wantSize(wanted int, reason SizeReason) {
	w.t.Helper()
	if s := w.status(); s.Wanted != wanted || s.Reason != string(reason) {
		w.t.Errorf("%d warm pods are wanted because of %s, want %d because of %s", s.Wanted, s.Reason, wanted, reason)
	}
}

// annotated returns the environment "node", of two warm pods, with an annotation.
func annotated(annotation, value string) *v1.Environment {
	e := environmentOf("node", 2)
	e.Annotations = map[string]string{annotation: value}
	return e
}

func TestPool_FollowsTheClaimsOfTheLastMinutesAndComesBack(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.starts = 4 * time.Second
		w.pool.SetEnvironment(environmentOf("node", 2))
		w.pool.Synced()
		w.settle(20 * time.Second)
		waited := 0
		for i := range 30 { // one every two seconds: two and a half while a pod starts
			begun := time.Now()
			uid := w.claim(fmt.Sprint("f", i)).UID
			if i > 10 && time.Since(begun) > 100*time.Millisecond {
				waited++
			}
			go func() { _ = w.pool.Drain(t.Context(), uid, time.Second) }()
			w.settle(2 * time.Second)
		}
		if waited > 0 {
			t.Errorf("%d claims waited though the pool had time to follow", waited)
		}
		w.wantSize(6, SizeClaims) // .5/s * 5 s = 2.5; 2.5 + 1.65 * 1.58 = 5.1
		if s := w.status(); s.Rate != .5 || s.LeadMillis < 5000 || s.LeadMillis > 5500 || s.Maximum != DefaultMaxPoolSize || s.Wanted != 6 {
			t.Errorf("status %+v", s)
		}
		w.settle(2 * time.Minute)
		w.warm("ns/node", 6)
		w.settle(4 * time.Minute) // nobody claims, and nothing else happens either
		w.wantSize(2, SizePoolsize)
		w.warm("ns/node", 2)
	})
}

// claimed is a pool with an annotation of which n pods were claimed.
func (w *world) claimed(n int, annotation, value string) {
	w.pool.SetEnvironment(annotated(annotation, value))
	w.pool.Synced()
	w.settle(time.Second)
	for i := range n {
		w.claim(fmt.Sprint("f", i))
	}
}

func TestPool_ABoundedOneGrowsNoFurther(t *testing.T) {
	bubble(t, func(w *world) {
		w.claimed(20, v1.AnnotationMaxPoolSize, "3")
		w.settle(2 * time.Second)
		w.wantSize(3, SizeMaximum)
		w.warm("ns/node", 3)
	})
}

func TestPool_MaximumOfPodsIsTheEnvironments(t *testing.T) {
	bubble(t, func(w *world) {
		w.claimed(3, v1.AnnotationMaxPods, "4")
		w.settle(time.Minute)
		if n := w.made(); n != 4 {
			w.t.Errorf("%d pods were made, want 4", n)
		}
	})
}

func TestPool_PodsThatFindNoNodeAreNotMultiplied(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		w.mu.Lock()
		w.starts = 1000 * time.Hour
		w.prepare = func(p *fakePod) {
			p.pod.Status.Conditions = []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes: insufficient cpu",
			}}
		}
		w.mu.Unlock()
		for i := range 60 {
			go func() { _, _ = w.pool.Claim(t.Context(), functionOf(fmt.Sprint("f", i), "node")) }()
			w.settle(time.Second)
		}
		if s := w.status(); s.Unschedulable > mostStuck || s.Unschedulable == 0 {
			t.Errorf("%d pods wait for a node", s.Unschedulable)
		}
		if n := w.made(); n > 3+mostStuck {
			t.Errorf("%d pods were made where none finds a node", n-3)
		}
	})
}

func TestPool_OfAnUnusedEnvironmentGoesToZeroWhereAllowed(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.pool.SetEnvironment(annotated(v1.AnnotationPoolIdleTimeout, "10m"))
		w.pool.SetEnvironment(environmentOf("ruby", 1))
		w.pool.Synced()
		w.settle(time.Second)
		hot := w.claim("f")
		w.settle(30 * time.Minute) // a hot pod is use
		w.wantSize(2, SizePoolsize)
		_ = w.pool.Drain(t.Context(), hot.UID, time.Second)
		w.settle(10*time.Minute - 10*time.Second)
		w.warm("ns/node", 2)
		w.settle(20 * time.Second)
		w.wantSize(0, SizeIdle)
		w.warm("ns/node", 0)
		if n := len(w.live()[wire.StateWarm]); n != 1 {
			t.Errorf("%d warm pods are left, of them one of ruby", n)
		}

		// The first claim waits for a pod's start, and the pool is there again.
		begun := time.Now()
		again := w.claim("f")
		if took := time.Since(begun); took < 300*time.Millisecond || took > 400*time.Millisecond {
			t.Errorf("the first claim took %s; pods start in 300 ms", took)
		}
		w.settle(5 * time.Second)
		w.warm("ns/node", 2)
		_ = w.pool.Drain(t.Context(), again.UID, time.Second)

		// A pool that starts anew does not fill what nobody uses.
		w.settle(11 * time.Minute)
		used := metav1.NewTime(time.UnixMilli(w.status().LastUsedMillis))
		w.stop()
		w.restart()
		w.run()
		e := annotated(v1.AnnotationPoolIdleTimeout, "10m")
		e.Status.Pool = &v1.EnvironmentPool{LastUsed: &used}
		created := w.made()
		w.pool.SetEnvironment(e)
		w.pool.Synced()
		w.settle(time.Minute)
		w.wantSize(0, SizeIdle)
		if n := w.made() - created; n != 0 {
			t.Errorf("%d pods were made of an environment that nobody uses", n)
		}
	})
}

// Times of the past or the future, by clocks that are wrong, must not hold a pool back, nor keep it for ever.
func TestLastUsed_IsNeverInTheFuture(t *testing.T) {
	now := time.Now()
	e := environmentOf("node", 1)
	at := func(d time.Duration) time.Time {
		used := metav1.NewTime(now.Add(d))
		e.Status.Pool = &v1.EnvironmentPool{LastUsed: &used}
		return lastUsed(e, now)
	}
	if got := now.Sub(at(-time.Hour)); got < time.Hour-time.Second || got > time.Hour+time.Second {
		t.Errorf("used an hour ago counts as %s ago", got)
	}
	if got := at(time.Hour); !got.Equal(now) {
		t.Errorf("used in an hour counts as %s", got)
	}
	e.Status.Pool = nil
	if got := lastUsed(e, now); !got.Equal(now) {
		t.Errorf("not known counts as %s", got)
	}
}

func TestMetrics_SayWhatThePoolsSizeFollowsFrom(t *testing.T) {
	bubble(t, func(w *world) {
		w.ready(2)
		for i := range 10 {
			w.claim(fmt.Sprint("f", i))
		}
		w.settle(2 * time.Second)
		want := `
# HELP hotpod_pool_claims_per_second Claims in the busiest 20 seconds of the last five minutes.
# TYPE hotpod_pool_claims_per_second gauge
hotpod_pool_claims_per_second{environment="node",environment_namespace="ns"} 0.5
# HELP hotpod_pool_wanted_pods Warm pods that there shall be, and why.
# TYPE hotpod_pool_wanted_pods gauge
hotpod_pool_wanted_pods{environment="node",environment_namespace="ns",reason="Claims"} 3
`
		if err := testutil.GatherAndCompare(w.reg, strings.NewReader(want), "hotpod_pool_claims_per_second", "hotpod_pool_wanted_pods"); err != nil {
			w.t.Error(err)
		}
		if n := testutil.CollectAndCount(newCensus(w.pool), "hotpod_pool_lead_seconds"); n != 1 {
			w.t.Errorf("%d series of the lead", n)
		}
	})
}

func TestClaim_WaitsAMomentForAnEnvironmentThatWasJustMade(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.pool.Synced()
		got := make(chan error, 1)
		go func() {
			_, err := w.pool.Claim(t.Context(), functionOf("f", "node"))
			got <- err
		}()
		w.settle(100 * time.Millisecond)
		w.pool.SetEnvironment(environmentOf("ruby", 1)) // another one
		w.settle(100 * time.Millisecond)
		w.pool.SetEnvironment(environmentOf("node", 1))
		if err := <-got; err != nil {
			t.Errorf("claim = %v", err)
		}
		begun := time.Now()
		_, err := w.pool.Claim(t.Context(), functionOf("f", "perl"))
		failure(t, err, "EnvironmentNotFound", "ns/perl does not exist")
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("it took %s to say so", took)
		}
		synctest.Wait()
	})
}
