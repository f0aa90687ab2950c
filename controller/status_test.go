package controller

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// brief is a condition in one line.
func brief(conditions []metav1.Condition, kind string) string {
	c := find(conditions, kind)
	if c == nil {
		return "none"
	}
	return string(c.Status) + "/" + c.Reason
}

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

func goodFunction() *v1.Function {
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "f", Generation: 3}}
	f.Spec.Environment.Name, f.Spec.Package.PackageRef = "node", v1.PackageRef{Name: "p", ResourceVersion: "100"}
	return f
}

func TestFunctionConditions(t *testing.T) {
	failure := &wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "it throws"}
	noPods := &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "quota"}
	for _, c := range []struct {
		name           string
		change         func(*functionFacts)
		code, ready    string
		message        string
		functionChange func(*v1.Function)
	}{
		{name: "all is there", code: "True/PackageReady", ready: "True/Available"},
		{
			name: "no package", change: func(f *functionFacts) { f.pkg = nil },
			code: "False/PackageNotFound", ready: "False/PackageNotFound", message: "package ns/p does not exist",
		},
		{
			name: "no package named", functionChange: func(f *v1.Function) { f.Spec.Package.PackageRef.Name = "" },
			code: "False/PackageNotFound", ready: "False/PackageNotFound", message: "names no package",
		},
		{
			name: "no environment", change: func(f *functionFacts) { f.environment = false },
			code: "True/PackageReady", ready: "False/EnvironmentNotFound", message: "environment ns/node does not exist",
		},
		{
			name: "neither", change: func(f *functionFacts) { f.environment, f.pkg = false, nil },
			code: "False/PackageNotFound", ready: "False/EnvironmentNotFound",
		},
		{
			name: "a version that is to be set yet", functionChange: func(f *v1.Function) { f.Spec.Package.PackageRef.ResourceVersion = "" },
			code: "Unknown/PackageBuildPending", ready: "Unknown/PackageBuildPending",
		},
		{
			name: "a function without version that does not follow", functionChange: func(f *v1.Function) {
				f.Spec.Package.PackageRef.ResourceVersion = ""
				f.Annotations = map[string]string{AnnotationNoFollow: "true"}
			},
			code: "True/PackageReady", ready: "True/Available",
		},
		{
			name: "an empty package", change: func(f *functionFacts) { f.pkg.Spec.Deployment = v1.Archive{} },
			code: "False/PackageBuildFailed", ready: "False/PackageBuildFailed", message: v1.EmptyPackageMessage,
		},
		{
			name: "code that throws", change: func(f *functionFacts) { f.status = &wire.FunctionStatus{Generation: 3, Failure: failure} },
			code: "True/PackageReady", ready: "False/SpecializationFailed", message: "it throws",
		},
		{
			name: "code that threw in an earlier generation", change: func(f *functionFacts) { f.status = &wire.FunctionStatus{Generation: 2, Failure: failure} },
			code: "True/PackageReady", ready: "True/Available",
		},
		{
			name: "new code that throws while the old serves", change: func(f *functionFacts) {
				f.status = &wire.FunctionStatus{Generation: 3, ServedGeneration: 2, Hot: 1, Failure: failure}
			},
			code: "True/PackageReady", ready: "False/SpecializationFailed", message: "it throws; pods of generation 2 keep serving",
		},
		{
			name: "a pod that failed beside one that serves", change: func(f *functionFacts) {
				f.status = &wire.FunctionStatus{Generation: 3, ServedGeneration: 3, Hot: 1, Failure: failure}
			},
			code: "True/PackageReady", ready: "True/Available",
		},
		{
			name: "a pool that cannot grow", change: func(f *functionFacts) {
				f.status = &wire.FunctionStatus{Generation: 3, Warm: 1, Failure: noPods}
			},
			code: "True/PackageReady", ready: "True/Available",
		},
		{
			name: "a pool without pods", change: func(f *functionFacts) { f.status = &wire.FunctionStatus{Generation: 3, Failure: noPods} },
			code: "True/PackageReady", ready: "False/PoolUnavailable", message: "quota",
		},
		{
			name: "a manifest that holds the function back", change: func(f *functionFacts) { f.pinned = true },
			code: "True/PackageReady", ready: "True/Available",
		},
		{
			name: "a container", functionChange: func(f *v1.Function) {
				f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = v1.ExecutorContainer
			},
			code: "True/PackageReady", ready: "False/ExecutorUnsupported", message: "use poolmgr",
		},
	} {
		facts := functionFacts{function: goodFunction(), pkg: goodPackage(), environment: true}
		if c.change != nil {
			c.change(&facts)
		}
		if c.functionChange != nil {
			c.functionChange(facts.function)
		}
		got := functionConditions(facts)
		if code, ready := brief(got, v1.ConditionPackageReady), brief(got, v1.ConditionReady); code != c.code || ready != c.ready {
			t.Errorf("%s: PackageReady %s, Ready %s", c.name, code, ready)
		}
		if m := find(got, v1.ConditionReady).Message; !strings.Contains(m, c.message) {
			t.Errorf("%s: message %q", c.name, m)
		}
	}
}

func TestStale(t *testing.T) {
	// old changes a function that would follow otherwise.
	old := func(change func(*v1.Function, *v1.Package)) func(*v1.Function, *v1.Package) {
		return func(f *v1.Function, p *v1.Package) {
			f.Spec.Package.PackageRef.ResourceVersion = "99"
			change(f, p)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*v1.Function, *v1.Package)
		want   string
	}{
		{"a function that names no version", func(f *v1.Function, _ *v1.Package) { f.Spec.Package.PackageRef.ResourceVersion = "" }, "100"},
		{"an older version", func(f *v1.Function, _ *v1.Package) { f.Spec.Package.PackageRef.ResourceVersion = "99" }, "100"},
		{"the version", func(f *v1.Function, _ *v1.Package) { f.Spec.Package.PackageRef.ResourceVersion = "100" }, ""},
		{"a version after a write of status", func(f *v1.Function, _ *v1.Package) { f.Spec.Package.PackageRef.ResourceVersion = "101" }, ""},
		{"a function that does not follow", old(func(f *v1.Function, _ *v1.Package) { f.Annotations = map[string]string{AnnotationNoFollow: "true"} }), ""},
		{"a package not looked at since its change", old(func(_ *v1.Function, p *v1.Package) { p.Generation = 2 }), ""},
		{"a package that cannot be loaded", old(func(_ *v1.Function, p *v1.Package) { p.Spec.Deployment = v1.Archive{} }), ""},
		{"a container", old(func(f *v1.Function, _ *v1.Package) {
			f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = v1.ExecutorContainer
		}), ""},
	} {
		f, p := goodFunction(), goodPackage()
		c.change(f, p)
		if got := stale(f, p); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := stale(goodFunction(), nil); got != "" {
		t.Errorf("no package: %q", got)
	}
}

func TestDeclared_IsWhatAManifestHolds(t *testing.T) {
	owns := `{"f:spec":{"f:package":{"f:packageref":{"f:resourceversion":{}}}}}`
	entry := func(manager string, op metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: op, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	for _, c := range []struct {
		name  string
		entry metav1.ManagedFieldsEntry
		want  bool
	}{
		{"applied by a GitOps tool", entry("argocd", metav1.ManagedFieldsOperationApply, owns), true},
		{"applied by kubectl", entry(clientSideApply, metav1.ManagedFieldsOperationUpdate, owns), true},
		{"set by a command line", entry("fission", metav1.ManagedFieldsOperationUpdate, owns), false},
		{"applied by us", entry(kube.FieldOwner, metav1.ManagedFieldsOperationApply, owns), false},
		{"a manifest without the version", entry("argocd", metav1.ManagedFieldsOperationApply, `{"f:spec":{"f:package":{"f:packageref":{"f:name":{}}}}}`), false},
		{"no fields", metav1.ManagedFieldsEntry{Manager: "argocd", Operation: metav1.ManagedFieldsOperationApply}, false},
	} {
		if got := declared([]metav1.ManagedFieldsEntry{c.entry}); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRouteConditions(t *testing.T) {
	for state, want := range map[wire.RouteState][2]string{
		wire.RouteAcknowledged:     {"True/RouteAdmitted", "True/Acknowledged"},
		wire.RoutePending:          {"True/RouteAdmitted", "False/WaitingForEnvoy"},
		wire.RouteNoEnvoy:          {"True/RouteAdmitted", "Unknown/NoEnvoyConnected"},
		wire.RouteConflict:         {"False/RouteConflict", "False/RouteConflict"},
		wire.RouteInvalid:          {"False/InvalidRouteTemplate", "False/InvalidRouteTemplate"},
		wire.RouteFunctionNotFound: {"False/FunctionNotFound", "False/FunctionNotFound"},
	} {
		got := routeConditions(wire.RouteStatus{State: state})
		if a, r := brief(got, v1.ConditionRouteAdmitted), brief(got, v1.ConditionReady); a != want[0] || r != want[1] {
			t.Errorf("%s: RouteAdmitted %s, Ready %s", state, a, r)
		}
		for _, c := range got {
			if c.Message == "" {
				t.Errorf("%s: %s says nothing", state, c.Type)
			}
		}
	}
	got := routeConditions(wire.RouteStatus{State: wire.RouteConflict, Message: "route ns/other has it"})
	if m := find(got, v1.ConditionReady).Message; m != "route ns/other has it" {
		t.Errorf("message %q", m)
	}
}

func TestRouteFacts_WaitBeforeTheyAreWritten(t *testing.T) {
	now := time.Unix(1000, 0)
	report := func(generation int64, state wire.RouteState, since time.Time) *reports {
		r := newReports()
		r.setRoute(wire.RouteStatus{UID: "u", Generation: generation, State: state}, since)
		return r
	}
	for _, c := range []struct {
		name     string
		reports  *reports
		observed int64
		age      time.Duration
		written  bool
		wait     time.Duration
	}{
		{"pending for a moment", report(2, wire.RoutePending, now.Add(-300*time.Millisecond)), 1, time.Hour, false, 700 * time.Millisecond},
		{"pending for long", report(2, wire.RoutePending, now.Add(-time.Minute)), 1, time.Hour, true, 0},
		{"acknowledged", report(2, wire.RouteAcknowledged, now), 1, time.Hour, true, 0},
		{"of an earlier generation", report(1, wire.RouteAcknowledged, now), 1, time.Hour, false, 0},
		{"of a generation to come", report(3, wire.RouteAcknowledged, now), 1, time.Hour, false, 0},
		{"silence about a new route", newReports(), 0, time.Second, false, 4 * time.Second},
		{"silence about a route for long", newReports(), 0, time.Minute, true, 0},
		{"silence about a route that was written", newReports(), 1, time.Hour, false, 0},
	} {
		trigger := &v1.HTTPTrigger{
			ObjectMeta: metav1.ObjectMeta{UID: "u", Generation: 2, CreationTimestamp: metav1.NewTime(now.Add(-c.age))},
			Status:     v1.HTTPTriggerStatus{ObservedGeneration: c.observed},
		}
		got, wait := (&Controller{reports: c.reports}).routeFacts(trigger, now)
		if (got != nil) != c.written || wait != c.wait {
			t.Errorf("%s: %v, again after %v", c.name, got, wait)
		}
	}
}

// aPod returns a pod of that age; state is "ready", "starting" or a waiting reason.
func aPod(name string, age time.Duration, state string) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(time.Unix(10000, 0).Add(-age))}}
	switch state {
	case "ready":
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	case "starting":
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}}}}
	case "Unschedulable":
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: state, Message: "0/3 nodes"}}
	case "Evicted":
		p.Status.Phase, p.Status.Reason = corev1.PodFailed, state
	default:
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "node", Image: "bad:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: state, Message: "no such image"}}}}
	}
	return p
}

func TestEnvironmentReady(t *testing.T) {
	pool3 := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3}}
	pool0 := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3}}
	leaving := aPod("a", time.Hour, "ready")
	leaving.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	quota := &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: "exceeded quota"}
	for _, c := range []struct {
		name    string
		env     *v1.Environment
		pods    []*corev1.Pod
		pool    *wire.Failure
		want    string
		message string
	}{
		{"no pod yet", pool3, nil, nil, "Unknown/PoolStarting", "no pod is ready yet"},
		{"a pod that starts", pool3, []*corev1.Pod{aPod("a", 0, "starting")}, nil, "Unknown/PoolStarting", ""},
		{"a ready pod", pool3, []*corev1.Pod{aPod("a", 0, "ready"), aPod("b", 0, "starting")}, nil, "True/Available", ""},
		{"only a pod that leaves", pool3, []*corev1.Pod{leaving}, nil, "Unknown/PoolStarting", ""},
		{"an image that nobody knows", pool3, []*corev1.Pod{aPod("a", 0, "ErrImagePull")}, nil, "False/PoolUnavailable", "container node (image bad:1): ErrImagePull: no such image"},
		{"a new image that nobody knows, while old pods run", pool3, []*corev1.Pod{aPod("a", time.Hour, "ready"), aPod("b", 0, "ImagePullBackOff")}, nil, "False/PoolUnavailable", "ImagePullBackOff"},
		{"an old pod that hangs beside newer ones that run", pool3, []*corev1.Pod{aPod("a", time.Hour, "CrashLoopBackOff"), aPod("b", 0, "ready")}, nil, "True/Available", ""},
		{"no node", pool3, []*corev1.Pod{aPod("a", 0, "Unschedulable")}, nil, "False/PoolUnavailable", "pods find no node: Unschedulable: 0/3 nodes"},
		{"a pod that was evicted", pool3, []*corev1.Pod{aPod("a", 0, "Evicted")}, nil, "False/PoolUnavailable", "a pod failed: Evicted"},
		{"pods that are not admitted", pool3, nil, quota, "False/PoolUnavailable", "exceeded quota"},
		{"functions that fail for other reasons", pool3, nil, &wire.Failure{Reason: v1.ReasonSpecializationFailed}, "Unknown/PoolStarting", ""},
		{"no pool", pool0, nil, nil, "True/NoPool", "the first request of a function waits"},
		{"no pool, and a pod that runs", pool0, []*corev1.Pod{aPod("a", 0, "ready")}, nil, "True/Available", ""},
	} {
		got := environmentReady(c.env, c.pods, c.pool)
		if b := brief([]metav1.Condition{got}, v1.ConditionReady); b != c.want || !strings.Contains(got.Message, c.message) {
			t.Errorf("%s: %s, %q", c.name, b, got.Message)
		}
	}
}

// The message must not change with the order in which pods are listed, or status would be written for ever.
func TestEnvironmentReady_DoesNotDependOnTheOrderOfPods(t *testing.T) {
	states := []string{"ready", "starting", "ErrImagePull", "CrashLoopBackOff", "Unschedulable"}
	rapid.Check(t, func(t *rapid.T) {
		var pods []*corev1.Pod
		for i, s := range rapid.SliceOfN(rapid.SampledFrom(states), 1, 8).Draw(t, "states") {
			pods = append(pods, aPod(string(rune('a'+i)), time.Duration(rapid.IntRange(0, 2).Draw(t, "age"))*time.Hour, s))
		}
		e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3}}
		first := environmentReady(e, pods, nil)
		shuffled := rapid.Permutation(pods).Draw(t, "shuffled")
		if again := environmentReady(e, shuffled, nil); again != first {
			t.Errorf("%+v, then %+v", first, again)
		}
	})
}

func TestReports_ChangesThatMatter(t *testing.T) {
	r := newReports()
	id := wire.FunctionID{Namespace: "ns", Name: "f", UID: "u"}
	failure := &wire.Failure{Reason: "X", Message: "y"}
	for i, c := range []struct {
		status wire.FunctionStatus
		want   bool
	}{
		{wire.FunctionStatus{Function: id, Generation: 1}, false},
		{wire.FunctionStatus{Function: id, Generation: 1, Hot: 5, Wanted: 6, Concurrency: 3}, false},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: failure}, true},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: &wire.Failure{Reason: "X", Message: "y"}, Starting: 1}, false},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: failure, ServedGeneration: 1, Hot: 1}, true},
		{wire.FunctionStatus{Function: id, Generation: 2}, true},
	} {
		if got := r.setFunction(c.status); got != c.want {
			t.Errorf("report %d matters: %v", i, got)
		}
	}
	r.setFunction(wire.FunctionStatus{Function: id, Failure: failure})
	if bad := r.forgetFunctions(); len(bad) != 1 || bad[0] != id || r.function("u") != nil {
		t.Errorf("forgotten: %v, left: %v", bad, r.function("u"))
	}
	r.setFunction(wire.FunctionStatus{Function: id, Generation: 1})
	r.setFunction(wire.FunctionStatus{Function: id, Gone: true})
	if r.function("u") != nil {
		t.Error("a function that is gone is still there")
	}
}

func TestDate_BoundsMessagesAndKeepsTransitions(t *testing.T) {
	then, now := metav1.NewTime(time.Unix(1, 0)), metav1.NewTime(time.Unix(2, 0))
	before := []metav1.Condition{{Type: "A", Status: metav1.ConditionTrue, LastTransitionTime: then}, {Type: "B", Status: metav1.ConditionTrue, LastTransitionTime: then}}
	got := date(before, []metav1.Condition{truth("A", "r", strings.Repeat("x", 5000)), untruth("B", "r", "m")}, 7, now)
	if len(got[0].Message) != maxMessage || !got[0].LastTransitionTime.Equal(&then) || !got[1].LastTransitionTime.Equal(&now) || got[0].ObservedGeneration != 7 {
		t.Errorf("dated: %+v", got)
	}
}
