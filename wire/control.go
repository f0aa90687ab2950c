package wire

import "encoding/json"

// Paths of the control calls. Fetcher and queue-proxy answer only calls signed for their pod (package sign).
const (
	PathIdentity   = "/v1/identity"   // fetcher and queue-proxy, GET → Identity
	PathSpecialize = "/v1/specialize" // fetcher, POST sealed SpecializeRequest → SpecializeResult
	PathAssign     = "/v1/assign"     // queue-proxy, POST Assignment
	PathDrain      = "/v1/drain"      // queue-proxy, POST DrainRequest; answers when nothing is in flight
	PathReports    = "/v1/reports"    // queue-proxy, POST → endless NDJSON of Report

	// PathWaitForDrain is unsigned: the runtime's preStop hook waits here until the queue-proxy is drained.
	PathWaitForDrain = "/wait-for-drain"
	PathHealth       = "/healthz"
	PathReadiness    = "/readiness-healthz" // fetcher, Fission's name
)

// Identity is what a fetcher says of its pod, and the queue-proxy of one without fetcher.
type Identity struct {
	PodUID string `json:"podUid"`
	// SealKey is the public key that code for this pod must be sealed to.
	SealKey []byte `json:"sealKey"`
	// Held is the function that the pod was specialized for, nil while warm.
	Held *Held `json:"held,omitempty"`
}

// Held is a function at a generation, with what it got besides its code.
type Held struct {
	Function   FunctionID `json:"function"`
	Generation int64      `json:"generation"`
	// Inputs is the Inputs.Digest that the pod was told; a pod whose containers got them from the kubelet has these or newer
	// ones.
	Inputs string `json:"inputs,omitempty"`
}

// SpecializeRequest puts a function's code into a pod. The fetcher accepts one Held in its life: the same again
// is answered alike, another with 409 and the Identity.
type SpecializeRequest struct {
	Held
	// EnvVersion chooses the load call: 1 for /specialize, 2 and 3 for /v2/specialize.
	EnvVersion int `json:"envVersion"`
	// EntryPoint is the function's name inside its code, in the environment's notation.
	EntryPoint string `json:"entryPoint,omitempty"`
	Code       Code   `json:"code"`
	// Files are the contents of Secrets and ConfigMaps.
	Files []File `json:"files,omitempty"`
	// Env are environment variables, passed to the runtime in the load call.
	Env map[string]string `json:"env,omitempty"`
	// Metadata is the function's ObjectMeta, passed to the runtime as it is.
	Metadata json.RawMessage `json:"metadata,omitempty"`
	// TimeoutMillis bounds fetching and loading together.
	TimeoutMillis int64 `json:"timeoutMillis"`
}

// Code is a function's deployable archive: Literal, or what URL answers.
type Code struct {
	// Digest is the lower-case hexadecimal SHA-256 of the archive; "" when it is not known before.
	Digest string `json:"digest,omitempty"`
	// Literal is the archive itself.
	Literal []byte `json:"literal,omitempty"`
	// URL answers the archive.
	URL string `json:"url,omitempty"`
	// Image holds the code, until the archive store has taken it out and URL is set. It is not sent.
	Image *ImageCode `json:"-"`
	// KeepArchive leaves a zip packed.
	KeepArchive bool `json:"keepArchive,omitempty"`
}

// File is one key of a Secret or ConfigMap.
type File struct {
	// Path below /secrets or /configs, slash-separated and clean.
	Path string `json:"path"`
	// Secret says which of the two.
	Secret bool   `json:"secret,omitempty"`
	Data   []byte `json:"data"`
}

// Inputs are what a function gets from Secrets and ConfigMaps.
type Inputs struct {
	Files []File
	// Env are the function's environment variables, those that it says itself included.
	Env map[string]string
	// Digest changes when a Secret or ConfigMap does; "" when the function names none.
	Digest string
}

// SpecializeResult tells how the time of a specialization was spent.
type SpecializeResult struct {
	FetchMicros int64 `json:"fetchMicros"`
	LoadMicros  int64 `json:"loadMicros"`
}

// Assignment tells a queue-proxy which function its pod holds, and the bounds that it keeps. A second one for
// another function is refused with 409; for the same function it replaces the bounds.
type Assignment struct {
	Held
	// ResourceVersion of the function, passed on in a header.
	ResourceVersion string `json:"resourceVersion,omitempty"`
	// Limit is the number of requests inside the function at a time; 0 means no limit.
	Limit int `json:"limit"`
	// Once makes the pod refuse everything after its first request.
	Once bool `json:"once,omitempty"`
	// RunTimeoutMillis bounds a request inside the function; 0 means no bound.
	RunTimeoutMillis int64 `json:"runTimeoutMillis"`
	// QueueTimeoutMillis bounds the wait of a request that could not be refused.
	QueueTimeoutMillis int64 `json:"queueTimeoutMillis"`
	// Streaming exempts answers that have begun from RunTimeoutMillis; see StreamIdleMillis, StreamMaxMillis.
	Streaming bool `json:"streaming,omitempty"`
	// StreamIdleMillis ends a stream without a byte for so long; 0 means no bound.
	StreamIdleMillis int64 `json:"streamIdleMillis,omitempty"`
	// StreamMaxMillis ends a stream; 0 means no bound.
	StreamMaxMillis int64 `json:"streamMaxMillis,omitempty"`
}

// DrainRequest makes a queue-proxy refuse what is new and wait for what it has.
type DrainRequest struct {
	// DeadlineMillis after which the answer comes though requests are still in flight.
	DeadlineMillis int64 `json:"deadlineMillis"`
}

// DrainResult is the answer to a DrainRequest.
type DrainResult struct {
	// InFlight is 0 unless the deadline passed.
	InFlight int `json:"inFlight"`
}

// Report is what a queue-proxy says of its load, at most once a second and only after a change. Counters only
// grow during the queue-proxy's life; the reader makes deltas, so a lost report loses nothing.
type Report struct {
	// UptimeMillis is the time since the queue-proxy started: the clock of the report.
	UptimeMillis int64 `json:"uptimeMillis"`
	// Concurrency is the time-weighted mean of requests in the pod, waiters included, since the last report.
	Concurrency float64 `json:"concurrency"`
	// InFlight and Waiting are the numbers now: inside the function, and queued for it.
	InFlight int `json:"inFlight"`
	Waiting  int `json:"waiting"`
	// Draining says that the pod takes nothing new.
	Draining bool `json:"draining,omitempty"`
	// Broken says that the runtime is gone, with the function's code: the pod never takes anything again.
	Broken bool `json:"broken,omitempty"`
	// Requests counts finished requests by status class: index 0 is what got no status (client gone), 1 to 5
	// are 1xx to 5xx.
	Requests [6]uint64 `json:"requests"`
	// Refused counts refusals.
	Refused uint64 `json:"refused"`
	// DurationMicros sums the time inside the function of finished requests.
	DurationMicros uint64 `json:"durationMicros"`
	// Buckets counts finished requests by duration, one more than DurationBuckets.
	Buckets [len(DurationBuckets) + 1]uint64 `json:"buckets"`
	// Calls are single requests worth telling of, nil when there was none since the last report.
	Calls *Calls `json:"calls,omitempty"`
}

// DurationBuckets are the upper bounds in seconds of Report.Buckets; the last bucket has none.
var DurationBuckets = [...]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60} //nolint:gochecknoglobals // a constant array
