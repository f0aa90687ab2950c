package xds

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestServer_RebuildsOnceForChangesThatComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(testConfig())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _ = s.Run(ctx) }()
		defer func() { cancel(); synctest.Wait() }()
		number := func() uint64 {
			s.catalog.mu.Lock()
			defer s.catalog.mu.Unlock()
			return s.catalog.numbers[typeScope]
		}
		function := func(i int) {
			s.SetFunction(&v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: fmt.Sprint(i), UID: types.UID(fmt.Sprint(i))}})
		}
		function(0)
		synctest.Wait()
		if s.Ready() == nil || number() != 0 {
			t.Fatal("it serves before it is synced")
		}
		s.Synced()
		synctest.Wait()
		if s.Ready() != nil || number() != 1 {
			t.Fatalf("after Synced: %v, table %d", s.Ready(), number())
		}
		time.Sleep(time.Second)
		synctest.Wait()
		was := number()
		for i := range 5 {
			function(1 + i)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(holdOff)
		synctest.Wait()
		if got := number() - was; got != 1 {
			t.Errorf("5 changes in 5 ms made %d tables", got)
		}
		was = number()
		for i := range 100 { // never quiet for holdOff
			function(10 + i)
			time.Sleep(time.Millisecond)
		}
		if got := number() - was; got < 1 || got > 3 {
			t.Errorf("changes for 100 ms made %d tables", got)
		}
	})
}

func TestWorld_KeepsTheLastActivators(t *testing.T) {
	w := newWorld()
	if _, all := w.setPod(Pod{UID: "a", Address: "1:1"}); !all {
		t.Error("the first activator changes nothing")
	}
	if _, all := w.setPod(Pod{UID: "b", Address: "2:1"}); !all || len(w.activators) != 2 {
		t.Errorf("activators %v", w.activators)
	}
	w.deletePod("a")
	if _, all := w.deletePod("b"); all || len(w.activators) != 1 || w.activators[0] != "2:1" {
		t.Errorf("after the last one went: %v", w.activators)
	}
	w.setPod(Pod{UID: "c", Address: "3:1"})
	if len(w.activators) != 1 || w.activators[0] != "3:1" {
		t.Errorf("after another came: %v", w.activators)
	}
}

func TestWorld_TakesActivatorsThatAreNotReadyWhenItKnowsNoOthers(t *testing.T) {
	w := newWorld()
	want := func(when string, addresses ...string) {
		t.Helper()
		if !slices.Equal(w.activators, addresses) {
			t.Errorf("%s: %v, want %v", when, w.activators, addresses)
		}
	}
	w.setPod(Pod{UID: "a", Address: "1:1", Unready: true})
	want("at the start", "1:1")
	w.setPod(Pod{UID: "b", Address: "2:1"})
	want("with one that is ready", "2:1")
	w.setPod(Pod{UID: "a", Address: "1:1"})
	want("with both", "1:1", "2:1")
	w.setPod(Pod{UID: "b", Address: "2:1", Unready: true})
	want("with one that is not ready any more", "1:1")
	w.setPod(Pod{UID: "a", Address: "1:1", Unready: true})
	want("with none", "1:1")
}

func TestWorld_APodThatChangesHandsChangesBothFunctions(t *testing.T) {
	w := newWorld()
	w.setPod(Pod{UID: "p", Function: "f", Generation: 1, Address: "1:1"})
	if functions, _ := w.setPod(Pod{UID: "p", Function: "f", Generation: 1, Address: "1:1"}); functions != nil {
		t.Errorf("nothing changed, but %v", functions)
	}
	functions, _ := w.setPod(Pod{UID: "p", Function: "g", Generation: 1, Address: "1:1"})
	if strings.Join(functions, " ") != "f g" {
		t.Errorf("changed: %v", functions)
	}
}

func TestPodOf_TakesPodsThatCanServe(t *testing.T) {
	hot := map[string]string{wire.LabelState: "hot", wire.LabelFunctionUID: "f", wire.LabelFunctionGeneration: "2"}
	activator := map[string]string{wire.LabelComponent: "activator"}
	ready := []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	now := metav1.Now()
	for name, c := range map[string]struct {
		labels  map[string]string
		ip      string
		conds   []corev1.PodCondition
		deleted *metav1.Time
		want    bool
	}{
		"hot":                     {hot, "1.2.3.4", nil, nil, true},
		"IPv6":                    {hot, "fd00::1", nil, nil, true},
		"hot without an address":  {hot, "", nil, nil, false},
		"hot but going":           {hot, "1.2.3.4", nil, &now, false},
		"warm":                    {map[string]string{wire.LabelState: "warm"}, "1.2.3.4", nil, nil, false},
		"hot without a function":  {map[string]string{wire.LabelState: "hot"}, "1.2.3.4", nil, nil, false},
		"a ready activator":       {activator, "1.2.3.4", ready, nil, true},
		"an activator not ready":  {activator, "1.2.3.4", nil, nil, true},
		"another part":            {map[string]string{wire.LabelComponent: "xds"}, "1.2.3.4", ready, nil, false},
		"an activator that going": {activator, "1.2.3.4", ready, &now, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: c.labels, DeletionTimestamp: c.deleted}, Status: corev1.PodStatus{PodIP: c.ip, Conditions: c.conds}}
			pod, ok := PodOf(p)
			unready := c.labels[wire.LabelComponent] != "" && c.conds == nil
			if ok != c.want || ok && (!strings.HasSuffix(pod.Address, ":8012") || pod.Unready != unready) {
				t.Errorf("%v %+v", ok, pod)
			}
		})
	}
}

func TestPodOf_LeavesOutAPodThatLostAContainer(t *testing.T) {
	died := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137}}
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	for name, c := range map[string]struct {
		status corev1.ContainerStatus
		want   bool
	}{
		"running":       {corev1.ContainerStatus{State: running}, true},
		"dead":          {corev1.ContainerStatus{State: died}, false},
		"started again": {corev1.ContainerStatus{State: running, LastTerminationState: died}, false},
	} {
		p := &corev1.Pod{Status: corev1.PodStatus{PodIP: "1.2.3.4", ContainerStatuses: []corev1.ContainerStatus{{State: running}, c.status}}}
		p.Labels = map[string]string{wire.LabelState: "hot", wire.LabelFunctionUID: "f", wire.LabelFunctionGeneration: "2"}
		if _, ok := PodOf(p); ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
	}
}

func TestPodOf_LeavesOutAPodWhoseOwnProbesFail(t *testing.T) {
	for _, ready := range []bool{true, false} {
		p := &corev1.Pod{Status: corev1.PodStatus{PodIP: "1.2.3.4", ContainerStatuses: []corev1.ContainerStatus{{Name: "app", Ready: ready}, {Name: "side"}}}}
		p.Labels = map[string]string{wire.LabelState: "hot", wire.LabelFunctionUID: "f", wire.LabelFunctionGeneration: "2"}
		p.Annotations = map[string]string{v1.AnnotationProbed: "app"}
		if _, ok := PodOf(p); ok != ready {
			t.Errorf("ready %v: %v", ready, ok)
		}
	}
}

func TestConfig_ValidateListsEveryFault(t *testing.T) {
	err := Config{Public: []string{"8888"}, ReplayLimit: -1, Tracing: Tracing{Endpoint: "grpc://x", Share: 2}}.Validate()
	for _, want := range []string{"public", "internal", "logger", "replay limit", "trace endpoint"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("the zero value is taken")
	}
	if err := (Config{Public: []string{"[::]:1"}, Internal: []string{"1.1.1.1:1"}, Log: slog.Default()}).Validate(); err != nil {
		t.Error(err)
	}
	err = BootstrapConfig{XDS: "x", Admin: "0.0.0.0:9901", Debug: ":1"}.Validate()
	for _, want := range []string{"xds address", "admin address", "debug address"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v says nothing of %s", err, want)
		}
	}
}

func TestTracingFromEnv_ReadsTheStandardVariables(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want Tracing
		bad  bool
	}{
		"nothing":         {nil, Tracing{}, false},
		"base":            {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"}, Tracing{Endpoint: "http://c:4318/v1/traces"}, false},
		"traces go apart": {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/t", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, Tracing{"http://d/t", .5}, false},
		"disabled":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"}, Tracing{}, false},
		"a bad share":     {map[string]string{"OTEL_TRACES_SAMPLER_ARG": "half"}, Tracing{}, true},
		"not HTTP":        {map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "c:4317"}, Tracing{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := TracingFromEnv(func(k string) string { return c.env[k] })
			if (err != nil) != c.bad || !c.bad && got != c.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}
