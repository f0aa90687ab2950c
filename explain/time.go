package explain

import (
	"fmt"

	"hotpod.dev/wire"
)

// long is how long something takes that is worth a word of its own.
const long = 50_000

// timeRules are about requests whose time went somewhere: they were answered, or waited in vain. The last one always applies.
func timeRules() []rule {
	held := func(c call) bool { return c.mostly(c.took(wire.StepHold)) || c.reason() == "specialization_timeout" }
	cold := func(c call) bool { return held(c) && c.cold() }
	waits := func(c call) bool {
		return held(c) && c.full() || c.mostly(c.took(wire.StepQueue)) || c.reason() == "specialization_timeout"
	}
	return []rule{
		{PoolEmpty, func(c call) bool { return cold(c) && c.took(wire.StepClaim) >= long && c.half(wire.StepClaim) }, whyEmpty, call.keepWarm},
		{SlowFetch, func(c call) bool { return cold(c) && c.took(wire.StepFetch) >= long && c.half(wire.StepFetch) }, func(c call) string {
			return "most of the cold start was bringing the code into the pod: " + short(c.took(wire.StepFetch))
		}, func(c call) []string {
			return append([]string{"make the package smaller: leave out what the function does not need"}, c.keepHot()...)
		}},
		{SlowLoad, func(c call) bool { return cold(c) && c.took(wire.StepLoad) >= long && c.half(wire.StepLoad) }, func(c call) string {
			return "most of the cold start was the runtime loading the code: " + short(c.took(wire.StepLoad))
		}, func(c call) []string {
			return append([]string{"do less when the code is loaded: import and connect when first needed"}, c.keepHot()...)
		}},
		{ColdStart, cold, func(c call) string {
			return "the function had no hot pod; one was made hot in " + short(c.took(wire.StepHold))
		}, call.keepHot},
		{
			OnceOnly, func(c call) bool { return waits(c) && c.declared.Once }, say("each pod of the function takes a single request, so every request waits for a pod of its own"),
			func(c call) []string {
				return append([]string{"let pods take more: set onceOnly to false"}, c.keepWarm()...)
			},
		},
		{AtLimit, func(c call) bool { return waits(c) && c.maximum() }, func(c call) string {
			return "every pod was busy, and the function had as many as it may" + c.count(c.declared.MaxScale) + ", so the request waited " + short(c.waited())
		}, call.moreRoom},
		{Busy, waits, func(c call) string {
			return "every pod was busy, so the request waited " + short(c.waited()) + " for room"
		}, call.moreRoom},
		{PlatformFault, func(c call) bool { return c.failed() }, func(c call) string {
			return fmt.Sprintf("the platform answered with %d: %s", c.status(), c.says())
		}, nil},
		{SlowFunction, func(c call) bool { return c.mostly(c.took(wire.StepFunction)) }, func(c call) string {
			return "the function itself took " + short(c.took(wire.StepFunction)) + " of " + short(c.total())
		}, func(c call) []string { return []string{"see what it does: hotpod function logs " + c.name()} }},
		{SlowClient, func(c call) bool { return c.mostly(c.rest()) }, func(c call) string {
			if up := c.took(wire.StepUpload); 2*up >= c.rest() && up >= long {
				return "the client took " + short(up) + " to send its request"
			}
			return "neither the platform nor the function took the time, but the network or the client, to send the request or read the answer: " + short(c.rest())
		}, nil},
		{ColdStart, call.cold, func(c call) string {
			return "the function had no hot pod, and one became hot quickly: the request was held for " + short(c.took(wire.StepHold))
		}, nil},
		{Fine, func(call) bool { return true }, func(c call) string { return "nothing was slow: " + short(c.total()) + " in all" }, nil},
	}
}

// half says that the step has at least half of the hold.
func (c call) half(name wire.StepName) bool { return 2*c.took(name) >= c.took(wire.StepHold) }

// waited is how long the request waited for room.
func (c call) waited() int64 { return c.took(wire.StepHold) + c.took(wire.StepQueue) }

// count says how many, when that is known.
func (c call) count(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%d)", n)
}

func whyEmpty(c call) string {
	took := short(c.took(wire.StepClaim))
	if c.declared.Own {
		return "the function had no pod, and one of its own had to be started: " + took
	}
	return "the environment's pool had no warm pod left" + c.poolSize() + ", and one had to be started: " + took
}

func (c call) poolSize() string {
	if c.declared.Environment == "" {
		return ""
	}
	return fmt.Sprintf(" (poolsize %d)", c.declared.PoolSize)
}

// keepWarm is what to change so that a warm pod is there.
func (c call) keepWarm() []string {
	if c.declared.Own {
		return c.keepHot()
	}
	more := "N"
	if c.declared.Environment != "" {
		more = fmt.Sprint(max(2*c.declared.PoolSize, 3))
	}
	return append([]string{
		"keep more warm pods: hotpod environment update --name " + c.environment() + " --poolsize " + more,
	}, c.keepHot()...)
}

// keepHot is what to change so that a hot pod is there.
func (c call) keepHot() []string {
	if c.declared.MinScale > 0 {
		return []string{"its pods were on their way: wait until they are ready after a change (hotpod function wait " + c.name() + ")"}
	}
	return []string{"keep a pod hot: hotpod function update --name " + c.name() + " --minscale 1"}
}

// moreRoom is what to change so that requests find room.
func (c call) moreRoom() []string {
	per := ""
	if c.declared.PerPod > 0 {
		per = fmt.Sprintf(" (now %d)", c.declared.PerPod)
	}
	out := []string{"let a pod take more at a time, if the function can" + per + ": hotpod function update --name " + c.name() + " --requestsperpod N"}
	if c.maximum() {
		return append(out, "let it have more pods"+c.count(c.declared.MaxScale)+": hotpod function update --name "+c.name()+" --maxscale N")
	}
	return append(out, "keep more pods hot: hotpod function update --name "+c.name()+" --minscale N")
}
