// Package simulate plays a trace of requests against ways to scale functions, in virtual time, so that a day of thousands
// of functions takes seconds.
//
//	Trace        functions with their requests by minute and how long these run; a file of one's own, or the sample
//	Requests     the requests of a trace: when, of which function, for how long; the same for everybody
//	engine       pods, places, what waits, the clock of events; it knows no rule
//	platform     a rule: hotpod (package law, pool.Plan, pool.SizeFor and pool.Supply as they ship), Knative's, Fission's
//	Outcome      what a run cost and how long requests waited, beside the ideal
//	Sweep        every rule over a range of how long it keeps idle pods; Beside compares the curves
//	Chart        the pictures
//
// Nothing happens while nothing happens: events are arrivals, ends, pods that become ready, and ticks of functions that
// have a load. A tick that cannot change anything is left out, which a test holds against a run with all of them.
//
// # What the model leaves out
//
// Pods do not slow one another down: a request runs as long as its trace says wherever it runs, there is always a node
// with room, and nothing fails. A pod takes the same time to start and to be specialized each time. Network, Envoy and
// activators take no time and know at once which pod has room. Within a minute, requests come at random times, those of
// timers evenly; the trace does not say more. All functions have one environment. Hotpod's own reports come as late as
// they do; what others are told of their pods comes at once, and a request that waits takes the first place that gets
// free, which Fission's does not: both to their advantage.
package simulate
