package soak

import (
	"cmp"
	"slices"
	"time"

	"hotpod.dev/perf/probe"
)

const (
	// lag bounds the time from a kill until a client sees it: Envoy waits a second before it closes the connection of
	// an answer that it cannot finish.
	lag = 2 * time.Second
	// ledgerLag bounds the time from a begin until its line is read.
	ledgerLag = 250 * time.Millisecond
)

// verdict is a failure and what explains it.
type verdict struct {
	*call
	// cause is "" for a failure that nothing explains.
	cause string
	// begun says whether the function had begun the request, and in which pod.
	begun string
}

// judge explains the failures by the kills.
func (b *book) judge() []verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	verdicts := make([]verdict, 0, len(b.failed)+len(b.twice))
	for _, c := range b.failed {
		v := verdict{call: c}
		if entries := b.begun[c.id]; len(entries) > 0 {
			v.begun = entries[0].Pod
		}
		if b.twice[c.id] == nil && c.undelivered() {
			v.cause = b.explain(c)
		}
		verdicts = append(verdicts, v)
	}
	for id, begins := range b.twice {
		v := verdict{call: &call{id: id, fault: "begun more than once", began: begins[0].At, ended: begins[1].At}}
		v.begun = begins[0].Pod + ", " + begins[1].Pod
		verdicts = append(verdicts, v)
	}
	slices.SortStableFunc(verdicts, func(a, b verdict) int { return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.id, b.id)) })
	return verdicts
}

// answeredByTheFunction says whether the failure is one of delivery. A complete answer with a wrong content is not
// explained by anything.
func (c *call) undelivered() bool { return c.status != 200 || c.body == broken }

// broken stands for the body of an answer that was cut.
const broken = "(the answer was cut)"

// explain returns the kill that a failure follows from, "" when there is none.
func (b *book) explain(c *call) string {
	var begun *probe.Entry
	if entries := b.begun[c.id]; len(entries) > 0 {
		begun = &entries[0]
	}
	for _, k := range b.kills {
		if cause := k.explains(c, begun); cause != "" {
			return cause
		}
	}
	return ""
}

// broke says that the request was written on a connection of the time before the kill, whose end the client had not yet
// seen. Each connection can take one request with it.
func (k *kill) broke(c *call) bool {
	return c.status == 0 && !c.connected.IsZero() && c.connected.Before(k.to) && c.routerAt.After(k.from) && c.routerAt.Before(k.to.Add(lag))
}

// explains says how the kill explains the failure; "" when it does not. begun is nil when no function had the request.
func (k *kill) explains(c *call, begun *probe.Entry) string {
	if k.target == killsRouter && c.router == k.name && k.broke(c) {
		return "sent on a connection that broke with an Envoy"
	}
	if c.began.After(k.to) || c.ended.Before(k.from) {
		return ""
	}
	soon := c.ended.Before(k.to.Add(lag)) && k.inside[c.id]
	switch k.target {
	case killsPod, killsQueueProxy, killsRuntime:
		if begun != nil && begun.Pod == k.name && begun.At.Before(k.to.Add(ledgerLag)) {
			return "begun in a pod that was killed"
		}
		// The queue-proxy outlives its runtime, and says itself what it lost with it.
		if begun == nil && soon && c.function == k.function && (k.target == killsQueueProxy || k.target == killsRuntime && c.status == 500) {
			return "inside a " + string(k.target) + " at its SIGKILL"
		}
	case killsRouter:
		if soon && c.router == k.name && !c.routerAt.After(k.to) {
			return "inside an Envoy at its SIGKILL"
		}
	case killsActivator:
		if soon {
			return "inside the activator at its SIGKILL"
		}
	}
	return ""
}
