package wire

// Timeline is what one part of the platform knows of one request. Timelines are kept of requests that were slow, cold,
// failed or sampled; those of one request have its ID in common.
type Timeline struct {
	RequestID string `json:"requestId"`
	TraceID   string `json:"traceId,omitempty"`
	// Function that the request was for; the zero value when none was found.
	Function FunctionID `json:"function"`
	Part     Part       `json:"part"`
	// StartMicros is when the request came to the part (Unix microseconds of its clock), Micros how long it stayed.
	StartMicros int64 `json:"startMicros"`
	Micros      int64 `json:"micros"`
	// Status that the part answered with or passed on; 0 when nobody was left to answer.
	Status int `json:"status,omitempty"`
	// Reason is the word of the error that the part answered itself (Error.Reason), Cause the Failure behind it, Message its text.
	Reason  string `json:"reason,omitempty"`
	Cause   string `json:"cause,omitempty"`
	Message string `json:"message,omitempty"`
	// Component is what the answer's HeaderComponent says; "" when the function answered.
	Component string `json:"component,omitempty"`
	// Cold says that the request waited for a pod to become hot; Full that it waited because every pod was busy, Maximum
	// that the function had as many as it may.
	Cold    bool `json:"cold,omitempty"`
	Full    bool `json:"full,omitempty"`
	Maximum bool `json:"maximum,omitempty"`
	// Attempts counts the pods, or Envoy's upstreams, that the request was sent to.
	Attempts int `json:"attempts,omitempty"`
	// Pod is the UID of the pod that the request was sent to last.
	Pod   string `json:"pod,omitempty"`
	Steps []Step `json:"steps,omitempty"`
	// Method, Path and Route of the request, and Envoy's Flags and Detail of its end. Only the edge tells them.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	Route  string `json:"route,omitempty"`
	Flags  string `json:"flags,omitempty"`
	Detail string `json:"detail,omitempty"`
}

// Step is a part of the time of a Timeline.
type Step struct {
	Name StepName `json:"name"`
	// Offset from the beginning of the Timeline, and length; both in microseconds.
	Offset int64 `json:"offset"`
	Micros int64 `json:"micros"`
}

// Part is a part of the platform on a request's way.
type Part string

// Parts that keep timelines.
const (
	PartEdge       Part = "edge"       // Envoy
	PartActivator  Part = "activator"  // the activator that held it
	PartQueueProxy Part = "queueproxy" // the queue-proxy of the pod
)

// StepName is what the time of a request is spent on. Spans have the same names.
type StepName string

// Steps in the order in which they come.
const (
	StepEdge       StepName = "edge"       // from Envoy's first byte to its last
	StepUpload     StepName = "upload"     // the client sends its body
	StepHold       StepName = "hold"       // the activator holds the request until a pod takes it
	StepClaim      StepName = "claim"      // waiting for a warm pod
	StepSpecialize StepName = "specialize" // making it hot; fetch and load are in it
	StepFetch      StepName = "fetch"      // the code comes into the pod
	StepLoad       StepName = "load"       // the runtime loads it
	StepQueue      StepName = "queue"      // waiting in the pod, since its function is full
	StepFunction   StepName = "function"   // the function's own time
)

// Timelines is a batch on its way to where they are kept.
type Timelines struct {
	Timelines []Timeline `json:"timelines"`
}

// PathTimelines is where timelines are sent to and asked for.
const PathTimelines = "/v1/timelines"

// Started tells how a pod became hot.
type Started struct {
	// Pod is its UID.
	Pod string `json:"pod"`
	// ClaimMicros is the wait for a warm pod, SpecializeMicros the time that making it hot took, of which FetchMicros and
	// LoadMicros are the fetcher's own count.
	ClaimMicros      int64 `json:"claimMicros"`
	SpecializeMicros int64 `json:"specializeMicros"`
	FetchMicros      int64 `json:"fetchMicros"`
	LoadMicros       int64 `json:"loadMicros"`
}

// Calls are single requests that a queue-proxy found worth telling of, with how many more there were.
type Calls struct {
	Calls   []Call `json:"calls,omitempty"`
	Omitted int    `json:"omitted,omitempty"`
}

// MaxCalls bounds the calls of a report.
const MaxCalls = 16

// Call is one request inside a pod.
type Call struct {
	RequestID string `json:"requestId"`
	TraceID   string `json:"traceId,omitempty"`
	// Sampled says that the request's trace is recorded.
	Sampled bool `json:"sampled,omitempty"`
	// AgoMicros is how long before the report the request came.
	AgoMicros int64 `json:"agoMicros"`
	// QueueMicros is the wait for the function, RunMicros the time inside it.
	QueueMicros int64  `json:"queueMicros"`
	RunMicros   int64  `json:"runMicros"`
	Status      int    `json:"status,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Message     string `json:"message,omitempty"`
}
