package cli

import (
	"k8s.io/apimachinery/pkg/api/meta"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/spec"
)

// objectState is what an object's status says.
type objectState struct {
	ready bool
	fault string // why it will not become ready by itself, "" while it may
}

// observed returns the key of an object and its state.
func observed(o spec.Object) (spec.Key, objectState) {
	conditions, generation := conditionsOf(o)
	key := spec.KeyOf(o)
	if p, ok := o.(*v1.Package); ok && p.Status.BuildStatus == v1.BuildFailed {
		return key, objectState{fault: "the build failed:\n" + p.Status.BuildLog}
	}
	if generation < o.GetGeneration() {
		return key, objectState{}
	}
	state := objectState{ready: meta.IsStatusConditionTrue(conditions, v1.ConditionReady)}
	if c := meta.FindStatusCondition(conditions, v1.ConditionReady); c != nil && lasting(c.Reason) {
		state.fault = c.Reason + ": " + c.Message
	}
	return key, state
}

// lasting reports whether a reason for not being ready needs somebody to mend it.
func lasting(reason string) bool {
	switch reason {
	case v1.ReasonSpecializationFailed, v1.ReasonRouteConflict, v1.ReasonRouteInvalid, v1.ReasonCorsInvalid, v1.ReasonEmptyPackage,
		v1.ReasonExecutorUnsupported, v1.ReasonArchiveUnsupported, v1.ReasonReferenceInvalid, v1.ReasonPackageBuildFailed:
		return true
	default:
		return false
	}
}
