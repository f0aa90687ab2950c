package xds

import (
	"errors"
	"testing"
	"time"

	"hotpod.dev/wire"
)

// watched is a tracker with one route, and the time.
type watched struct {
	*tracker
	now   time.Time
	again time.Duration
}

func watch() *watched { return &watched{tracker: newTracker(time.Second), now: time.Unix(1000, 0)} }

func (w *watched) build(number uint64, d declared, f fate) {
	v := view{declared: map[Key]declared{{"n", "r"}: d}}
	w.built(v, &table{fates: map[Key]fate{{"n", "r"}: f}}, number, w.now)
	w.pass(0)
}

func (w *watched) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.again = w.publish(w.now)
}

func (w *watched) state() wire.RouteState {
	s, _ := w.topic.Get("n/r")
	return s.State
}

func TestTracker_ARouteIsAcknowledgedWhenEveryServingEnvoyHasIt(t *testing.T) {
	w, a, b := watch(), &stream{}, &stream{}
	d := declared{uid: "u", generation: 3, route: &Route{}}
	w.acknowledge(a, 1)
	w.acknowledge(b, 1)
	w.build(2, d, fate{state: wire.RoutePending})
	w.acknowledge(a, 2)
	w.pass(0)
	if w.state() != "" {
		t.Fatalf("one of two is %q", w.state())
	}
	w.acknowledge(b, 2)
	w.pass(0)
	if s, _ := w.topic.Get("n/r"); s != (wire.RouteStatus{Namespace: "n", Name: "r", UID: "u", Generation: 3, State: wire.RouteAcknowledged}) {
		t.Fatalf("%+v", s)
	}
	w.build(3, d, fate{state: wire.RoutePending}) // another route changed
	if w.state() != wire.RouteAcknowledged {
		t.Errorf("another route's change makes it %q", w.state())
	}
	w.build(4, declared{uid: "u", generation: 4, route: &Route{}}, fate{state: wire.RoutePending})
	w.pass(time.Second)
	if w.state() != wire.RoutePending {
		t.Errorf("its own change makes it %q", w.state())
	}
}

func TestTracker_PassingStatesArePublishedOnlyWhenTheyLast(t *testing.T) {
	w, envoy := watch(), &stream{}
	w.build(1, declared{uid: "u", route: &Route{}}, fate{state: wire.RoutePending})
	if w.state() != "" || w.again != time.Second {
		t.Fatalf("%q at once, again in %v", w.state(), w.again)
	}
	w.pass(w.again)
	if w.state() != wire.RouteNoEnvoy {
		t.Fatalf("%q after a while", w.state())
	}
	w.acknowledge(envoy, 1)
	w.pass(0)
	if w.state() != wire.RouteAcknowledged {
		t.Fatalf("%q with an Envoy", w.state())
	}
	w.forget(envoy)
	w.pass(0)
	w.acknowledge(&stream{}, 1) // it reconnects
	w.pass(time.Minute)
	if w.state() != wire.RouteAcknowledged {
		t.Errorf("%q after a reconnection", w.state())
	}
}

func TestTracker_TellsWhatIsWrongAtOnce(t *testing.T) {
	w := watch()
	w.build(1, declared{uid: "u", err: errors.Join(errors.New("one"), errors.New("two"))}, fate{})
	if s, _ := w.topic.Get("n/r"); s.State != wire.RouteInvalid || s.Message != "one; two" {
		t.Errorf("%+v", s)
	}
	w.build(1, declared{uid: "u", route: &Route{}}, fate{wire.RouteConflict, "with n/s"})
	if s, _ := w.topic.Get("n/r"); s.State != wire.RouteConflict || s.Message != "with n/s" {
		t.Errorf("%+v", s)
	}
	sub := w.topic.Subscribe()
	defer sub.Close()
	w.built(view{}, &table{}, 2, w.now)
	_, _ = sub.Next(t.Context())
	if w.state() != "" {
		t.Errorf("a route that is gone is %q", w.state())
	}
}
