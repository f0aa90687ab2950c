package explain

import (
	"slices"
	"strings"

	"hotpod.dev/wire"
)

// slack is how far apart, in microseconds, the clocks of the parts may be, and how long one may hear later than another.
const slack = 2_000_000

// visible is how long, in microseconds, what nearly every request has must take to be shown.
const visible = 200

// call is one request as far as the parts know it; at least one of them is not nil.
type call struct {
	edge, activator, queueproxy *wire.Timeline

	declared Declared
}

// newest returns the newest call: clients may use an ID again. Of each part the last word counts.
func newest(all []wire.Timeline) (call, bool) {
	if len(all) == 0 {
		return call{}, false
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b wire.Timeline) int { return int(min(1, max(-1, b.StartMicros-a.StartMicros))) })
	from, to := sorted[0].StartMicros, sorted[0].StartMicros+sorted[0].Micros
	var c call
	for i := range sorted {
		t := &sorted[i]
		if t.StartMicros > to+slack || t.StartMicros+t.Micros < from-slack {
			continue
		}
		switch {
		case t.Part == wire.PartEdge && c.edge == nil:
			c.edge = t
		case t.Part == wire.PartActivator && c.activator == nil:
			c.activator = t
		case t.Part == wire.PartQueueProxy && c.queueproxy == nil:
			c.queueproxy = t
		}
	}
	return c, c.edge != nil || c.activator != nil || c.queueproxy != nil
}

// parts are those that told something, in the order of a request's way.
func (c call) parts() []*wire.Timeline {
	return slices.DeleteFunc([]*wire.Timeline{c.edge, c.activator, c.queueproxy}, func(t *wire.Timeline) bool { return t == nil })
}

func (c call) first() *wire.Timeline { return c.parts()[0] }

// total is how long the request took, as the first part saw it.
func (c call) total() int64 { return c.first().Micros }

func (c call) status() int { return c.first().Status }

// any says whether a part that told something fits.
func (c call) any(fits func(t *wire.Timeline) bool) bool { return slices.ContainsFunc(c.parts(), fits) }

func (c call) cold() bool { return c.any(func(t *wire.Timeline) bool { return t.Cold }) }

func (c call) full() bool {
	return c.activator != nil && c.activator.Full || c.took(wire.StepQueue) > c.took(wire.StepFunction)
}

func (c call) maximum() bool { return c.activator != nil && c.activator.Maximum }

// reason returns the word of the platform's own error, "" when there was none.
func (c call) reason() string {
	for _, t := range slices.Backward(c.parts()) {
		if t.Reason != "" {
			return t.Reason
		}
	}
	return ""
}

// failure returns the reason of the failure behind the error, and what it says.
func (c call) failure() (cause, message string) {
	if c.activator == nil {
		return "", ""
	}
	return c.activator.Cause, c.activator.Message
}

func (c call) message() string {
	for _, t := range slices.Backward(c.parts()) {
		if t.Message != "" {
			return t.Message
		}
	}
	return ""
}

// flagged says that Envoy noted one of the flags.
func (c call) flagged(flags ...string) bool {
	return c.edge != nil && slices.ContainsFunc(strings.Split(c.edge.Flags, ","), func(f string) bool { return slices.Contains(flags, f) })
}

// took is how long a step took, as who knows best says: the part itself, else what the answer told Envoy.
func (c call) took(name wire.StepName) int64 {
	for _, t := range []*wire.Timeline{c.queueproxy, c.activator, c.edge} {
		if t == nil {
			continue
		}
		for _, s := range t.Steps {
			if s.Name == name {
				return s.Micros
			}
		}
	}
	return 0
}

// rest is what is left of the total when the steps within it are taken away: the network, the client, Envoy.
func (c call) rest() int64 {
	if c.edge == nil {
		return 0
	}
	return max(0, c.total()-c.took(wire.StepHold)-c.took(wire.StepQueue)-c.took(wire.StepFunction))
}

// mostly says that the step has the largest part of the time, and enough of it to matter.
func (c call) mostly(micros int64) bool {
	const matters = 20_000
	largest := max(c.took(wire.StepHold), c.took(wire.StepQueue), c.took(wire.StepFunction), c.rest())
	return micros == largest && micros >= matters
}

// steps puts what the parts know on one line of time, which begins with the first of them.
func (c call) steps() []Step {
	var steps []Step
	add := func(depth int, name wire.StepName, at, took int64, note string) {
		steps = append(steps, Step{Name: name, Depth: depth, StartMillis: millis(at), Millis: millis(took), Note: note})
	}
	if c.edge != nil {
		add(0, wire.StepEdge, 0, c.edge.Micros, edgeNote(c.edge))
		if up := c.took(wire.StepUpload); up >= visible {
			add(1, wire.StepUpload, 0, up, "the client sends its body")
		}
	}
	var at int64
	if hold := c.took(wire.StepHold); hold >= visible {
		at = c.offset(c.activator)
		add(1, wire.StepHold, at, hold, c.holdNote())
		if c.activator != nil {
			for _, s := range c.activator.Steps[min(1, len(c.activator.Steps)):] {
				add(depths(s.Name), s.Name, at+s.Offset, s.Micros, notes(s.Name))
			}
		}
		at += hold
	} else {
		at = c.offset(c.queueproxy)
	}
	queue, function := c.took(wire.StepQueue), c.took(wire.StepFunction)
	if queue > 0 || c.queueproxy != nil {
		add(1, wire.StepQueue, at, queue, "")
	}
	if function > 0 {
		add(1, wire.StepFunction, at+queue, function, functionNote(c.queueproxy))
	}
	return steps
}

// offset is when a part got the request, counted from the beginning: by its own clock, as far as that can be.
func (c call) offset(t *wire.Timeline) int64 {
	if t == nil {
		return 0
	}
	return max(0, min(t.StartMicros-c.first().StartMicros, c.total()-t.Micros))
}

func (c call) holdNote() string {
	switch {
	case c.cold():
		return "no hot pod: one is made hot"
	case c.full() && c.maximum():
		return "every pod is busy, and there are as many as allowed"
	case c.full():
		return "every pod is busy"
	default:
		return ""
	}
}

func edgeNote(t *wire.Timeline) string {
	if t.Attempts > 1 {
		return "Envoy sent it on " + plural(t.Attempts, "time", "times") + ": a pod refused it or could not be reached"
	}
	return ""
}

func functionNote(t *wire.Timeline) string {
	if t == nil {
		return ""
	}
	return t.Message
}

func depths(name wire.StepName) int {
	if name == wire.StepFetch || name == wire.StepLoad {
		return 3
	}
	return 2
}

func notes(name wire.StepName) string {
	return map[wire.StepName]string{
		wire.StepClaim: "waiting for a warm pod", wire.StepSpecialize: "the pod becomes hot",
		wire.StepFetch: "the code comes into the pod", wire.StepLoad: "the runtime loads it",
	}[name]
}

func sortParts(parts []wire.Part) {
	order := []wire.Part{wire.PartEdge, wire.PartActivator, wire.PartQueueProxy}
	slices.SortFunc(parts, func(a, b wire.Part) int { return slices.Index(order, a) - slices.Index(order, b) })
}
