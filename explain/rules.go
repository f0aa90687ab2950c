package explain

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Cause is why a request failed or took its time, in one word.
type Cause string

// Causes.
const (
	NoRoute       Cause = "no_route"       // no route, or no function, has the URL
	WrongMethod   Cause = "wrong_method"   // the URL's routes are for other methods
	ClientGone    Cause = "client_gone"    // the client did not wait for the answer
	BadRequest    Cause = "bad_request"    // the request itself cannot be served
	Capacity      Cause = "capacity"       // too many requests wait
	BuildFailed   Cause = "build"          // the function's package is not built
	LoadFailed    Cause = "load"           // the runtime could not load the code
	Missing       Cause = "missing"        // something that the function names does not exist
	ImagePull     Cause = "image_pull"     // the environment's image cannot be had
	NoRoom        Cause = "no_room"        // the cluster, or the environment's maximum, has no room for a pod
	PoolTrouble   Cause = "pool"           // no pod of the environment becomes ready
	NoAutoscaler  Cause = "autoscaler"     // the autoscaler, which starts pods, is away
	NoUpstream    Cause = "unreachable"    // Envoy reached neither a pod nor an activator
	Crashed       Cause = "crashed"        // the function's process ended, or closed the connection
	NoUpgrade     Cause = "no_upgrade"     // the function does not speak the protocol that the client asks for
	TooSlow       Cause = "timeout"        // the function exceeded its time
	Idle          Cause = "idle"           // a stream on which nothing moved was ended
	Overloaded    Cause = "overloaded"     // the router has too much to do
	Failed        Cause = "function_error" // the function answered with an error itself
	Answered      Cause = "function"       // the function chose the answer, 4xx
	PoolEmpty     Cause = "pool_empty"     // no warm pod was there
	SlowFetch     Cause = "fetch"          // bringing the code into the pod took the time
	SlowLoad      Cause = "slow_load"      // loading the code took the time
	ColdStart     Cause = "cold_start"     // a cold start, each part of it short
	AtLimit       Cause = "limit"          // every pod was busy and the function may not have more
	Busy          Cause = "busy"           // every pod was busy
	OnceOnly      Cause = "once_only"      // each pod takes a single request
	SlowFunction  Cause = "slow_function"  // the function itself took the time
	SlowClient    Cause = "slow_client"    // sending the request or reading the answer took the time
	PlatformFault Cause = "error"          // another error of the platform's
	Fine          Cause = "fine"           // nothing was slow
)

// rule finds a cause.
type rule struct {
	cause  Cause
	when   func(c call) bool
	why    func(c call) string
	change func(c call) []string // nil when there is nothing to change
}

// rules in their order; the last one always applies.
func rules() []rule { return slices.Concat(requestRules(), startRules(), runRules(), timeRules()) }

// say is a why that is always the same.
func say(text string) func(call) string { return func(call) string { return text } }

// try is a change that is always the same.
func try(texts ...string) func(call) []string { return func(call) []string { return texts } }

// reason applies to errors with one of the words.
func reason(words ...string) func(call) bool {
	return func(c call) bool { return slices.Contains(words, c.reason()) }
}

// cause applies to failures with one of the reasons.
func cause(reasons ...string) func(call) bool {
	return func(c call) bool {
		why, _ := c.failure()
		return slices.Contains(reasons, why)
	}
}

// requestRules are about requests that no function could have served.
func requestRules() []rule {
	nowhere := func(c call) bool {
		return c.edge != nil && c.edge.Function.UID == "" && c.activator == nil && c.queueproxy == nil
	}
	return []rule{
		{WrongMethod, func(c call) bool { return nowhere(c) && c.status() == http.StatusMethodNotAllowed }, func(c call) string {
			return fmt.Sprintf("a route has the URL %s, but none of its methods is %s", c.edge.Path, c.edge.Method)
		}, try("add the method: hotpod route update --name ROUTE --method …", "see which there are: hotpod route list")},
		{NoRoute, func(c call) bool { return nowhere(c) && c.status() == http.StatusNotFound }, func(c call) string {
			return fmt.Sprintf("no route has the URL %s, or it is not there yet", c.edge.Path)
		}, func(c call) []string {
			return []string{
				"see which there are, and whether they are ready: hotpod route list",
				"make one: hotpod route create --url " + c.edge.Path + " --function NAME",
			}
		}},
		{
			Overloaded, func(c call) bool { return c.flagged("OM", "RL", "RLSE") }, say("the router had too much to do and answered at once"),
			try("run more routers: kubectl -n fission scale deployment router --replicas …"),
		},
		{
			Idle, func(c call) bool { return c.flagged("SI", "UT", "DT", "UMSDR") }, say("nothing was sent or received for too long, so the exchange was ended"),
			try("let the function send something now and then, or raise --streamingidletimeout"),
		},
		{ClientGone, func(c call) bool {
			return c.reason() == "client_gone" || c.status() == wire.StatusClientGone || c.flagged("DC", "DR")
		}, whyGone, changeGone},
		{BadRequest, func(c call) bool {
			return nowhere(c) && c.status() >= 400 || slices.Contains([]string{"bad_request", "function_missing"}, c.reason())
		}, func(c call) string {
			return fmt.Sprintf("the request was answered with %d before any function saw it: %s", c.status(), c.says())
		}, nil},
	}
}

// says is what the platform said about an error, or what Envoy notes.
func (c call) says() string {
	if m := c.message(); m != "" {
		return m
	}
	if c.edge != nil && c.edge.Detail != "" {
		return "Envoy says " + c.edge.Detail
	}
	return "no more is known"
}

func whyGone(c call) string {
	after := " after " + short(c.total())
	switch {
	case c.took(wire.StepFunction) > 0:
		return "the client left" + after + ", while the function worked"
	case c.activator != nil && c.cold():
		return "the client left" + after + ", while it waited for a pod to become hot"
	case c.activator != nil || c.took(wire.StepQueue) > 0:
		return "the client left" + after + ", while it waited for a pod to have room"
	default:
		return "the client left" + after + ", before the request was on its way"
	}
}

func changeGone(c call) []string {
	out := []string{"give the client more time than " + short(c.total())}
	switch {
	case c.took(wire.StepFunction) > 0:
	case c.cold():
		out = append(out, c.keepHot()...)
	case c.activator != nil:
		out = append(out, c.moreRoom()...)
	}
	return out
}

// startRules are about functions that could not be started.
func startRules() []rule {
	message := func(c call) string { _, m := c.failure(); return m }
	holds := func(words ...string) func(call) bool {
		return func(c call) bool {
			why, m := c.failure()
			return why == v1.ReasonPoolUnavailable && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m, w) })
		}
	}
	return []rule{
		{
			NoAutoscaler, func(c call) bool {
				return strings.Contains(c.message(), "the autoscaler, which starts pods, cannot be reached")
			},
			say("the function had no hot pod, and the autoscaler, which starts them, was away"),
			try("look at it: kubectl -n fission get pods -l hotpod.dev/component=autoscaler"),
		},
		{
			LoadFailed, cause(v1.ReasonSpecializationFailed), func(c call) string { return "the code could not be loaded: " + firstLine(message(c)) },
			func(c call) []string {
				return []string{"correct the code and update the function", "see the whole message: hotpod function describe " + c.name(), "see what it wrote: hotpod function logs " + c.name()}
			},
		},
		{
			BuildFailed, cause(v1.ReasonPackageBuildFailed, v1.ReasonPackageBuildPending, v1.ReasonBuildFailed, v1.ReasonBuilding, v1.ReasonEmptyPackage),
			func(c call) string { return "the function's package has nothing to run: " + firstLine(message(c)) },
			func(c call) []string {
				return []string{"see the build's log: hotpod package info PACKAGE", "what the function needs: hotpod function describe " + c.name()}
			},
		},
		{Missing, func(c call) bool {
			why, _ := c.failure()
			return strings.HasSuffix(why, "NotFound") || why == v1.ReasonReferenceInvalid || why == v1.ReasonCodeUnavailable
		}, func(c call) string { return firstLine(message(c)) }, func(c call) []string { return []string{"see what is missing: hotpod function describe " + c.name()} }},
		{
			ImagePull, holds("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable", "ImageInspectError"),
			func(c call) string {
				return "no pod of the environment starts, since its image cannot be had: " + firstLine(message(c))
			},
			func(c call) []string {
				return []string{"correct the image: hotpod environment update --name " + c.environment() + " --image …", "let the node's account pull it: an imagePullSecret"}
			},
		},
		{
			NoRoom, holds("no room", "maximum of"), func(c call) string { return "there is no room for another pod: " + firstLine(message(c)) },
			try("add nodes, or ask for less: hotpod environment update --mincpu … --minmemory …", "raise the autoscaler's --max-pods"),
		},
		{
			PoolTrouble, cause(v1.ReasonPoolUnavailable, v1.ReasonPoolStarting, v1.ReasonNoPool), func(c call) string { return firstLine(message(c)) },
			func(c call) []string { return []string{"see the pool: hotpod environment describe " + c.environment()} },
		},
		{Capacity, reason("capacity_exceeded"), func(c call) string { return "more requests waited than may: " + c.says() }, func(c call) []string {
			return append([]string{"call again after the answer's Retry-After"}, c.moreRoom()...)
		}},
		{
			NoUpstream, func(c call) bool {
				return c.flagged("UH", "NC", "UF", "UO") && c.failed() && c.activator == nil && c.queueproxy == nil
			},
			say("the router reached neither a pod of the function nor an activator"),
			try("look at the activators: kubectl -n fission get pods -l hotpod.dev/component=activator", "see what is wrong: hotpod check"),
		},
	}
}

func (c call) failed() bool { return c.status() >= 500 || c.status() == http.StatusTooManyRequests }

// runRules are about functions that failed.
func runRules() []rule {
	logs := func(c call) []string { return []string{"see what it wrote: hotpod function logs " + c.name()} }
	return []rule{
		{TooSlow, reason("function_timeout"), func(c call) string { return c.says() }, func(c call) []string {
			return append([]string{"make it faster, or give it more time: hotpod function update --name " + c.name() + " --fntimeout SECONDS"}, logs(c)...)
		}},
		{NoUpgrade, reason("upgrade_refused"), func(c call) string { return c.says() }, nil},
		{Crashed, func(c call) bool {
			broke := slices.Contains([]string{"connection_refused", "dial_error", "function_error"}, c.reason())
			return broke || c.flagged("UC", "UR", "UPE") && c.failed()
		}, func(c call) string { return "the function's process broke off while it had the request: " + c.says() }, func(c call) []string {
			return append(logs(c), "see whether its pods restart: hotpod function pods "+c.name())
		}},
		{Failed, func(c call) bool { return c.status() >= 500 && c.own() }, func(c call) string {
			return fmt.Sprintf("the function itself answered with %d", c.status())
		}, logs},
		{Answered, func(c call) bool { return c.status() >= 400 && c.status() < 500 && c.own() }, func(c call) string {
			return fmt.Sprintf("the function itself answered with %d; the platform had nothing to do with it", c.status())
		}, nil},
	}
}

// own says that the answer is the function's, not the platform's.
func (c call) own() bool {
	return c.reason() == "" && !c.any(func(t *wire.Timeline) bool { return t.Component != "" })
}

// name is the function's, for a command.
func (c call) name() string {
	for _, t := range c.parts() {
		if t.Function.Name != "" {
			return t.Function.Name
		}
	}
	return "NAME"
}

func (c call) environment() string {
	if c.declared.Environment != "" {
		return c.declared.Environment
	}
	return "ENVIRONMENT"
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// short writes a time as people read it.
func short(micros int64) string {
	d := time.Duration(micros) * time.Microsecond
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	default:
		return d.String()
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
