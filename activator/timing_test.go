package activator

import (
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/wire"
)

func TestTiming_AnswersSayWhatTheirRequestsWaitedFor(t *testing.T) {
	const hold, cold = "Server-Timing: hold;dur=20.500\r\n", "Server-Timing: hold;dur=20.500, cold;dur=20.500\r\nx-hotpod-cold-start: true\r\n"
	none := func(*cluster) wire.Placement { return placement(1) }
	busy := func(c *cluster) wire.Placement {
		p := c.add("busy", 1, lasting(20*time.Millisecond+500*time.Microsecond))
		return placement(1, p)
	}
	for name, c := range map[string]struct {
		before, during func(*cluster) wire.Placement
		want           string
	}{
		"no pod, as is known":            {none, nil, cold},
		"no pod, as the autoscaler says": {nil, none, cold},
		"nothing said before pods are":   {nil, nil, hold},
		"all pods are busy":              {busy, nil, hold},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, cl := newTest(t), newCluster()
				a.add(helloID)
				if c.before != nil {
					p := c.before(cl)
					a.placed(p)
					if len(p.Pods) > 0 {
						done := start(a, request(cl))
						defer func() { <-done }()
					}
				}
				x := request(cl)
				done := start(a, x)
				if c.during != nil {
					a.placed(c.during(cl))
				}
				time.Sleep(20*time.Millisecond + 500*time.Microsecond)
				a.placed(placement(1, cl.add("a", 1, lasting(0))))
				<-done
				if x.answer != c.want {
					t.Errorf("%q", x.answer)
				}
			})
		})
	}
}

func TestTiming_RequestThatIsNotHeldGetsNoLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, c := newTest(t), newCluster()
		a.add(helloID)
		a.placed(placement(1, c.add("a", 1, lasting(time.Second))))
		for range 3 { // also after a waiter that was held was used again
			x, y := request(c), request(c)
			xDone := start(a, x)
			yDone := start(a, y)
			<-xDone
			<-yDone
			if x.answer != "" || y.answer == "" {
				t.Errorf("%q, then %q", x.answer, y.answer)
			}
		}
	})
}
