package activator

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

// start serves x in the background.
func start(a *Activator, x *fakeExchange) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		a.Serve(x)
	}()
	synctest.Wait()
	return done
}

func TestServe_HeldRequestGoesToThePodThatBecomesHot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		x := request(c)
		done := start(a, x)
		if a.waiting() != 1 {
			t.Fatalf("%d requests wait", a.waiting())
		}
		time.Sleep(5 * time.Second)
		a.placed(placement(1, c.add("a", 1, lasting(time.Millisecond))))
		<-done
		if !x.answered || x.failed != nil || a.waiting() != 0 {
			t.Errorf("answered %v, failed %v, %d wait", x.answered, x.failed, a.waiting())
		}
	})
}

func TestServe_ReleasesAThousandInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		var mu sync.Mutex
		var order []int
		all := make([]chan struct{}, 0, 1000)
		for i := range 1000 {
			x := request(c)
			x.entered = func(*fakePod) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			}
			all = append(all, start(a, x))
		}
		a.placed(placement(1, c.add("a", 1, lasting(time.Millisecond))))
		for _, done := range all {
			<-done
		}
		if len(order) != 1000 {
			t.Fatalf("%d served", len(order))
		}
		for i, n := range order { // those that are on their way at the same time may overtake one another
			if n < i-1-waitersPerPod || n > i+1+waitersPerPod {
				t.Errorf("request %d was served as number %d", n, i)
			}
		}
	})
}

func TestServe_NeverMoreDirectRequestsThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		p, q := c.add("a", 100, lasting(10*time.Millisecond)), c.add("b", 100, lasting(10*time.Millisecond))
		a.placed(placement(3, p, q))
		all := make([]chan struct{}, 0, 40)
		for range 40 {
			all = append(all, start(a, request(c)))
		}
		a.placed(placement(3, p, q))
		time.Sleep(5 * time.Millisecond)
		if p.has() != 3 || q.has() != 3 {
			t.Errorf("%d and %d requests at pods with a limit of 3", p.has(), q.has())
		}
		for _, done := range all {
			<-done
		}
	})
}

func TestServe_RefusedRequestTriesOtherPodsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		full := c.add("full", 1, lasting(time.Hour))
		full.busy = wire.BusyLimit
		draining := c.add("draining", 1, lasting(time.Hour))
		draining.busy = wire.BusyDraining
		free := c.add("free", 1, lasting(time.Millisecond))
		for range 3 { // whichever comes first
			x := request(c)
			done := start(a, x)
			a.placed(placement(1, full, draining, free))
			<-done
			if !x.answered || len(x.tried) > 3 {
				t.Errorf("tried %v, answered %v", x.tried, x.answered)
			}
		}
	})
}

func TestServe_AfterThreeRefusalsTheOldPositionAndThenAWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		pods := make([]*fakePod, 6)
		for i := range pods {
			pods[i] = c.add(string(rune('a'+i)), 1, lasting(time.Millisecond))
			pods[i].inside = 1 // a request from elsewhere, for 50 ms
		}
		first := request(c)
		firstDone := start(a, first)
		a.placed(placement(1, pods...))
		synctest.Wait()
		if len(first.tried) != 3 || a.waiting() != 1 {
			t.Fatalf("tried %v at once, %d wait", first.tried, a.waiting())
		}
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		if n := len(first.waits); first.waits[n-1] != shortWait {
			t.Errorf("after its patience the request was sent with waits %v", first.waits)
		}
		for _, p := range pods {
			go p.run()
		}
		<-firstDone
		if !first.answered {
			t.Error("not answered")
		}
	})
}

func TestServe_BodyThatCannotBeReplayedWaitsAtThePod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		p := c.add("a", 1, lasting(time.Millisecond))
		p.inside = 1
		x := request(c)
		x.length = -1
		done := start(a, x)
		a.placed(placement(1, p))
		synctest.Wait()
		if len(x.waits) != 1 || x.waits[0] != time.Minute {
			t.Fatalf("waits %v", x.waits)
		}
		go p.run()
		<-done
		if !x.answered {
			t.Error("not answered")
		}
	})
}

func TestServe_LostBodyIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		p := c.add("a", 1, lasting(time.Millisecond))
		p.busy = wire.BusyDraining
		x := request(c)
		x.lost = true
		done := start(a, x)
		a.placed(placement(1, p))
		<-done
		if x.failed == nil || x.failed.Status != 429 {
			t.Errorf("failed with %v", x.failed)
		}
	})
}

func TestServe_HoldTimeoutSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		place func(c *cluster) *wire.Placement
		after time.Duration
		why   string
	}{
		"no placement": {
			func(*cluster) *wire.Placement { return nil }, DefaultHold,
			"no pod took the request within 2m0s: no pod became ready",
		},
		"the function's own bound": {
			func(*cluster) *wire.Placement { return &wire.Placement{Function: helloID, HoldMillis: 5000} }, 5 * time.Second,
			"no pod took the request within 5s: no pod became ready",
		},
		"at the maximum": {
			func(c *cluster) *wire.Placement {
				p := placement(1, c.add("a", 0, nil))
				p.AtMaximum, p.HoldMillis = true, 5000
				return &p
			}, 5 * time.Second,
			"no pod took the request within 5s: every pod is busy and the function has as many as it may",
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, cl := newTest(t), newCluster()
				x := request(cl)
				began := time.Now()
				done := start(a, x)
				if p := c.place(cl); p != nil {
					a.placed(*p)
				}
				<-done
				if x.failed == nil || x.failed.Status != 504 || x.failed.Message != c.why {
					t.Errorf("failed with %v", x.failed)
				}
				if took := time.Since(began); took != c.after {
					t.Errorf("after %s, want %s", took, c.after)
				}
			})
		})
	}
}

func TestServe_FailureAnswersAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		xs := []*fakeExchange{request(c), request(c), request(c)}
		all := make([]chan struct{}, len(xs))
		for i, x := range xs {
			all[i] = start(a, x)
		}
		a.placed(wire.Placement{Function: helloID, Failure: &wire.Failure{Reason: "SpecializationFailed", Message: "SyntaxError"}})
		for i, done := range all {
			<-done
			if e := xs[i].failed; e == nil || e.Reason != "specialization_failed" || e.Message != "SyntaxError" {
				t.Errorf("request %d failed with %v", i, e)
			}
		}
	})
}

func TestServe_FailureWithPodsIsNotForTheRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		x := request(c)
		done := start(a, x)
		p := placement(1, c.add("a", 1, lasting(time.Millisecond)))
		p.Failure = &wire.Failure{Reason: "SpecializationFailed"}
		a.placed(p)
		<-done
		if !x.answered {
			t.Errorf("failed with %v", x.failed)
		}
	})
}

func TestServe_BeyondTheDepthIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t, func(c *Config) { c.Depth = 2 }), newCluster()
		x, y, z := request(c), request(c), request(c)
		xDone, yDone, zDone := start(a, x), start(a, y), start(a, z)
		<-zDone
		if z.failed == nil || z.failed.Status != 429 || z.failed.RetryAfter == 0 {
			t.Errorf("failed with %+v", z.failed)
		}
		a.placed(placement(1, c.add("a", 1, lasting(time.Millisecond))))
		<-xDone
		<-yDone
	})
}

func TestServe_PlaceOfAClientThatGivesUpIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t, func(c *Config) { c.Depth = 1 }), newCluster()
		x, y := request(c), request(c)
		xDone := start(a, x)
		close(x.gone)
		<-xDone
		yDone := start(a, y)
		a.placed(placement(1, c.add("a", 1, lasting(time.Millisecond))))
		<-yDone
		if !y.answered {
			t.Errorf("the next request failed with %v", y.failed)
		}
	})
}

func TestServe_WithoutAnAutoscalerTheErrorNamesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		a.links[0].open.Store(false)
		x := request(c)
		<-start(a, x)
		want := "no pod took the request within 2m0s: the autoscaler, which starts pods, cannot be reached"
		if e := x.failed; e == nil || e.Status != 500 || e.Component != "executor" || e.Reason != "executor_unavailable" || e.Message != want {
			t.Errorf("failed with %+v", e)
		}
	})
}

func TestServe_ClientThatGivesUpLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		x, y := request(c), request(c)
		xDone, yDone := start(a, x), start(a, y)
		close(x.gone)
		<-xDone
		if a.waiting() != 1 {
			t.Errorf("%d requests wait", a.waiting())
		}
		a.placed(placement(1, c.add("a", 1, lasting(time.Millisecond))))
		<-yDone
		if x.answered || x.failed != nil || !y.answered {
			t.Errorf("gone: answered %v, failed %v; the other: %v", x.answered, x.failed, y.answered)
		}
	})
}

func TestServe_WithoutAFunctionIsAClearError(t *testing.T) {
	a := newTest(t)
	for _, value := range []string{"", "not-an-id"} {
		x := request(newCluster())
		x.id, x.noID = wire.FunctionID{}, value
		a.Serve(x)
		if x.failed == nil || x.failed.Status != 400 || x.failed.Reason != "function_missing" {
			t.Errorf("%q: failed with %v", value, x.failed)
		}
	}
}

func TestServe_PodThatLeavesThePlacementGetsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		old, young := c.add("old", 1, lasting(time.Second)), c.add("young", 1, lasting(time.Millisecond))
		first := start(a, request(c))
		a.placed(placement(1, old))
		a.placed(placement(1, young))
		x := request(c)
		<-start(a, x)
		if !x.answered || x.tried[0] != "young" {
			t.Errorf("tried %v", x.tried)
		}
		<-first
	})
}
