package controller

import (
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
			name: "a container", change: func(f *functionFacts) { f.environment, f.pkg = false, nil },
			functionChange: func(f *v1.Function) {
				f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = v1.ExecutorContainer
			},
			code: "True/PackageReady", ready: "True/Available",
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
		r.setRoute("xds", wire.RouteStatus{UID: "u", Generation: generation, State: state}, since)
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

func TestReports_ChangesThatMatter(t *testing.T) {
	r := newReports()
	id := wire.FunctionID{Namespace: "ns", Name: "f", UID: "u"}
	failure := &wire.Failure{Reason: "X", Message: "y"}
	for i, c := range []struct {
		status wire.FunctionStatus
		want   bool
		scales bool
	}{
		{wire.FunctionStatus{Function: id, Generation: 1}, false, true},
		{wire.FunctionStatus{Function: id, Generation: 1, Hot: 5, Wanted: 6, Stable: 3}, false, true},
		{wire.FunctionStatus{Function: id, Generation: 1, Hot: 5, Wanted: 6, Stable: 4, Panic: 2, Warm: 7}, false, false},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: failure}, true, true},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: &wire.Failure{Reason: "X", Message: "y"}, Starting: 1}, false, true},
		{wire.FunctionStatus{Function: id, Generation: 1, Failure: failure, ServedGeneration: 1, Hot: 1}, true, true},
		{wire.FunctionStatus{Function: id, Generation: 2}, true, true},
	} {
		if got, scales := r.setFunction(c.status); got != c.want || scales != c.scales {
			t.Errorf("report %d matters: %v, to the scale %v", i, got, scales)
		}
	}
	r.setFunction(wire.FunctionStatus{Function: id, Failure: failure})
	none := func(string) bool { return false }
	if bad := r.forgetFunctions(none); len(bad) != 0 || r.function("u") == nil {
		t.Errorf("forgotten though another autoscaler said it: %v", bad)
	}
	all := func(string) bool { return true }
	if bad := r.forgetFunctions(all); len(bad) != 1 || bad[0] != id || r.function("u") != nil {
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

func TestReports_ReplicasOfXDSSpeakTogether(t *testing.T) {
	now := time.Unix(1000, 0)
	say := func(states ...wire.RouteStatus) *reports {
		r := newReports()
		for i, s := range states {
			s.UID = "u"
			r.setRoute(strconv.Itoa(i), s, now)
		}
		return r
	}
	status := func(generation int64, state wire.RouteState) wire.RouteStatus {
		return wire.RouteStatus{Generation: generation, State: state}
	}
	for name, c := range map[string]struct {
		reports *reports
		want    wire.RouteStatus
	}{
		"one has no Envoy":        {say(status(2, wire.RouteNoEnvoy), status(2, wire.RouteAcknowledged)), status(2, wire.RouteAcknowledged)},
		"one has none and is old": {say(status(1, wire.RouteNoEnvoy), status(2, wire.RouteAcknowledged)), status(2, wire.RouteAcknowledged)},
		"none has an Envoy":       {say(status(2, wire.RouteNoEnvoy), status(2, wire.RouteNoEnvoy)), status(2, wire.RouteNoEnvoy)},
		"one is not done":         {say(status(2, wire.RouteAcknowledged), status(2, wire.RoutePending)), status(2, wire.RoutePending)},
		"one is behind":           {say(status(2, wire.RouteAcknowledged), status(1, wire.RouteAcknowledged)), status(1, wire.RouteAcknowledged)},
		"one refuses":             {say(status(2, wire.RoutePending), status(2, wire.RouteConflict)), status(2, wire.RouteConflict)},
	} {
		got, _ := c.reports.route("u")
		got.UID = ""
		if *got != c.want {
			t.Errorf("%s: %+v, want %+v", name, *got, c.want)
		}
	}
	r := say(status(2, wire.RouteAcknowledged), status(2, wire.RoutePending))
	if of := r.forgetReplica("1"); len(of) != 1 {
		t.Errorf("%d routes were spoken of", len(of))
	}
	if got, _ := r.route("u"); got.State != wire.RouteAcknowledged {
		t.Errorf("a replica that is gone still decides: %+v", got)
	}
	r.forgetReplica("0")
	if got, _ := r.route("u"); got != nil {
		t.Errorf("nobody is left, and %+v is said", got)
	}
}
