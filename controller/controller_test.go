package controller

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

func TestController_TellsAFunctionsWayToReady(t *testing.T) {
	w := newWorld(t)
	w.fn("f", "")
	w.condition("function", "f", v1.ConditionReady, "False/EnvironmentNotFound")
	w.env("node", 0)
	w.condition("function", "f", v1.ConditionReady, "False/PackageNotFound")
	w.pkg("")
	w.condition("package", "p", v1.ConditionReady, "False/PackageBuildFailed")
	w.condition("function", "f", v1.ConditionReady, "False/PackageBuildFailed")
	w.change("code")
	w.condition("package", "p", v1.ConditionReady, "True/Available")
	w.condition("function", "f", v1.ConditionPackageReady, "True/PackageReady")
	w.condition("function", "f", v1.ConditionReady, "True/Available")

	f, err := w.user.Functions(w.ns).Get(t.Context(), "f", metav1.GetOptions{})
	w.check(err)
	if f.Status.ObservedGeneration != 2 || f.Generation != 2 { // the second generation names the package's version
		t.Errorf("observed %d of generation %d", f.Status.ObservedGeneration, f.Generation)
	}
	w.check(w.user.Environments(w.ns).Delete(t.Context(), "node", metav1.DeleteOptions{}))
	w.condition("function", "f", v1.ConditionReady, "False/EnvironmentNotFound")
	w.eventually("an event says so", func() bool {
		events, err := w.user.Events(w.ns).List(t.Context(), metav1.ListOptions{})
		w.check(err)
		for i := range events.Items {
			if e := &events.Items[i]; e.Reason == v1.ReasonEnvironmentNotFound && e.InvolvedObject.UID == f.UID {
				return true
			}
		}
		return false
	})
}

func TestController_TellsWhatTheAutoscalerSays(t *testing.T) {
	w := newWorld(t)
	w.env("node", 0)
	p := w.pkg("code")
	f := w.fn("f", p.ResourceVersion)
	w.condition("function", "f", v1.ConditionReady, "True/Available")
	id := wire.FunctionID{Namespace: w.ns, Name: "f", UID: string(f.UID)}
	failure := &wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "SyntaxError: Unexpected token"}
	w.functions.Publish(id.UID, wire.FunctionStatus{Function: id, Generation: f.Generation, Failure: failure})
	if m := w.condition("function", "f", v1.ConditionReady, "False/SpecializationFailed"); m != failure.Message {
		t.Errorf("message %q", m)
	}
	w.functions.Publish(id.UID, wire.FunctionStatus{Function: id, Generation: f.Generation, ServedGeneration: f.Generation, Hot: 1})
	w.condition("function", "f", v1.ConditionReady, "True/Available")

	before, err := w.user.Functions(w.ns).Get(t.Context(), "f", metav1.GetOptions{})
	w.check(err)
	for i := range 20 { // numbers of pods are nobody's status
		w.functions.Publish(id.UID, wire.FunctionStatus{Function: id, Generation: f.Generation, ServedGeneration: f.Generation, Hot: i, Wanted: i})
	}
	other := w.fn("later", p.ResourceVersion) // what comes after them was seen
	w.condition("function", other.Name, v1.ConditionReady, "True/Available")
	after, err := w.user.Functions(w.ns).Get(t.Context(), "f", metav1.GetOptions{})
	w.check(err)
	if before.ResourceVersion != after.ResourceVersion {
		t.Errorf("the function was written while only numbers changed: %+v", after.Status)
	}
}

func TestController_FunctionsFollowTheirPackage(t *testing.T) {
	w := newWorld(t)
	w.env("node", 0)
	p := w.pkg("one")
	w.condition("package", "p", v1.ConditionReady, "True/Available")
	byCLI := w.fn("by-cli", p.ResourceVersion)
	bare := w.fn("bare", "")
	fixed := w.fn("fixed", p.ResourceVersion)
	w.patch(fixed, `{"metadata":{"annotations":{"`+AnnotationNoFollow+`":"true"}}}`)
	manifest := w.applied(p.ResourceVersion)
	for _, name := range []string{"by-cli", "bare", "fixed", "manifest"} {
		w.condition("function", name, v1.ConditionReady, "True/Available")
	}
	version := func(name string) string {
		f, err := w.user.Functions(w.ns).Get(t.Context(), name, metav1.GetOptions{})
		w.check(err)
		return f.Spec.Package.PackageRef.ResourceVersion
	}
	if got := version("by-cli"); got != byCLI.Spec.Package.PackageRef.ResourceVersion {
		t.Errorf("a function that names its package's version was moved to %s", got)
	}
	w.eventually("a function without a version has one", func() bool { return version("bare") != "" })

	changed := w.change("two")
	for _, f := range []*v1.Function{byCLI, bare} {
		w.eventually(f.Name+" follows", func() bool { return version(f.Name) == changed.ResourceVersion })
		w.condition("function", f.Name, v1.ConditionReady, "True/Available")
	}
	for _, f := range []*v1.Function{fixed, manifest} {
		if got := version(f.Name); got != p.ResourceVersion {
			t.Errorf("%s was moved to %s", f.Name, got)
		}
	}
	w.eventually("the held function says why", func() bool {
		c := find(w.conditions("function", "manifest"), v1.ConditionPackageReady)
		return c != nil && strings.Contains(c.Message, "take it out")
	})
}

func (w *world) patch(f *v1.Function, patch string) {
	w.t.Helper()
	_, err := w.user.Functions(w.ns).Patch(w.t.Context(), f.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	w.check(err)
}

// applied creates a function as a GitOps tool does, with the version in its manifest.
func (w *world) applied(version string) *v1.Function {
	w.t.Helper()
	a := &kube.Apply{
		TypeMeta: metav1.TypeMeta{APIVersion: "fission.io/v1", Kind: "Function"},
		Metadata: kube.ApplyMeta{Name: "manifest"},
		Spec: v1.FunctionSpec{
			Environment: v1.EnvironmentReference{Name: "node"},
			Package:     v1.FunctionPackageRef{PackageRef: v1.PackageRef{Name: "p", ResourceVersion: version}},
		},
	}
	f, err := w.user.Functions(w.ns).Apply(w.t.Context(), a, metav1.ApplyOptions{FieldManager: "gitops"})
	w.check(err)
	return f
}

func TestController_WritesOfStatusRollNothing(t *testing.T) {
	w := newWorld(t)
	w.env("node", 0)
	p := w.pkg("one")
	f := w.fn("f", p.ResourceVersion)
	w.condition("function", "f", v1.ConditionReady, "True/Available")
	for range 3 { // the command line asks for a rebuild
		live, err := w.user.Packages(w.ns).Get(t.Context(), "p", metav1.GetOptions{})
		w.check(err)
		live.Status.BuildStatus = v1.BuildPending
		if _, err := w.user.Packages(w.ns).UpdateStatus(t.Context(), live, metav1.UpdateOptions{}); err != nil && !apierrors.IsConflict(err) {
			t.Fatal(err)
		}
		w.eventually("the status is set again", func() bool {
			p, err := w.user.Packages(w.ns).Get(t.Context(), "p", metav1.GetOptions{})
			w.check(err)
			return p.Status.BuildStatus == v1.BuildNone
		})
	}
	after, err := w.user.Functions(w.ns).Get(t.Context(), "f", metav1.GetOptions{})
	w.check(err)
	if after.Generation != f.Generation {
		t.Errorf("the function is at generation %d, was at %d", after.Generation, f.Generation)
	}
}

func TestController_TellsWhatBecameOfARoute(t *testing.T) {
	w := newWorld(t)
	r := &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: "r"}}
	r.Spec.RelativeURL, r.Spec.FunctionReference = "/hello", v1.FunctionReference{Type: v1.ReferenceName, Name: "f"}
	r, err := w.user.HTTPTriggers(w.ns).Create(t.Context(), r, metav1.CreateOptions{})
	w.check(err)
	say := func(state wire.RouteState, message string) {
		w.routes.Publish(string(r.UID), wire.RouteStatus{Namespace: w.ns, Name: "r", UID: string(r.UID), Generation: r.Generation, State: state, Message: message})
	}
	say(wire.RouteNoEnvoy, "")
	w.condition("route", "r", v1.ConditionReady, "Unknown/NoEnvoyConnected")
	w.condition("route", "r", v1.ConditionRouteAdmitted, "True/RouteAdmitted")
	say(wire.RouteAcknowledged, "")
	w.condition("route", "r", v1.ConditionReady, "True/Acknowledged")
	say(wire.RouteConflict, "route a/b has this URL")
	if m := w.condition("route", "r", v1.ConditionReady, "False/RouteConflict"); m != "route a/b has this URL" {
		t.Errorf("message %q", m)
	}
	w.condition("route", "r", v1.ConditionRouteAdmitted, "False/RouteConflict")
	say(wire.RoutePending, "")
	w.condition("route", "r", v1.ConditionReady, "False/WaitingForEnvoy")
}

func TestController_SaysWhenNobodyKnowsOfARoute(t *testing.T) {
	w := newWorld(t)
	r := &v1.HTTPTrigger{ObjectMeta: metav1.ObjectMeta{Name: "r"}}
	r.Spec.RelativeURL, r.Spec.FunctionReference = "/hello", v1.FunctionReference{Type: v1.ReferenceName, Name: "f"}
	_, err := w.user.HTTPTriggers(w.ns).Create(t.Context(), r, metav1.CreateOptions{})
	w.check(err)
	w.condition("route", "r", v1.ConditionReady, "Unknown/WaitingForEnvoy")
}

// pod makes a pod of the environment and sets what a node would say of it.
func (w *world) pod(e *v1.Environment, namespace, name string, status corev1.PodStatus) *corev1.Pod {
	w.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			wire.LabelExecutorType: v1.ExecutorPool, wire.LabelEnvironmentName: e.Name,
			wire.LabelEnvironmentNamespace: e.Namespace, wire.LabelEnvironmentUID: string(e.UID),
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "node", Image: "i"}}},
	}
	pod, err := w.user.Pods(namespace).Create(w.t.Context(), pod, metav1.CreateOptions{})
	w.check(err)
	pod.Status = status
	pod, err = w.user.Pods(namespace).UpdateStatus(w.t.Context(), pod, metav1.UpdateOptions{})
	w.check(err)
	return pod
}

func TestController_TellsAnEnvironmentFromItsPods(t *testing.T) {
	w := newWorld(t)
	e := w.env("node", 1)
	w.condition("environment", "node", v1.ConditionReady, "Unknown/PoolStarting")
	waiting := corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{
		Name: "node", Image: "i", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "known images are: a, b"}},
	}}}
	pod := w.pod(e, w.ns, "a", waiting)
	if m := w.condition("environment", "node", v1.ConditionReady, "False/PoolUnavailable"); !strings.Contains(m, "known images are: a, b") {
		t.Errorf("message %q", m)
	}
	pod.Status = corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	_, err := w.user.Pods(w.ns).UpdateStatus(t.Context(), pod, metav1.UpdateOptions{})
	w.check(err)
	w.condition("environment", "node", v1.ConditionReady, "True/Available")
	now := int64(0)
	w.check(w.user.Pods(w.ns).Delete(t.Context(), "a", metav1.DeleteOptions{GracePeriodSeconds: &now}))
	w.condition("environment", "node", v1.ConditionReady, "Unknown/PoolStarting")

	s := wire.PoolStatus{Environment: w.ns + "/node", UID: string(e.UID), Wanted: 3, Failure: &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "exceeded quota"}}
	w.pools.Publish(s.Environment, s)
	if m := w.condition("environment", "node", v1.ConditionReady, "False/PoolUnavailable"); m != "exceeded quota" {
		t.Errorf("message %q", m)
	}
}

func TestController_SweepsTheAnchorsOfDeletedEnvironments(t *testing.T) {
	w := newWorld(t)
	kept, gone := w.env("kept", 0), w.env("gone", 0)
	cluster := kube.NewCluster(w.user)
	for _, e := range []*v1.Environment{kept, gone} {
		_, err := cluster.Anchor(t.Context(), "fission-function", e)
		w.check(err)
	}
	w.condition("environment", "gone", v1.ConditionReady, "True/NoPool")
	w.check(w.user.Environments(w.ns).Delete(t.Context(), "gone", metav1.DeleteOptions{}))
	maps := w.user.ConfigMaps("fission-function")
	w.eventually("the anchor is deleted", func() bool {
		_, err := maps.Get(t.Context(), kube.AnchorPrefix+string(gone.UID), metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	if _, err := maps.Get(t.Context(), kube.AnchorPrefix+string(kept.UID), metav1.GetOptions{}); err != nil {
		t.Errorf("the other anchor: %v", err)
	}
}
