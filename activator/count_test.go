package activator

import (
	"testing"
	"time"

	"hotpod.dev/wire"
)

func TestCount_TellsWhatBecameOfRequestsOnce(t *testing.T) {
	a, c := newTest(t, func(c *Config) { c.Hold = 5 * time.Millisecond }), newCluster()
	a.Serve(request(c)) // nobody has a pod for it
	q := a.enter(request(c).id, newWaiter(nil, 0))
	q.place(placement(1, c.add("a", 1, lasting(0))), a.config.Target, time.Now())
	a.Serve(request(c))
	if !a.uncounted.Load() {
		t.Error("nobody hears that there is something to tell")
	}
	d, ok := q.say()
	if !ok || d.Ended == nil {
		t.Fatalf("said %+v", d)
	}
	if e := *d.Ended; e.Cold != 1 || e.Spilled != 1 || e.Failed != [len(wire.Failures)]uint64{0, 1, 0, 0} {
		t.Errorf("counted %+v", e)
	}
	if d, ok := q.say(); ok || d.Ended != nil {
		t.Errorf("said again %+v", d)
	}
}
