package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// functionFacts are what the conditions of a function follow from.
type functionFacts struct {
	function *v1.Function
	// pkg is nil when the package does not exist.
	pkg         *v1.Package
	environment bool
	// status is what the autoscaler said last, nil when nothing.
	status *wire.FunctionStatus
	// pinned says that a manifest keeps the function on an older package.
	pinned bool
}

// functionConditions returns PackageReady and Ready of a function, and SettingsValid and Provisioned where there is
// something to say.
func functionConditions(f functionFacts) []metav1.Condition {
	code := codeReady(f)
	return slices.Concat([]metav1.Condition{code, functionReady(f, code)}, settings(f.status), provisioned(f.function, f.status))
}

func codeReady(f functionFacts) metav1.Condition {
	const kind = v1.ConditionPackageReady
	key := f.function.PackageKey()
	switch {
	case f.function.Executor() == v1.ExecutorContainer:
		return truth(kind, v1.ReasonPackageReady, "the code is in the container's image")
	case key == "":
		return untruth(kind, v1.ReasonPackageNotFound, "the function names no package: set spec.package.packageref.name")
	case f.pkg == nil:
		return untruth(kind, v1.ReasonPackageNotFound, fmt.Sprintf("package %s does not exist", key))
	}
	if reason, message := f.pkg.Blocked(); reason != "" {
		return untruth(kind, reason, message)
	}
	if f.function.Spec.Package.PackageRef.ResourceVersion == "" && follows(f.function) {
		// Pods that start now would be replaced as soon as the version is set.
		return unknown(kind, v1.ReasonPackageBuildPending, "the package was not looked at yet")
	}
	if f.pinned {
		return truth(kind, v1.ReasonPackageReady, "the package has changed since, but the function's manifest sets "+
			"spec.package.packageref.resourceversion: take it out, and the function follows its package")
	}
	if failure := f.pkg.BuildFailure(); failure != "" {
		return truth(kind, v1.ReasonPackageReady, "the code of the build before can be loaded; the last build failed: "+failure)
	}
	return truth(kind, v1.ReasonPackageReady, "the code can be loaded")
}

func functionReady(f functionFacts, code metav1.Condition) metav1.Condition {
	const kind = v1.ConditionReady
	if !f.environment && f.function.Executor() != v1.ExecutorContainer {
		return untruth(kind, v1.ReasonEnvironmentNotFound, fmt.Sprintf("environment %s does not exist", f.function.EnvironmentKey()))
	}
	if code.Status != metav1.ConditionTrue {
		code.Type = kind
		return code
	}
	if failure := failing(f.function, f.status); failure != nil {
		return untruth(kind, failure.Reason, failure.Message)
	}
	return truth(kind, v1.ReasonAvailable, "the function can be called")
}

// failing returns why the function's present generation cannot be called, nil when it can or nothing says otherwise.
func failing(f *v1.Function, s *wire.FunctionStatus) *wire.Failure {
	switch {
	case s == nil || s.Failure == nil || s.Generation != f.Generation:
		return nil
	case s.Hot > 0 && s.ServedGeneration == s.Generation:
		return nil // it is being called
	case s.Failure.Reason == v1.ReasonPoolUnavailable && s.Warm > 0:
		return nil // pods are missing, but not all
	case s.Hot > 0:
		return &wire.Failure{
			Reason:  s.Failure.Reason,
			Message: s.Failure.Message + fmt.Sprintf("; pods of generation %d keep serving", s.ServedGeneration),
		}
	}
	return s.Failure
}

// reconcileFunction makes a function follow its package and applies its conditions.
func (c *Controller) reconcileFunction(ctx context.Context, key kube.Key) (time.Duration, error) {
	f, ok := c.functions.Get(key.Namespace, key.Name)
	if !ok || f.DeletionTimestamp != nil {
		return 0, nil
	}
	facts, err := c.functionFacts(ctx, f)
	if err != nil {
		return 0, err
	}
	changed, pinned, err := c.follow(ctx, f, facts.pkg)
	if err != nil || changed {
		return 0, err // the change arrives as another generation
	}
	facts.pinned = pinned
	service, err := c.reconcileService(ctx, f)
	if err != nil {
		return 0, err
	}
	s := v1.FunctionStatus{
		ObservedGeneration: f.Generation,
		Conditions:         date(f.Status.Conditions, slices.Concat(functionConditions(facts), service), f.Generation, metav1.Now()),
		Scale:              functionScale(f.Status.Scale, facts.status),
	}
	old := f.Status
	if write, wait := c.due(f, old.ObservedGeneration, old.Conditions, s.Conditions, sameScale(old.Scale, s.Scale)); !write {
		return max(wait, serviceAgain(service)), nil
	}
	return serviceAgain(service), kube.ApplyStatus(ctx, c.clients.Functions(f.Namespace), f, s)
}

func (c *Controller) functionFacts(ctx context.Context, f *v1.Function) (functionFacts, error) {
	facts := functionFacts{function: f, status: c.reports.function(string(f.UID))}
	if key := f.PackageKey(); key != "" {
		pkg, err := lookup(ctx, c.packages, c.clients.Packages, key)
		if err != nil {
			return facts, err
		}
		facts.pkg = pkg
	}
	environment, err := lookup(ctx, c.environments, c.clients.Environments, f.EnvironmentKey())
	facts.environment = environment != nil
	return facts, err
}
