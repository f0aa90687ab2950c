package law

// Reason says which rule had the last word in a Decision. The same word stands in the function's status, in the
// label of hotpod_autoscaler_wanted_pods and in the log.
type Reason string

// Reasons, in the order of their rules.
const (
	// ReasonNoData keeps what there is: no report was read yet.
	ReasonNoData Reason = "NoData"
	// ReasonOnce keeps what there is: a pod takes one request in its life, so past load says nothing of the next.
	ReasonOnce Reason = "OnceOnly"
	// ReasonStableWindow is the load over the stable window.
	ReasonStableWindow Reason = "StableWindow"
	// ReasonPanicWindow is the load over the short window, or what it asked for within the last stable window.
	ReasonPanicWindow Reason = "PanicWindow"
	// ReasonDemand is requests that wait for a pod.
	ReasonDemand Reason = "Demand"
	// ReasonRecentDemand keeps pods that requests waited for within the last stable window.
	ReasonRecentDemand Reason = "RecentDemand"
	// ReasonActivationScale is the least that load wants when it wants any.
	ReasonActivationScale Reason = "ActivationScale"
	// ReasonIdle goes to zero: no request for the function's idle timeout.
	ReasonIdle Reason = "IdleTimeout"
	// ReasonNotIdle keeps one pod until the idle timeout has passed.
	ReasonNotIdle Reason = "NotIdleYet"
	// ReasonLastPod keeps the last pod for its retention period.
	ReasonLastPod Reason = "PodRetention"
	// ReasonKeepLast keeps the last pod because scale to zero is switched off.
	ReasonKeepLast Reason = "ScaleToZeroOff"
	// ReasonScaleDownDelay keeps what was wanted within the delay.
	ReasonScaleDownDelay Reason = "ScaleDownDelay"
	// ReasonRetain keeps hot pods as retainPods says.
	ReasonRetain Reason = "RetainPods"
	// ReasonInitialScale is what the generation begins with.
	ReasonInitialScale Reason = "InitialScale"
	// ReasonProvisioned is what the function's provisioned concurrency wants now.
	ReasonProvisioned Reason = "ProvisionedConcurrency"
	// ReasonMinimum is the function's minimum of pods.
	ReasonMinimum Reason = "MinScale"
	// ReasonMaximum is the function's maximum of pods.
	ReasonMaximum Reason = "MaxScale"
)
