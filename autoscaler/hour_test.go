package autoscaler

import (
	"math"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
)

// phase is a part of an hour with a load that is made of the second in it.
type phase struct {
	length time.Duration
	// load is the number of requests that are there.
	load func(second int) int
	// least and most bound the hot pods in the last minute of the phase.
	least, most int
}

func steady(n int) func(int) int { return func(int) int { return n } }

// TestRunner_AnHour plays an hour of load against the whole loop, in virtual time: requests take places in hot pods,
// and what finds none waits in an activator.
func TestRunner_AnHour(t *testing.T) {
	if testing.Short() {
		t.Skip("an hour takes ten seconds under the race detector: run without -short")
	}
	phases := []phase{
		{2 * time.Minute, steady(0), 1, 1},
		{10 * time.Minute, steady(20), 3, 3},                            // 20 / 7
		{10 * time.Minute, func(s int) int { return 20 + s/5 }, 18, 20}, // to 140, without a limit of the rates
		{10 * time.Minute, func(s int) int { return 70 + int(60*math.Sin(float64(s)/5)) }, 10, 20},
		{5 * time.Minute, steady(1000), 20, 20},
		{5 * time.Minute, func(s int) int { return map[bool]int{true: 1}[s%30 == 0] }, 1, 1},
		{18 * time.Minute, steady(0), 1, 1},
	}
	inWorld(t, func(w *world) {
		f := hello(func(f *v1.Function) {
			f.Spec.RequestsPerPod, f.Spec.Concurrency = 10, 20
			f.Spec.InvokeStrategy.ExecutionStrategy.MinScale = 1
		})
		act := w.serving(f)
		w.pass(5 * time.Second)
		for i, p := range phases {
			for second := range int(p.length / time.Second) {
				present := p.load(second)
				hot := w.play(act, f, present)
				if hot < 1 || hot > 20 {
					t.Fatalf("phase %d, second %d: %d pods", i, second, hot)
				}
				if last := int(p.length/time.Second) - second; last < 60 && (hot < p.least || hot > p.most) {
					t.Fatalf("phase %d, %d s before its end: %d pods for %d requests, want %d to %d", i, last, hot, present, p.least, p.most)
				}
			}
		}
		if claims, _, _ := w.pool.count(); claims > 60 {
			t.Errorf("%d pods were started in an hour, for at most 20 at a time", claims)
		}
	})
}

// play lets a second pass with so many requests, and returns the hot pods at its end.
func (w *world) play(act *fakeActivator, f *v1.Function, present int) (hot int) {
	w.pool.mu.Lock()
	pods := make([]string, 0, len(w.pool.hot))
	for uid := range w.pool.hot {
		pods = append(pods, uid)
	}
	w.pool.mu.Unlock()
	placed := min(present, 10*len(pods))
	for i, uid := range pods {
		share := placed / len(pods)
		if i < placed%len(pods) {
			share++
		}
		w.reports.say(uid, float64(share), share, uint64(share))
	}
	act.waits(f, present-placed)
	w.pass(time.Second)
	_, hot, _ = w.pool.count()
	return hot
}
