package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

func TestPackageStatus(t *testing.T) {
	code, source := v1.Archive{Literal: []byte("x")}, v1.Archive{URL: "https://a/b"}
	for _, c := range []struct {
		name               string
		source, deployment v1.Archive
		build, log         string
		wantBuild, wantLog string
		ready, built       string
	}{
		{"code to be loaded", v1.Archive{}, code, "", "", v1.BuildNone, "", "True/Available", "True/BuildNotNeeded"},
		{"code that a command line marked", v1.Archive{}, code, v1.BuildPending, "", v1.BuildNone, "", "True/Available", "True/BuildNotNeeded"},
		{"code where none was", v1.Archive{}, code, v1.BuildFailed, v1.EmptyPackageMessage, v1.BuildNone, "", "True/Available", "True/BuildNotNeeded"},
		{"nothing", v1.Archive{}, v1.Archive{}, "", "", v1.BuildFailed, v1.EmptyPackageMessage, "False/PackageBuildFailed", "False/EmptyPackage"},
		{"a source without builder", source, v1.Archive{}, v1.BuildPending, "", v1.BuildFailed, builderMissing, "False/PackageBuildFailed", "False/BuilderUnavailable"},
		{"a source where nothing was", source, v1.Archive{}, v1.BuildFailed, v1.EmptyPackageMessage, v1.BuildFailed, builderMissing, "False/PackageBuildFailed", "False/BuilderUnavailable"},
		{"a source that was built", source, code, v1.BuildSucceeded, "npm ok", v1.BuildSucceeded, "npm ok", "True/Available", "none"},
		{"a source with code", source, code, "", "", v1.BuildNone, "", "True/Available", "True/BuildNotNeeded"},
		{"an image", v1.Archive{}, v1.Archive{OCI: &v1.OCIArchive{Image: "i"}}, "", "", v1.BuildNone, "", "True/Available", "True/BuildNotNeeded"},
	} {
		p := &v1.Package{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Generation: 2, ResourceVersion: "10"},
			Spec:       v1.PackageSpec{Source: c.source, Deployment: c.deployment},
			Status:     v1.PackageStatus{BuildStatus: c.build, BuildLog: c.log},
		}
		s := packageStatus(p, nil, false, metav1.Now())
		if s.BuildStatus != c.wantBuild || s.BuildLog != c.wantLog {
			t.Errorf("%s: build %s, log %q", c.name, s.BuildStatus, s.BuildLog)
		}
		if ready, built := brief(s.Conditions, v1.ConditionReady), brief(s.Conditions, v1.ConditionBuildSucceeded); ready != c.ready || built != c.built {
			t.Errorf("%s: Ready %s, BuildSucceeded %s", c.name, ready, built)
		}
		if s.ObservedGeneration != 2 || s.SpecResourceVersion != "10" {
			t.Errorf("%s: observed %d at %s", c.name, s.ObservedGeneration, s.SpecResourceVersion)
		}
	}
}

// With a build manager, sources wait for it, and what it wrote stays until something newer is to be built.
func TestPackageStatus_WhereBuildsAreMade(t *testing.T) {
	code, source := v1.Archive{Literal: []byte("x")}, v1.Archive{URL: "https://a/b"}
	e := &v1.Environment{Spec: v1.EnvironmentSpec{Builder: v1.Builder{Image: "builder"}}}
	same := (&v1.Package{Spec: v1.PackageSpec{Source: source}}).ContentHash(e)
	failed := metav1.Condition{Type: v1.ConditionBuildSucceeded, Status: metav1.ConditionFalse, Reason: v1.ReasonBuildFailed, Message: "exit status 1"}
	for _, c := range []struct {
		name         string
		deployment   v1.Archive
		build, hash  string
		condition    []metav1.Condition
		wantBuild    string
		ready, built string
	}{
		{"a new source", v1.Archive{}, "", "", nil, v1.BuildPending, "False/PackageBuildPending", "Unknown/PackageBuildPending"},
		{"a source with its owner's code", code, "", "", nil, v1.BuildNone, "True/Available", "True/BuildNotNeeded"},
		{"a build that runs", v1.Archive{}, v1.BuildRunning, "", nil, v1.BuildRunning, "False/PackageBuildPending", "none"},
		{"what was built", code, v1.BuildSucceeded, same, nil, v1.BuildSucceeded, "True/Available", "none"},
		{"what was built of another source", code, v1.BuildSucceeded, "old-" + same, nil, v1.BuildPending, "True/Available", "Unknown/PackageBuildPending"},
		{"what was built and got lost", v1.Archive{}, v1.BuildSucceeded, same, nil, v1.BuildPending, "False/PackageBuildPending", "Unknown/PackageBuildPending"},
		{"a build that failed", v1.Archive{}, v1.BuildFailed, same, []metav1.Condition{failed}, v1.BuildFailed, "False/PackageBuildFailed", "False/BuildFailed"},
		{"a build that failed after another", code, v1.BuildFailed, same, []metav1.Condition{failed}, v1.BuildFailed, "True/Available", "False/BuildFailed"},
		{"a build that failed with another builder", code, v1.BuildFailed, same + "x", []metav1.Condition{failed}, v1.BuildPending, "True/Available", "Unknown/PackageBuildPending"},
		{"a rebuild", code, v1.BuildPending, same, nil, v1.BuildPending, "True/Available", "Unknown/PackageBuildPending"},
	} {
		p := &v1.Package{
			Spec:   v1.PackageSpec{Source: source, Deployment: c.deployment},
			Status: v1.PackageStatus{BuildStatus: c.build, ContentHash: c.hash, Conditions: c.condition},
		}
		s := packageStatus(p, e, true, metav1.Now())
		ready, built := brief(s.Conditions, v1.ConditionReady), brief(s.Conditions, v1.ConditionBuildSucceeded)
		if s.BuildStatus != c.wantBuild || ready != c.ready || built != c.built {
			t.Errorf("%s: %s, Ready %s, BuildSucceeded %s", c.name, s.BuildStatus, ready, built)
		}
	}
}

// A status that was applied is not applied again, and keeps the version at which the spec was first seen.
func TestPackageStatus_IsStable(t *testing.T) {
	p := &v1.Package{
		ObjectMeta: metav1.ObjectMeta{Generation: 1, ResourceVersion: "10"},
		Spec:       v1.PackageSpec{Deployment: v1.Archive{Literal: []byte("x")}},
	}
	first := metav1.NewTime(time.Unix(1000, 0))
	p.Status = packageStatus(p, nil, false, first)
	p.ResourceVersion = "11"
	again := packageStatus(p, nil, false, metav1.NewTime(time.Unix(2000, 0)))
	if again.SpecResourceVersion != "10" || !again.LastUpdateTimestamp.Equal(&first) || !same(p.Status.Conditions, again.Conditions) {
		t.Errorf("again: %+v", again)
	}
	if c := again.Conditions[0]; !c.LastTransitionTime.Equal(&first) {
		t.Errorf("the condition moved: %+v", c)
	}
	p.Generation, p.ResourceVersion = 2, "12"
	if next := packageStatus(p, nil, false, first); next.SpecResourceVersion != "12" || next.ObservedGeneration != 2 {
		t.Errorf("after a change: %+v", next)
	}
}

func goodPackage() *v1.Package {
	return &v1.Package{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p", Generation: 1},
		Spec:       v1.PackageSpec{Deployment: v1.Archive{Literal: []byte("x")}},
		Status:     v1.PackageStatus{BuildStatus: v1.BuildNone, ObservedGeneration: 1, SpecResourceVersion: "100"},
	}
}
