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

// packageStatus returns what the status of a package must be. Builds are not made here: what a builder wrote stays.
func packageStatus(p *v1.Package, now metav1.Time) v1.PackageStatus {
	s := *p.Status.DeepCopy()
	if s.ObservedGeneration != p.Generation || s.SpecResourceVersion == "" {
		s.ObservedGeneration, s.SpecResourceVersion = p.Generation, p.ResourceVersion
	}
	build := initialBuild(p)
	if build != s.BuildStatus {
		s.BuildStatus, s.BuildLog, s.LastUpdateTimestamp = build, "", now
	}
	var built metav1.Condition
	switch {
	case build == v1.BuildFailed && p.Spec.Source.Empty():
		s.BuildLog = v1.EmptyPackageMessage
		built = untruth(v1.ConditionBuildSucceeded, v1.ReasonEmptyPackage, v1.EmptyPackageMessage)
	case build == v1.BuildFailed && (s.BuildLog == "" || s.BuildLog == v1.EmptyPackageMessage || s.BuildLog == builderMissing):
		s.BuildLog = builderMissing
		built = untruth(v1.ConditionBuildSucceeded, v1.ReasonBuilderUnavailable, builderMissing)
	case build == v1.BuildNone:
		built = truth(v1.ConditionBuildSucceeded, v1.ReasonBuildNotNeeded, "the deployment archive is loaded as it is")
	default:
		if c := find(p.Status.Conditions, v1.ConditionBuildSucceeded); c != nil {
			built = *c
		}
	}
	wanted := []metav1.Condition{packageReady(p, s, built)}
	if built.Type != "" {
		wanted = append(wanted, built)
	}
	s.Conditions = date(p.Status.Conditions, wanted, p.Generation, now)
	return s
}

// initialBuild returns the build status that a package has until a builder gives it another.
func initialBuild(p *v1.Package) string {
	switch {
	case p.Spec.Deployment.Empty():
		return v1.BuildFailed // nothing to load, and nothing here that builds
	case p.Status.BuildStatus == v1.BuildSucceeded && !p.Spec.Source.Empty():
		return v1.BuildSucceeded
	default:
		return v1.BuildNone
	}
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
	return truth(v1.ConditionReady, v1.ReasonAvailable, "functions can load the code")
}

// reconcilePackage applies the status of a package.
func (c *Controller) reconcilePackage(ctx context.Context, key kube.Key) (time.Duration, error) {
	p, ok := c.packages.Get(key.Namespace, key.Name)
	if !ok || p.DeletionTimestamp != nil {
		return 0, nil
	}
	s := packageStatus(p, metav1.Now())
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
