package controller

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
)

// builderMissing is the build log of a source package where nothing builds.
const builderMissing = "This package has a source archive only, and no builder is installed: " +
	"build it yourself and set spec.deployment."

// packageStatus returns what the status of a package of the environment must be; nil is one that does not exist. builds
// says whether packages are built; what the build manager wrote stays.
func packageStatus(p *v1.Package, e *v1.Environment, builds bool, now metav1.Time) v1.PackageStatus {
	s := *p.Status.DeepCopy()
	if s.ObservedGeneration != p.Generation || s.SpecResourceVersion == "" {
		s.ObservedGeneration, s.SpecResourceVersion = p.Generation, p.ResourceVersion
	}
	build := buildStatus(p, e, builds)
	if build != s.BuildStatus {
		s.BuildStatus, s.BuildLog, s.LastUpdateTimestamp = build, "", now
	}
	var built metav1.Condition
	switch {
	case build == v1.BuildFailed && p.Spec.Source.Empty():
		s.BuildLog = v1.EmptyPackageMessage
		built = untruth(v1.ConditionBuildSucceeded, v1.ReasonEmptyPackage, v1.EmptyPackageMessage)
	case build == v1.BuildFailed && !builds:
		s.BuildLog = builderMissing
		built = untruth(v1.ConditionBuildSucceeded, v1.ReasonBuilderUnavailable, builderMissing)
	case build == v1.BuildNone:
		built = truth(v1.ConditionBuildSucceeded, v1.ReasonBuildNotNeeded, "the deployment archive is loaded as it is")
	default:
		built = buildCondition(p, build)
	}
	wanted := []metav1.Condition{packageReady(p, s, built)}
	if built.Type != "" {
		wanted = append(wanted, built)
	}
	s.Conditions = date(p.Status.Conditions, wanted, p.Generation, now)
	return s
}

// buildStatus returns the build status that a package has until the build manager gives it another.
func buildStatus(p *v1.Package, e *v1.Environment, builds bool) string {
	status, deployment := p.Status.BuildStatus, !p.Spec.Deployment.Empty()
	switch {
	case p.Spec.Source.Empty() && deployment:
		return v1.BuildNone
	case p.Spec.Source.Empty(), !builds && !deployment:
		return v1.BuildFailed // nothing to load
	case !builds && status == v1.BuildSucceeded:
		return status
	case !builds, status == "" && deployment:
		return v1.BuildNone
	case status != v1.BuildRunning && p.NeedsBuild(e):
		return v1.BuildPending
	default:
		return status
	}
}

// buildCondition keeps what the build manager says, but for what a build that is due makes untrue.
func buildCondition(p *v1.Package, build string) metav1.Condition {
	c := find(p.Status.Conditions, v1.ConditionBuildSucceeded)
	switch {
	case build == v1.BuildPending && (c == nil || c.Status != metav1.ConditionUnknown):
		return unknown(v1.ConditionBuildSucceeded, v1.ReasonPackageBuildPending, "the build has not begun yet")
	case c == nil:
		return metav1.Condition{}
	}
	return *c
}

func packageReady(p *v1.Package, s v1.PackageStatus, built metav1.Condition) metav1.Condition {
	then := p.DeepCopy()
	then.Status = s
	if built.Type != "" {
		then.Status.Conditions = []metav1.Condition{built}
	}
	if reason, message := then.Blocked(); reason != "" {
		return untruth(v1.ConditionReady, reason, message)
	}
	if s.BuildStatus == v1.BuildFailed {
		return truth(v1.ConditionReady, v1.ReasonAvailable, "functions can load the code of the build before; the last one failed: "+then.BuildFailure())
	}
	return truth(v1.ConditionReady, v1.ReasonAvailable, "functions can load the code")
}

// environmentOf is the "namespace/name" of the package's environment.
func environmentOf(p *v1.Package) string {
	if p.Spec.Environment.Namespace == "" {
		return p.Namespace + "/" + p.Spec.Environment.Name
	}
	return p.Spec.Environment.Namespace + "/" + p.Spec.Environment.Name
}

// reconcilePackage applies the status of a package.
func (c *Controller) reconcilePackage(ctx context.Context, key kube.Key) (time.Duration, error) {
	p, ok := c.packages.Get(key.Namespace, key.Name)
	if !ok || p.DeletionTimestamp != nil {
		return 0, nil
	}
	e, err := lookup(ctx, c.environments, c.clients.Environments, environmentOf(p))
	if err != nil {
		return 0, err
	}
	s := packageStatus(p, e, c.config.Builds, metav1.Now())
	if s.BuildStatus == p.Status.BuildStatus && s.BuildLog == p.Status.BuildLog &&
		s.ObservedGeneration == p.Status.ObservedGeneration && s.SpecResourceVersion == p.Status.SpecResourceVersion &&
		same(p.Status.Conditions, s.Conditions) {
		return 0, nil
	}
	s.ContentHash = "" // a builder's
	if bad := worsened(p.Status.Conditions, s.Conditions, v1.ConditionReady); bad != nil {
		c.events.Warning(p, bad.Reason, bad.Message)
	}
	return 0, kube.ApplyStatus(ctx, c.clients.Packages(p.Namespace), p, s)
}
