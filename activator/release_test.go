package activator

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

// crowd is requests of one function that were held in the order of their numbers.
type crowd struct {
	mu      sync.Mutex
	arrived []int // at a function, in this order
	all     []chan struct{}
}

func hold(a *Activator, c *cluster, n int) *crowd {
	all := &crowd{}
	for i := range n {
		x := request(c)
		x.entered = func(*fakePod) {
			all.mu.Lock()
			defer all.mu.Unlock()
			all.arrived = append(all.arrived, i)
		}
		all.all = append(all.all, start(a, x))
	}
	return all
}

// wait returns when all are answered.
func (c *crowd) wait() {
	for _, done := range c.all {
		<-done
	}
}

// order returns who arrived until now, in order.
func (c *crowd) order() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.arrived)
}

func TestRelease_CrowdConnectsAFewAtATimeAndInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		held := hold(a, c, 1000)
		p := c.add("a", 1000, lasting(time.Hour)) // none waits for the answer to another
		p.dial = lasting(100 * time.Microsecond)
		began := time.Now()
		a.placed(placement(0, p))
		time.Sleep(50 * time.Millisecond)
		order := held.order()
		if len(order) != 1000 {
			t.Errorf("%d of 1000 arrived within %s", len(order), time.Since(began))
		}
		if p.dialed > abreast {
			t.Errorf("%d connected at a time", p.dialed)
		}
		for i, n := range order {
			if n < i-abreast || n > i+abreast {
				t.Errorf("request %d arrived as number %d", n, i)
			}
		}
		held.wait()
	})
}

func TestRelease_SlowConnectHoldsUpNobodyElse(t *testing.T) {
	for _, slow := range []int{1, abreast, mostAbreast - abreast} {
		synctest.Test(t, func(t *testing.T) {
			a, c := newTest(t), newCluster()
			held := hold(a, c, 500)
			p := c.add("a", 1000, lasting(time.Millisecond))
			dials := 0
			p.dial = func() time.Duration {
				if dials++; dials <= slow {
					return time.Second
				}
				return 100 * time.Microsecond
			}
			a.placed(placement(0, p))
			time.Sleep(50 * time.Millisecond)
			if n := len(held.order()); n != 500-slow {
				t.Errorf("with %d slow connects %d of 500 arrived", slow, n)
			}
			held.wait()
		})
	}
}

func TestRelease_UnreachedRequestsKeepTheirPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		held := hold(a, c, 100)
		dead := c.add("dead", 1000, nil)
		dead.setDown(true)
		dead.dial = lasting(time.Second) // nobody answers there
		a.placed(placement(0, dead))
		time.Sleep(1050 * time.Millisecond) // the dead pod rests
		p := c.add("b", 1000, lasting(time.Millisecond))
		p.dial = lasting(100 * time.Microsecond)
		a.placed(placement(0, p))
		held.wait()
		for i, n := range held.order() {
			if n < i-abreast || n > i+abreast {
				t.Errorf("request %d arrived as number %d", n, i)
			}
		}
	})
}

func TestRelease_DeadPodBesideALiveOneHoldsUpOnlyItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		held := hold(a, c, 500)
		dead, alive := c.add("dead", 1000, nil), c.add("alive", 1000, lasting(time.Millisecond))
		dead.setDown(true)
		dead.dial = lasting(time.Second)
		alive.dial = lasting(100 * time.Microsecond)
		a.placed(placement(0, dead, alive))
		time.Sleep(100 * time.Millisecond)
		if n := len(held.order()); n < 500-mostAbreast {
			t.Errorf("%d of 500 arrived", n)
		}
		held.wait()
	})
}

func TestRelease_CrowdThatSetsOutAsksForNoMorePods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		held := hold(a, c, 100)
		q := a.queues[helloID.UID]
		if d, ok := q.say(); !ok || d.Waiting != 100 {
			t.Errorf("before: %+v, %v", d, ok)
		}
		p := c.add("a", 1000, lasting(time.Millisecond))
		p.dial = lasting(time.Millisecond)
		a.placed(placement(90, p))
		if d, ok := q.say(); !ok || d.Waiting != 10 {
			t.Errorf("with room for 90: %+v, %v", d, ok)
		}
		a.placed(wire.Placement{Function: helloID, HoldMillis: 60_000, Pods: hot(p)})
		if d, ok := q.say(); !ok || d.Waiting != 0 {
			t.Errorf("without a limit: %+v, %v", d, ok)
		}
		held.wait()
	})
}
