package activator

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

// closedLoop runs clients that call again as soon as they are answered, half of them past the activator, as Envoy
// does, and returns how long each call of the others took.
func closedLoop(a *Activator, c *cluster, pods []*fakePod, clients int, length time.Duration) []time.Duration {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var waits []time.Duration
	end := time.Now().Add(length)
	call := func() {
		began := time.Now()
		if p := pods[rand.N(len(pods))]; func() bool { why, ok := p.take(0); return ok && why == "" }() {
			p.run()
		} else {
			a.Serve(request(c))
		}
		mu.Lock()
		defer mu.Unlock()
		waits = append(waits, time.Since(began))
	}
	for range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				call()
			}
		})
	}
	wg.Wait()
	return waits
}

func TestServe_NothingStarvesAtTheMaximum(t *testing.T) {
	for name, limit := range map[string]int{"limit 1": 1, "limit 4": 4} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, c := newTest(t), newCluster()
				pods := make([]*fakePod, 8)
				for i := range pods {
					pods[i] = c.add(string(rune('a'+i)), limit, func() time.Duration {
						return 8*time.Millisecond + rand.N(4*time.Millisecond)
					})
				}
				p := placement(limit, pods...)
				p.AtMaximum = true
				first := start(a, request(c)) // makes the queue known
				a.placed(p)
				<-first
				took := closedLoop(a, c, pods, 8*limit*3/2, 10*time.Second)
				slices.Sort(took)
				median, worst := took[len(took)/2], took[len(took)-1]
				t.Logf("%d calls, median %s, p99 %s, worst %s", len(took), median, took[len(took)*99/100], worst)
				if worst > 2*median {
					t.Errorf("worst call took %s, the median is %s", worst, median)
				}
				for _, p := range pods {
					if p.most > limit {
						t.Errorf("%d requests inside pod %s", p.most, p.hot.UID)
					}
				}
				ideal := int(10*time.Second/(10*time.Millisecond)) * 8 * limit
				if len(took) < ideal*85/100 {
					t.Errorf("%d calls, an ideal queue serves %d", len(took), ideal)
				}
			})
		})
	}
}

func TestServe_BurstOfOneFunctionHoldsUpNoOther(t *testing.T) {
	f := newAutoscaler(t)
	a, c := connect(t, f), newCluster()
	const crowd = 5000
	all := make([]chan struct{}, crowd)
	for i := range all {
		_, all[i] = serving(a, c)
	}
	for a.waiting() != crowd {
		waitABit()
	}
	other := wire.FunctionID{Namespace: "default", Name: "other", UID: "uid-other"}
	x := request(c)
	x.id = other
	done := make(chan struct{})
	go func() { defer close(done); a.Serve(x) }()
	for d := range f.heard {
		if d.Function == other {
			break
		}
	}
	p := placement(1, c.add("a", 1, lasting(0)))
	p.Function = other
	f.say(t, p)
	<-done
	if n := a.waiting(); !x.answered || n != crowd {
		t.Errorf("the other function's request: answered %v, failed %v; %d wait", x.answered, x.failed, n)
	}
	f.say(t, wire.Placement{Function: helloID, Failure: &wire.Failure{Message: "over"}})
	for _, done := range all {
		<-done
	}
}
