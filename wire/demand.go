package wire

// Demand is what an activator says of one function: how many requests it holds. Zero ends its interest.
type Demand struct {
	Function FunctionID `json:"function"`
	// Ahead says that a request is on its way to an activator, nothing else: xds says so of functions without hot pods.
	Ahead bool `json:"ahead,omitempty"`
	// Waiting is the number of requests that no pod has taken.
	Waiting int `json:"waiting"`
	// Seen is the Seq of the last placement that the activator had used when it counted; 0 before the first.
	Seen uint64 `json:"seen,omitempty"`
	// Ended counts what became of requests since the last message that had it; nil says nothing.
	Ended *Ended `json:"ended,omitempty"`
}

// Ended is what an activator counted of one function's requests, for the function's totals. Each counter is what came since
// the last time it was told: what is lost with a broken stream is not told again.
type Ended struct {
	// Cold requests came when the function had no hot pod; Spilled ones when it had.
	Cold    uint64 `json:"cold,omitempty"`
	Spilled uint64 `json:"spilled,omitempty"`
	// HoldMicros sums the holds of the requests that a pod took.
	HoldMicros uint64 `json:"holdMicros,omitempty"`
	// Failed counts by Failures the requests that were answered with an error of the platform's.
	Failed [len(Failures)]uint64 `json:"failed"`
}

// Failures name the ways in which the platform fails a request, as metrics call them: too many wait (429), no pod took it in
// time (504), no pod can be had (500), its pod broke (500).
var Failures = [...]string{"capacity_exceeded", "hold_timeout", "unavailable", "broken"} //nolint:gochecknoglobals // a constant array

// Placement is what the autoscaler answers to interested activators, again after each change: where the
// function's requests can go, or why nowhere.
type Placement struct {
	Function FunctionID `json:"function"`
	// Seq grows with each placement that differs from the one before, for all functions together.
	Seq        uint64 `json:"seq,omitempty"`
	Generation int64  `json:"generation"`
	// Pods that are hot for the newest generation that has any.
	Pods []HotPod `json:"pods,omitempty"`
	// Limit is the number of requests inside a pod at a time; 0 means no limit.
	Limit int `json:"limit"`
	// HoldMillis bounds the wait of a request until a pod takes it.
	HoldMillis int64 `json:"holdMillis"`
	// RunMillis bounds the run inside the function, as the queue-proxy keeps it.
	RunMillis int64 `json:"runMillis"`
	// AtMaximum says that the function has as many pods as it may.
	AtMaximum bool `json:"atMaximum,omitempty"`
	// Started tells of those pods that became hot since the placement before.
	Started []Started `json:"started,omitempty"`
	// Failure is set when waiting is in vain: waiting requests are answered with it.
	Failure *Failure `json:"failure,omitempty"`
}

// HotPod is a pod that takes a function's requests.
type HotPod struct {
	UID string `json:"uid"`
	// Address of the queue-proxy, "ip:port".
	Address string `json:"address"`
	// Started tells how the pod became hot, nil when nobody knows. Placements tell it apart, once.
	Started *Started `json:"-"`
}

// Failure is why a function cannot be called.
type Failure struct { //nolint:errname // a message first, that is also an error
	// Reason is a condition reason of api/v1 (EnvironmentNotFound, SpecializationFailed, …).
	Reason string `json:"reason"`
	// Message says what happened and what to do, for the function's owner.
	Message string `json:"message"`
}

// Error implements error.
func (f *Failure) Error() string { return f.Reason + ": " + f.Message }

// FunctionStatus is what the autoscaler publishes of a function.
type FunctionStatus struct {
	Function   FunctionID `json:"function"`
	Generation int64      `json:"generation"`
	// ServedGeneration is the generation of the hot pods; 0 when there are none.
	ServedGeneration int64 `json:"servedGeneration"`
	Hot              int   `json:"hot"`
	Starting         int   `json:"starting"`
	Wanted           int   `json:"wanted"`
	// Warm is the number of warm pods in the function's pool.
	Warm int `json:"warm"`
	// Metric is what the load is measured in, Target how much of it a pod shall have, Stable and Panic how much there
	// was in all over the two windows. Stable and Panic are told anew with every other change, and every few seconds.
	Metric    string  `json:"metric,omitempty"`
	Target    float64 `json:"target,omitempty"`
	Stable    float64 `json:"stable"`
	Panic     float64 `json:"panic"`
	Panicking bool    `json:"panicking,omitempty"`
	// Min and Max bound Wanted now; Provisioned is what the schedule wants now.
	Min         int `json:"min"`
	Max         int `json:"max"`
	Provisioned int `json:"provisioned,omitempty"`
	// Reason of the last decision, and when it changed what is wanted (Unix milliseconds).
	Reason        string `json:"reason,omitempty"`
	ChangedMillis int64  `json:"changedMillis,omitempty"`
	// Begun is the newest generation that has reached its initial scale.
	Begun int64 `json:"begun,omitempty"`
	// Fault says which settings are wrong and do not hold, Unused which have no effect; empty when none.
	Fault  string `json:"fault,omitempty"`
	Unused string `json:"unused,omitempty"`
	// Failure of the last attempt to make a pod hot, nil after a success.
	Failure *Failure `json:"failure,omitempty"`
	// Gone says that the function no longer exists; its entry ends.
	Gone bool `json:"gone,omitempty"`
}

// PoolStatus is what the pool publishes of an environment.
type PoolStatus struct {
	// Environment is "namespace/name".
	Environment string `json:"environment"`
	UID         string `json:"uid"`
	Generation  int64  `json:"generation"`
	// Warm, Starting and Busy pods there are; Unschedulable of the Starting ones find no node.
	Warm          int `json:"warm"`
	Starting      int `json:"starting"`
	Busy          int `json:"busy"`
	Unschedulable int `json:"unschedulable,omitempty"`
	// Wanted is the number of warm pods that there shall be, for Reason; Maximum bounds it.
	Wanted  int    `json:"wanted"`
	Reason  string `json:"reason"`
	Maximum int    `json:"maximum"`
	// Rate is the claims per second in the busiest moments of the last minutes, LeadMillis how long a claimed pod is
	// missing. Wanted follows from them.
	Rate       float64 `json:"rate"`
	LeadMillis int64   `json:"leadMillis"`
	// LastUsedMillis is when a function last had or wanted a pod (Unix milliseconds).
	LastUsedMillis int64 `json:"lastUsedMillis,omitempty"`
	// Failure is why pods do not start, nil when they do.
	Failure *Failure `json:"failure,omitempty"`
	// Gone says that the environment no longer exists; its entry ends.
	Gone bool `json:"gone,omitempty"`
}

// RouteState is what became of a route in xds.
type RouteState string

// States of routes.
const (
	RoutePending          RouteState = "Pending"          // not yet acknowledged by every connected Envoy
	RouteAcknowledged     RouteState = "Acknowledged"     // every connected Envoy serves it
	RouteNoEnvoy          RouteState = "NoEnvoy"          // no Envoy is connected
	RouteConflict         RouteState = "Conflict"         // another route has the URL
	RouteInvalid          RouteState = "Invalid"          // the template or CORS settings cannot be served
	RouteFunctionNotFound RouteState = "FunctionNotFound" // the function does not exist
)

// RouteStatus is what xds publishes of a route.
type RouteStatus struct {
	Namespace  string     `json:"namespace"`
	Name       string     `json:"name"`
	UID        string     `json:"uid"`
	Generation int64      `json:"generation"`
	State      RouteState `json:"state"`
	// Message says more where the state is not good: which route has the URL, what is invalid.
	Message string `json:"message,omitempty"`
	// Gone says that the route no longer exists; its entry ends.
	Gone bool `json:"gone,omitempty"`
}
