package explain_test

import (
	"strings"
	"testing"
	"time"

	"hotpod.dev/explain"
	"hotpod.dev/wire"
)

const ms = 1000

var hello = wire.FunctionID{Namespace: "default", Name: "hello", UID: "uid"}

// at is when the calls of the tests began.
var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro()

func edge(total int64, status int, change ...func(*wire.Timeline)) wire.Timeline {
	t := wire.Timeline{
		RequestID: "id", Part: wire.PartEdge, Function: hello, StartMicros: at, Micros: total * ms, Status: status, Method: "GET", Path: "/hello",
		Attempts: 1, Steps: []wire.Step{{Name: wire.StepEdge, Micros: total * ms}},
	}
	return with(t, change)
}

func activator(hold, total int64, status int, change ...func(*wire.Timeline)) wire.Timeline {
	t := wire.Timeline{
		RequestID: "id", Part: wire.PartActivator, Function: hello, StartMicros: at + ms, Micros: total * ms, Status: status, Attempts: 1,
		Steps: []wire.Step{{Name: wire.StepHold, Micros: hold * ms}},
	}
	return with(t, change)
}

func queueProxy(queue, run int64, status int, change ...func(*wire.Timeline)) wire.Timeline {
	t := wire.Timeline{
		RequestID: "id", Part: wire.PartQueueProxy, Function: hello, StartMicros: at + 2*ms, Micros: (queue + run) * ms, Status: status, Pod: "pod-uid",
		Steps: []wire.Step{{Name: wire.StepQueue, Micros: queue * ms}, {Name: wire.StepFunction, Offset: queue * ms, Micros: run * ms}},
	}
	return with(t, change)
}

func with(t wire.Timeline, change []func(*wire.Timeline)) wire.Timeline {
	for _, c := range change {
		c(&t)
	}
	return t
}

func cold(claim, fetch, load int64) func(*wire.Timeline) {
	return func(t *wire.Timeline) {
		t.Cold = true
		t.Steps = append(t.Steps, wire.Step{Name: wire.StepClaim, Micros: claim * ms},
			wire.Step{Name: wire.StepSpecialize, Offset: claim * ms, Micros: (fetch + load) * ms},
			wire.Step{Name: wire.StepFetch, Offset: claim * ms, Micros: fetch * ms}, wire.Step{Name: wire.StepLoad, Offset: (claim + fetch) * ms, Micros: load * ms})
	}
}

func fails(reason, cause, message string) func(*wire.Timeline) {
	return func(t *wire.Timeline) {
		t.Reason, t.Cause, t.Message, t.Component = reason, cause, message, "executor"
	}
}

func full(t *wire.Timeline)    { t.Full = true }
func maximum(t *wire.Timeline) { t.Full, t.Maximum = true, true }
func nowhere(t *wire.Timeline) { t.Function = wire.FunctionID{} }

func flags(f string) func(*wire.Timeline) { return func(t *wire.Timeline) { t.Flags = f } }

func steps(all ...wire.Step) func(*wire.Timeline) {
	return func(t *wire.Timeline) { t.Steps = append(t.Steps, all...) }
}

func TestOf_FindsTheCause(t *testing.T) {
	unavailable := func(cause, message string) []wire.Timeline {
		return []wire.Timeline{edge(10, 500), activator(9, 9, 500, fails("executor_unavailable", cause, message))}
	}
	for name, c := range map[string]struct {
		all      []wire.Timeline
		declared explain.Declared
		cause    explain.Cause
		why      string // part of it
		change   string // part of one, "" for none
	}{
		"no route":                   {all: []wire.Timeline{edge(1, 404, nowhere)}, cause: explain.NoRoute, why: "/hello", change: "hotpod route create --url /hello"},
		"a route for other methods":  {all: []wire.Timeline{edge(1, 405, nowhere)}, cause: explain.WrongMethod, why: "GET", change: "--method"},
		"a body that is too large":   {all: []wire.Timeline{edge(1, 413, nowhere)}, cause: explain.BadRequest, why: "413"},
		"a client that left a hold":  {all: []wire.Timeline{edge(900, 499, flags("DC")), activator(898, 898, 499, cold(0, 0, 0), fails("client_gone", "", ""))}, cause: explain.ClientGone, why: "become hot", change: "--minscale 1"},
		"a client that left a queue": {all: []wire.Timeline{activator(898, 898, 499, full, fails("client_gone", "", ""))}, cause: explain.ClientGone, why: "have room", change: "--requestsperpod"},
		"a client that left the run": {all: []wire.Timeline{edge(900, 499), queueProxy(0, 890, 499)}, cause: explain.ClientGone, why: "function worked", change: "more time than 900ms"},
		"too many waiting":           {all: []wire.Timeline{edge(1, 429), activator(0, 0, 429, fails("capacity_exceeded", "", "too many requests wait"))}, cause: explain.Capacity, why: "too many", change: "Retry-After"},
		"code that does not load":    {all: unavailable("SpecializationFailed", "SyntaxError: x\n at y"), cause: explain.LoadFailed, why: "SyntaxError: x", change: "hotpod function describe hello"},
		"a failed build":             {all: unavailable("PackageBuildFailed", "build of package p failed"), cause: explain.BuildFailed, why: "package", change: "hotpod package info"},
		"a missing environment":      {all: unavailable("EnvironmentNotFound", "environment nodejs does not exist"), cause: explain.Missing, why: "nodejs", change: "describe hello"},
		"a missing secret":           {all: unavailable("SecretNotFound", "Secret s does not exist"), cause: explain.Missing, why: "Secret s", change: "describe hello"},
		"an image that cannot be had": {
			all: unavailable("PoolUnavailable", "container node: ImagePullBackOff: no such image"), declared: explain.Declared{Environment: "nodejs"},
			cause: explain.ImagePull, why: "ImagePullBackOff", change: "environment update --name nodejs --image",
		},
		"a full cluster":       {all: unavailable("PoolUnavailable", "the cluster has no room for pod x: 0/3 nodes"), cause: explain.NoRoom, why: "0/3 nodes", change: "add nodes"},
		"pods that never come": {all: unavailable("PoolUnavailable", "no pod became ready in time"), cause: explain.PoolTrouble, why: "in time", change: "environment describe"},
		"no autoscaler": {
			all:   []wire.Timeline{activator(5000, 5000, 500, fails("executor_unavailable", "", "no pod took the request within 5s: the autoscaler, which starts pods, cannot be reached"))},
			cause: explain.NoAutoscaler, why: "away", change: "component=autoscaler",
		},
		"neither pod nor activator":        {all: []wire.Timeline{edge(3000, 500, flags("UF,URX"))}, cause: explain.NoUpstream, why: "neither", change: "hotpod check"},
		"a function that takes too long":   {all: []wire.Timeline{edge(60_100, 504), queueProxy(0, 60_000, 504, fails("function_timeout", "", "the function did not answer within its functionTimeout of 1m0s"))}, cause: explain.TooSlow, why: "functionTimeout", change: "--fntimeout"},
		"a function that crashed":          {all: []wire.Timeline{edge(30, 500), queueProxy(0, 20, 500, fails("function_error", "", "the function's process broke off before it answered"))}, cause: explain.Crashed, why: "broke off", change: "hotpod function logs hello"},
		"a pod that went away":             {all: []wire.Timeline{edge(30, 500, flags("UC"))}, cause: explain.Crashed, why: "broke off", change: "hotpod function pods hello"},
		"no WebSocket":                     {all: []wire.Timeline{edge(3, 501), queueProxy(0, 2, 501, fails("upgrade_refused", "", "the request asks to upgrade"))}, cause: explain.NoUpgrade, why: "upgrade"},
		"an error of the function's own":   {all: []wire.Timeline{edge(30, 500), queueProxy(0, 20, 500)}, cause: explain.Failed, why: "itself answered with 500", change: "logs hello"},
		"a function that finds nothing":    {all: []wire.Timeline{edge(30, 404)}, cause: explain.Answered, why: "itself answered with 404"},
		"a stream that stood still":        {all: []wire.Timeline{edge(60_000, 504, flags("SI"))}, cause: explain.Idle, why: "nothing was sent", change: "--streamingidletimeout"},
		"a router with too much to do":     {all: []wire.Timeline{edge(0, 503, flags("OM"))}, cause: explain.Overloaded, why: "too much", change: "scale deployment router"},
		"an empty pool":                    {all: []wire.Timeline{edge(2100, 200), activator(2090, 2095, 200, cold(2000, 10, 60))}, declared: explain.Declared{Environment: "nodejs", PoolSize: 3}, cause: explain.PoolEmpty, why: "(poolsize 3)", change: "--poolsize 6"},
		"a function with pods of its own":  {all: []wire.Timeline{edge(2100, 200), activator(2090, 2095, 200, cold(2000, 10, 60))}, declared: explain.Declared{Own: true}, cause: explain.PoolEmpty, why: "one of its own", change: "--minscale 1"},
		"a large package":                  {all: []wire.Timeline{edge(900, 200), activator(890, 895, 200, cold(0, 800, 60))}, cause: explain.SlowFetch, why: "800ms", change: "smaller"},
		"slow imports":                     {all: []wire.Timeline{edge(900, 200), activator(890, 895, 200, cold(0, 20, 850))}, cause: explain.SlowLoad, why: "850ms", change: "when the code is loaded"},
		"a quick cold start":               {all: []wire.Timeline{activator(40, 45, 200, cold(0, 10, 25))}, cause: explain.ColdStart, why: "40ms", change: "--minscale 1"},
		"a cold start of a busy function":  {all: []wire.Timeline{edge(3000, 200), activator(60, 2990, 200, cold(0, 10, 40)), queueProxy(0, 2900, 200)}, cause: explain.SlowFunction, why: "2.9s of 3s", change: "logs hello"},
		"all pods busy":                    {all: []wire.Timeline{edge(1500, 200), activator(1400, 1490, 200, full), queueProxy(0, 80, 200)}, cause: explain.Busy, why: "1.4s", change: "--minscale N"},
		"all pods busy at the maximum":     {all: []wire.Timeline{edge(1500, 200), activator(1400, 1490, 200, maximum)}, declared: explain.Declared{MaxScale: 2, PerPod: 1}, cause: explain.AtLimit, why: "as it may (2)", change: "--maxscale N"},
		"a queue in the pod":               {all: []wire.Timeline{edge(1500, 200), queueProxy(1400, 80, 200)}, cause: explain.Busy, why: "1.4s", change: "--requestsperpod"},
		"one request a pod":                {all: []wire.Timeline{edge(1500, 200), activator(1400, 1490, 200, full)}, declared: explain.Declared{Once: true}, cause: explain.OnceOnly, why: "single request", change: "onceOnly"},
		"a hold that ended in vain":        {all: []wire.Timeline{edge(5000, 504), activator(5000, 5000, 504, maximum, fails("specialization_timeout", "", "no pod took the request within 5s"))}, cause: explain.AtLimit, why: "5s", change: "--maxscale"},
		"a hold of a cold start in vain":   {all: []wire.Timeline{activator(5000, 5000, 504, fails("specialization_timeout", "", "no pod took the request"), func(t *wire.Timeline) { t.Cold = true })}, cause: explain.ColdStart, change: "--minscale 1"},
		"a slow function, as Envoy hears":  {all: []wire.Timeline{edge(1500, 200, steps(wire.Step{Name: wire.StepQueue, Micros: 1}, wire.Step{Name: wire.StepFunction, Micros: 1450 * ms}))}, cause: explain.SlowFunction, why: "1.45s", change: "logs hello"},
		"a slow upload":                    {all: []wire.Timeline{edge(3000, 200, steps(wire.Step{Name: wire.StepUpload, Micros: 2900 * ms}, wire.Step{Name: wire.StepFunction, Micros: 20 * ms}))}, cause: explain.SlowClient, why: "2.9s to send"},
		"a slow download":                  {all: []wire.Timeline{edge(3000, 200, steps(wire.Step{Name: wire.StepFunction, Micros: 20 * ms}))}, cause: explain.SlowClient, why: "read the answer"},
		"another error of the platform's":  {all: []wire.Timeline{edge(3, 502, func(t *wire.Timeline) { t.Component = "router"; t.Detail = "odd" })}, cause: explain.PlatformFault, why: "odd"},
		"a cold start that hurt nobody":    {all: []wire.Timeline{activator(2, 5, 200, cold(0, 1, 3))}, cause: explain.ColdStart, why: "quickly"},
		"nothing at all":                   {all: []wire.Timeline{edge(5, 200)}, cause: explain.Fine, why: "5ms"},
		"a settled function that was cold": {all: []wire.Timeline{activator(40, 45, 200, cold(0, 10, 25))}, declared: explain.Declared{MinScale: 1}, cause: explain.ColdStart, change: "hotpod function wait hello"},
	} {
		t.Run(name, func(t *testing.T) {
			e, ok := explain.Of(c.all, c.declared)
			if !ok || e.Cause != c.cause || !strings.Contains(e.Why, c.why) {
				t.Errorf("%s: %s, want %s with %q", e.Cause, e.Why, c.cause, c.why)
			}
			if changes := strings.Join(e.Change, "\n"); !strings.Contains(changes, c.change) || (c.change == "") != (changes == "") && c.cause != explain.ColdStart {
				t.Errorf("changes %q, want %q in them", changes, c.change)
			}
		})
	}
}

func TestOf_PutsAllPartsOnOneLineOfTime(t *testing.T) {
	e, _ := explain.Of([]wire.Timeline{queueProxy(5, 40, 200), activator(90, 140, 200, cold(10, 20, 50)), edge(150, 200)}, explain.Declared{})
	var got []string
	for _, s := range e.Steps {
		got = append(got, string(s.Name))
	}
	if want := "edge hold claim specialize fetch load queue function"; strings.Join(got, " ") != want {
		t.Fatalf("%q", got)
	}
	for i, want := range []float64{0, 1, 1, 11, 11, 31, 91, 96} {
		if e.Steps[i].StartMillis != want {
			t.Errorf("%s begins at %v, want %v", e.Steps[i].Name, e.Steps[i].StartMillis, want)
		}
	}
	if e.Millis != 150 || e.Function != "default/hello" || e.Pod != "pod-uid" || len(e.Unheard) != 0 || !e.Cold {
		t.Errorf("%+v", e)
	}
}

func TestOf_TakesTheNewestCallOfAnID(t *testing.T) {
	old := edge(700, 500)
	old.StartMicros -= 60_000 * ms
	e, _ := explain.Of([]wire.Timeline{old, queueProxy(0, 1200, 200)}, explain.Declared{})
	if e.Cause != explain.SlowFunction || len(e.Unheard) != 2 || e.Unheard[0] != wire.PartEdge {
		t.Errorf("%+v", e)
	}
	if _, ok := explain.Of(nil, explain.Declared{}); ok {
		t.Error("nothing is explained")
	}
}
