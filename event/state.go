package event

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// State is what is done of a trigger's calls.
type State struct {
	// Position up to which everything is done; empty means that nothing is known.
	Position string
	v1.DeliveryStatus
	// Trouble says why calls fail now, empty when they do not.
	Trouble string
	// GivenUp says that the last call that was done was given up.
	GivenUp bool
}

// log remembers what was done.
type log struct {
	position          string
	delivered, failed int64
	recent            []v1.Delivery          // done, newest first
	retrying          map[string]v1.Delivery // by ID
	lastFailed        string
}

func newLog(s State) log {
	l := log{position: s.Position, delivered: s.Delivered, failed: s.Failed, retrying: map[string]v1.Delivery{}}
	for _, d := range s.Recent {
		if d.Error == "" || !strings.HasSuffix(d.Error, willRetry) {
			l.recent = append(l.recent, d)
		}
	}
	return l
}

// willRetry ends the error of a delivery that is not given up.
const willRetry = "; it will be tried again"

func describe(c *Call, a answer, attempts int) v1.Delivery {
	d := v1.Delivery{
		ID: c.ID, What: c.What, Time: metav1.Now(), Attempts: int32(attempts), //nolint:gosec // bounded by the settings
		Status: int32(a.status), Milliseconds: a.took.Milliseconds(), //nolint:gosec // a status
	}
	if a.err != nil {
		d.Error = a.err.Error()
	}
	return d
}

func (l *log) failing(c *Call, a answer, attempts int) {
	d := describe(c, a, attempts)
	d.Error += willRetry
	l.retrying[c.ID] = d
}

func (l *log) done(c *Call, a answer, attempts int) {
	delete(l.retrying, c.ID)
	d := describe(c, a, attempts)
	if a.err != nil {
		l.failed++
		l.lastFailed = d.Error
	} else {
		l.delivered++
		l.lastFailed = ""
	}
	l.recent = slices.Insert(l.recent, 0, d)
	l.recent = l.recent[:min(len(l.recent), v1.MaxDeliveries)]
}

func (l *log) state() State {
	s := State{Position: l.position, DeliveryStatus: v1.DeliveryStatus{Delivered: l.delivered, Failed: l.failed}}
	for _, d := range l.retrying {
		s.Recent = append(s.Recent, d)
	}
	slices.SortFunc(s.Recent, func(a, b v1.Delivery) int { return b.Time.Compare(a.Time.Time) })
	if len(s.Recent) > 0 {
		s.Trouble = s.Recent[0].Error
	} else if l.lastFailed != "" {
		s.Trouble, s.GivenUp = l.lastFailed, true
	}
	// A function that fails all calls must not hide the last successes.
	s.Recent = s.Recent[:min(len(s.Recent), v1.MaxDeliveries/2)]
	s.Recent = append(s.Recent, l.recent[:min(len(l.recent), v1.MaxDeliveries-len(s.Recent))]...)
	return s
}

// Condition says whether the calls succeed.
func (s *State) Condition(generation int64) metav1.Condition {
	c := metav1.Condition{
		Type: v1.ConditionDelivering, Status: metav1.ConditionTrue, Reason: v1.ReasonDelivered, ObservedGeneration: generation,
		Message: "The last call was delivered.",
	}
	switch {
	case s.GivenUp:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1.ReasonGivenUp, "The last call was given up: "+s.Trouble
	case s.Trouble != "":
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, v1.ReasonRetrying, "A call fails: "+s.Trouble
	case s.Delivered == 0:
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, v1.ReasonNothingYet, "Nothing was called yet."
	}
	return c
}

// Conditions returns the conditions of a trigger: whether it is in order, which is also whether it is ready, and whether
// calls succeed. Those that are as before keep the time of their last change.
func Conditions(before []metav1.Condition, generation int64, own metav1.Condition, s *State) []metav1.Condition {
	own.ObservedGeneration = generation
	ready := own
	ready.Type = v1.ConditionReady
	out := slices.Clone(before)
	for _, c := range []metav1.Condition{own, ready, s.Condition(generation)} {
		if len(c.Message) > 1024 {
			c.Message = fmt.Sprintf("%.1020s…", strings.ToValidUTF8(c.Message, "?"))
		}
		meta.SetStatusCondition(&out, c)
	}
	return out
}

// Time is a position that is a time.
func Time(t time.Time) string { return t.UTC().Format(time.RFC3339) }
