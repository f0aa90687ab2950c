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
		{"an image", v1.Archive{}, v1.Archive{OCI: &v1.OCIArchive{Image: "i"}}, "", "", v1.BuildNone, "", "False/ArchiveUnsupported", "True/BuildNotNeeded"},
	} {
		p := &v1.Package{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Generation: 2, ResourceVersion: "10"},
			Spec:       v1.PackageSpec{Source: c.source, Deployment: c.deployment},
			Status:     v1.PackageStatus{BuildStatus: c.build, BuildLog: c.log},
		}
		s := packageStatus(p, metav1.Now())
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

// A status that was applied is not applied again, and keeps the version at which the spec was first seen.
func TestPackageStatus_IsStable(t *testing.T) {
	p := &v1.Package{
		ObjectMeta: metav1.ObjectMeta{Generation: 1, ResourceVersion: "10"},
		Spec:       v1.PackageSpec{Deployment: v1.Archive{Literal: []byte("x")}},
	}
	first := metav1.NewTime(time.Unix(1000, 0))
	p.Status = packageStatus(p, first)
	p.ResourceVersion = "11"
	again := packageStatus(p, metav1.NewTime(time.Unix(2000, 0)))
	if again.SpecResourceVersion != "10" || !again.LastUpdateTimestamp.Equal(&first) || !same(p.Status.Conditions, again.Conditions) {
		t.Errorf("again: %+v", again)
	}
	if c := again.Conditions[0]; !c.LastTransitionTime.Equal(&first) {
		t.Errorf("the condition moved: %+v", c)
	}
	p.Generation, p.ResourceVersion = 2, "12"
	if next := packageStatus(p, first); next.SpecResourceVersion != "12" || next.ObservedGeneration != 2 {
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
