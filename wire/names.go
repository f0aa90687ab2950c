package wire

import "strings"

// Ports that parts listen on, the same in every pod.
const (
	PortPublic       = 8888  // Envoy: users' routes
	PortInternal     = 8889  // Envoy: /fission-function/
	PortServices     = 8887  // Envoy: functions by the host of their Service
	PortRuntime      = 8888  // the runtime in an environment pod
	PortFetcher      = 8000  // fetcher: control calls and health
	PortRequests     = 8012  // queue-proxy and activator: requests
	PortQueueControl = 8022  // queue-proxy: control calls and health
	PortXDS          = 18000 // xds: aggregated discovery
	PortRouteStatus  = 18001 // xds: route status
	PortAutoscaler   = 8090  // autoscaler: demand and function status
	PortStorage      = 8000  // storage: archives
	PortLogger       = 8070  // logger: questions about lines and timelines
	PortTimelines    = 8071  // logger: timelines from parts, where those have certificates
	PortDebug        = 8080  // components: /metrics, /healthz, /readyz
)

// Headers between the parts. Envoy strips those of clients, the queue-proxy those of functions.
const (
	// HeaderPrefix begins every header of the platform's own.
	HeaderPrefix = "x-hotpod-"
	// HeaderFunction carries the FunctionID that a request is for, as its String.
	HeaderFunction = "x-hotpod-function"
	// HeaderTemplate carries the path template of a route that has variables.
	HeaderTemplate = "x-hotpod-template"
	// HeaderBusy marks a refusal: no function has seen the request, which may go elsewhere. Its value is a Busy.
	HeaderBusy = "x-hotpod-busy"
	// HeaderWait asks the queue-proxy to queue the request, for at most so many milliseconds.
	HeaderWait = "x-hotpod-wait"
	// HeaderColdStart is "true" on the answer to a request that waited for a pod to become hot. Clients see it.
	HeaderColdStart = "x-hotpod-cold-start"
)

// Headers that functions and clients see, as in Fission.
const (
	HeaderRequestID       = "X-Fission-Request-ID"
	HeaderFullURL         = "X-Fission-Full-Url"
	HeaderParamPrefix     = "X-Fission-Params-"
	HeaderFunctionUID     = "X-Fission-Function-Uid"
	HeaderFunctionName    = "X-Fission-Function-Name"
	HeaderFunctionNS      = "X-Fission-Function-Namespace"
	HeaderFunctionVersion = "X-Fission-Function-ResourceVersion"
	HeaderComponent       = "X-Fission-Component"
)

// Busy is why a queue-proxy refused a request.
type Busy string

// Reasons of refusals.
const (
	BusyLimit      Busy = "limit"      // as many requests as allowed are inside, or others wait
	BusyDraining   Busy = "draining"   // the pod takes nothing new
	BusyUnassigned Busy = "unassigned" // the pod has no function yet
	BusyMismatch   Busy = "mismatch"   // the pod holds another function
	BusyBroken     Busy = "broken"     // the pod's runtime does not listen any more
)

// Labels and annotations of environment pods. The first group is Fission's.
const (
	LabelEnvironmentName      = "environmentName"
	LabelEnvironmentNamespace = "environmentNamespace"
	LabelEnvironmentUID       = "environmentUid"
	LabelExecutorType         = "executorType"
	LabelManaged              = "managed"
	LabelFunctionName         = "functionName"
	LabelFunctionNamespace    = "functionNamespace"
	LabelFunctionUID          = "functionUid"
	LabelFunctionGeneration   = "fission.io/function-generation"

	// LabelFunctionService is on a function's Service, with the function's name.
	LabelFunctionService = "hotpod.dev/function-service"

	// LabelState is a PodState: what the pod is.
	LabelState = "hotpod.dev/state"
	// LabelClaimed is when a hot pod was claimed for its function, in milliseconds since 1970: what its containers wrote before
	// is its environment's.
	LabelClaimed = "hotpod.dev/claimed"
	// LabelShard is the index of the shard that made a pod, where functions are sharded; see package shard.
	LabelShard = "hotpod.dev/shard"
	// LabelComponent names the part that a component's pod runs ("activator", "xds", …).
	LabelComponent = "hotpod.dev/component"
	// AnnotationEnvironmentHash fingerprints what the pod was made from.
	AnnotationEnvironmentHash = "hotpod.dev/environment-hash"
)

// PodState is what an environment pod is, as its label says.
type PodState string

// States of environment pods.
const (
	StateWarm     PodState = "warm"
	StateHot      PodState = "hot"
	StateDraining PodState = "draining"
)

// GenericAnswer is how the answer of a runtime that has not loaded a function begins, a 500 as a rule.
const GenericAnswer = "Generic container: no requests supported"

// DefaultReplayLimit is the largest request body in bytes that Envoy can replay elsewhere after a refusal.
const DefaultReplayLimit = 1 << 20

// KernelBuffer is the size in bytes of the kernel's buffers, one on each side, between who can replay a request and who
// may refuse it. They are small: what is in them when a body is refused has to be in what the sender keeps of it.
// Linux doubles the number, for its own overhead.
const KernelBuffer = 64 << 10

// FunctionID names one function object; a function deleted and made again has another UID.
type FunctionID struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	UID       string `json:"uid"`
}

// String returns "namespace/name/uid", the form of HeaderFunction.
func (f FunctionID) String() string { return f.Namespace + "/" + f.Name + "/" + f.UID }

// ParseFunctionID reads the String form; ok is false when a part is missing.
func ParseFunctionID(s string) (id FunctionID, ok bool) {
	namespace, rest, ok1 := strings.Cut(s, "/")
	name, uid, ok2 := strings.Cut(rest, "/")
	if !ok1 || !ok2 || namespace == "" || name == "" || uid == "" || strings.Contains(uid, "/") {
		return FunctionID{}, false
	}
	return FunctionID{Namespace: namespace, Name: name, UID: uid}, true
}
