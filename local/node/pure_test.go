package node

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestExpand(t *testing.T) {
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"A": "1", "EMPTY": "", "B": "$(A)"}[name]
		return value, ok
	}
	for text, want := range map[string]string{
		"plain":            "plain",
		"$(A)":             "1",
		"x$(A)y$(A)":       "x1y1",
		"$(EMPTY)":         "",
		"$(UNKNOWN)":       "$(UNKNOWN)",
		"$$(A)":            "$(A)",
		"$$$(A)":           "$1",
		"$A ${A} $":        "$A ${A} $",
		"$(A":              "$(A",
		"$(B)":             "$(A)",
		"$()":              "$()",
		"--addr=$(A):80 $": "--addr=1:80 $",
	} {
		if got := expand(text, lookup); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("$(A)$$")
	f.Fuzz(func(t *testing.T, text string) {
		none := func(string) (string, bool) { return "", false }
		if !strings.Contains(text, "$$") && expand(text, none) != text {
			t.Errorf("%q became %q although nothing is known", text, expand(text, none))
		}
	})
}

func TestContainerEnv_LaterSourcesWinAndKeepTheirPlace(t *testing.T) {
	objects := &memoryObjects{secrets: map[string]*corev1.Secret{}, configMaps: map[string]*corev1.ConfigMap{}}
	cm := &corev1.ConfigMap{Data: map[string]string{"A": "cm", "not a name": "x", "B": "cm"}}
	cm.Namespace, cm.Name = "ns", "cm"
	objects.put(cm)
	pod := shellPod("")
	pod.Status.PodIP = "127.1.2.3"
	c := &corev1.Container{
		Name:      "c",
		Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("128Mi")}},
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "P_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: new(true)}},
		},
		Env: []corev1.EnvVar{
			{Name: "PATH", Value: "/mine:$(PATH)"},
			{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}},
			{Name: "URL", Value: "http://$(IP)/$(P_A)"},
			{Name: "MEM", ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}}},
			{Name: "MAYBE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}, Key: "none", Optional: new(true),
			}}},
			{Name: "P_B", Value: "own"},
		},
	}
	pod.Spec.Containers[0] = *c
	env, err := containerEnv(c, envSources{
		pod: pod, first: []corev1.EnvVar{{Name: "KUBERNETES_SERVICE_HOST", Value: "h"}},
		image: map[string]string{"HOME": "/image"}, path: "/bin", source: objects,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"PATH=/mine:/bin", "HOSTNAME=p", "HOME=/image", "KUBERNETES_SERVICE_HOST=h", "P_A=cm", "P_B=own",
		"IP=127.1.2.3", "URL=http://127.1.2.3/cm", "MEM=128",
	}
	if got := env.list(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestContainerEnv_SaysWhatIsMissing(t *testing.T) {
	objects := &memoryObjects{configMaps: map[string]*corev1.ConfigMap{"ns/cm": {}}}
	for want, source := range map[string]*corev1.EnvVarSource{
		`variable X: couldn't find key k in configmap cm`: {ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}, Key: "k"}},
		`variable X: secret "s" not found`:                {SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "k"}},
		`variable X: pod field "spec.x" is not supported`: {FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.x"}},
	} {
		_, err := containerEnv(&corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: source}}}, envSources{pod: shellPod(""), source: objects})
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestAddresses_AreUsedAgainAsLateAsPossible(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("127.9.0.0/22"))
	first, err := a.take()
	if err != nil || first.String() != "127.9.1.0" {
		t.Fatalf("first address %s, %v", first, err)
	}
	a.release(first)
	seen := map[netip.Addr]bool{first: true}
	for range 767 - 1 { // 127.9.1.1 to 127.9.3.254
		next, err := a.take()
		if err != nil || seen[next] {
			t.Fatalf("address %s, %v", next, err)
		}
		seen[next] = true
	}
	if again, err := a.take(); err != nil || again != first {
		t.Errorf("after the round: %s, %v", again, err)
	}
	if _, err := a.take(); err == nil {
		t.Error("more addresses than there are")
	}
}

func TestAddresses_Claim(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("127.9.0.0/16"))
	if got, err := a.claim("127.9.0.5"); err != nil || got.String() != "127.9.0.5" {
		t.Errorf("claimed %s, %v", got, err)
	}
	for _, bad := range []string{"127.9.0.5", "127.8.0.5", "127.9.0.0", "127.9.255.255", "::1", "x", ""} {
		if got, err := a.claim(bad); err == nil {
			t.Errorf("claim(%q) = %s", bad, got)
		}
	}
}

func TestReplacePath(t *testing.T) {
	for text, want := range map[string]string{
		"/v":               "/host/v",
		"/v/f":             "/host/v/f",
		"/var":             "/var",
		"/x/v":             "/x/v",
		"a=/v,b=/v/c":      "a=/host/v,b=/host/v/c",
		"cat >/v/f </v":    "cat >/host/v/f </host/v",
		"file:///v/x":      "file:///v/x",
		"'/v'":             "'/host/v'",
		"no":               "no",
		"KUBECONFIG=/v/k8": "KUBECONFIG=/host/v/k8",
	} {
		if got := replacePath(text, "/v", "/host/v"); got != want {
			t.Errorf("replacePath(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestOutside_KeepsWhatPodsDoNotSee(t *testing.T) {
	dir, err := realTempDir(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := outside([]string{"/usr/bin", dir, dir, "/", "/does/not/exist"}); !slices.Equal(got, []string{dir}) {
		t.Errorf("got %q", got)
	}
}

var (
	runningState = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting      = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "X"}}
)

func ended(code int32) corev1.ContainerState {
	return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
}

func TestPhaseOf(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	for name, c := range map[string]struct {
		policy corev1.RestartPolicy
		inits  []containerState
		side   bool
		mains  []containerState
		failed string
		want   corev1.PodPhase
	}{
		"nothing yet":                    {mains: []containerState{{now: waiting}}, want: corev1.PodPending},
		"init runs":                      {inits: []containerState{{now: runningState}}, mains: []containerState{{now: waiting}}, want: corev1.PodPending},
		"init failed for good":           {policy: "Never", inits: []containerState{{now: ended(1)}}, mains: []containerState{{now: waiting}}, want: corev1.PodFailed},
		"init failed, tried again":       {policy: "OnFailure", inits: []containerState{{now: ended(1)}}, mains: []containerState{{now: waiting}}, want: corev1.PodPending},
		"init done":                      {inits: []containerState{{now: ended(0)}}, mains: []containerState{{now: runningState}}, want: corev1.PodRunning},
		"sidecar not started":            {side: true, inits: []containerState{{now: runningState}}, mains: []containerState{{now: waiting}}, want: corev1.PodPending},
		"sidecar started":                {side: true, inits: []containerState{{now: runningState, started: true}}, mains: []containerState{{now: runningState}}, want: corev1.PodRunning},
		"one of two runs":                {mains: []containerState{{now: runningState}, {now: waiting}}, want: corev1.PodPending},
		"crashed, waits":                 {mains: []containerState{{now: waiting, last: ended(1)}}, want: corev1.PodRunning},
		"all succeeded":                  {policy: "Never", mains: []containerState{{now: ended(0)}, {now: ended(0)}}, want: corev1.PodSucceeded},
		"one failed":                     {policy: "Never", mains: []containerState{{now: ended(0)}, {now: ended(1)}}, want: corev1.PodFailed},
		"one failed, one runs":           {policy: "Never", mains: []containerState{{now: runningState}, {now: ended(1)}}, want: corev1.PodRunning},
		"failed, to be tried again":      {policy: "OnFailure", mains: []containerState{{now: ended(1)}}, want: corev1.PodRunning},
		"succeeded, to be run again":     {policy: "Always", mains: []containerState{{now: ended(0)}}, want: corev1.PodRunning},
		"failed as a whole":              {mains: []containerState{{now: runningState}}, failed: "DeadlineExceeded", want: corev1.PodFailed},
		"ended with success, ran before": {policy: "OnFailure", mains: []containerState{{now: ended(0), last: ended(1)}}, want: corev1.PodSucceeded},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: c.policy}}
		v := podView{containers: map[string]containerState{}, failed: c.failed}
		for i, s := range c.inits {
			spec := corev1.Container{Name: "i" + string(rune('0'+i))}
			if c.side {
				spec.RestartPolicy = &always
			}
			pod.Spec.InitContainers = append(pod.Spec.InitContainers, spec)
			v.containers[spec.Name] = s
		}
		for i, s := range c.mains {
			spec := corev1.Container{Name: "m" + string(rune('0'+i))}
			pod.Spec.Containers = append(pod.Spec.Containers, spec)
			v.containers[spec.Name] = s
		}
		if got := phaseOf(pod, v); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestStatusOf_ConditionsKeepTheirTimesAndThoseOfOthers(t *testing.T) {
	pod := shellPod("")
	pod.Generation = 3
	pod.Spec.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "gate"}}
	v := podView{containers: map[string]containerState{"c": {now: runningState, ready: true, started: true}}, sandbox: true, address: netip.MustParseAddr("127.1.1.1"), host: "127.1.0.1"}
	early, late := metav1.NewTime(time.Unix(100, 0)), metav1.NewTime(time.Unix(200, 0))
	pod.Status = statusOf(pod, v, early)
	if conditionIn(pod.Status, corev1.PodReady).Status != corev1.ConditionFalse || conditionIn(pod.Status, corev1.PodReady).Reason != "ReadinessGatesNotReady" {
		t.Errorf("ready before its gate: %+v", pod.Status.Conditions)
	}
	pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{Type: "gate", Status: corev1.ConditionTrue})
	second := statusOf(pod, v, late)
	if c := conditionIn(second, corev1.PodReady); c.Status != corev1.ConditionTrue || c.LastTransitionTime != late || c.ObservedGeneration != 3 {
		t.Errorf("ready %+v", c)
	}
	if c := conditionIn(second, corev1.ContainersReady); c.LastTransitionTime != early {
		t.Errorf("containers ready %+v changed its time", c)
	}
	if conditionIn(second, "gate").Status != corev1.ConditionTrue {
		t.Error("a condition of somebody else is lost")
	}
	if second.PodIP != "127.1.1.1" || second.HostIP != "127.1.0.1" || len(second.PodIPs) != 1 {
		t.Errorf("addresses %s, %s", second.PodIP, second.HostIP)
	}
}

func conditionIn(s corev1.PodStatus, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range s.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func TestInherited(t *testing.T) {
	was := func(state corev1.ContainerState) *corev1.Pod {
		pod := shellPod("")
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c", RestartCount: 2, State: state}}
		return pod
	}
	never := was(runningState)
	never.Spec.RestartPolicy = corev1.RestartPolicyNever
	done := was(ended(0))
	done.Spec.RestartPolicy = corev1.RestartPolicyOnFailure
	for name, c := range map[string]struct {
		pod       *corev1.Pod
		ended     bool
		lastCode  int32
		restarted int32
	}{
		"new pod":                 {pod: shellPod(""), lastCode: -1},
		"ran":                     {pod: was(runningState), lastCode: 137, restarted: 2},
		"had crashed":             {pod: was(ended(4)), lastCode: 4, restarted: 2},
		"ran, is never restarted": {pod: never, ended: true, lastCode: -1, restarted: 2},
		"had done its work":       {pod: done, ended: true, lastCode: -1, restarted: 2},
	} {
		s := inherited(c.pod, metav1.Now())["c"]
		last := int32(-1)
		if s.last.Terminated != nil {
			last = s.last.Terminated.ExitCode
		}
		if (s.now.Terminated != nil) != c.ended || last != c.lastCode || s.restarts != c.restarted {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestBackoff_ForgetsAfterALongRun(t *testing.T) {
	var b backoff
	for i, want := range []int{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		if got := b.next(time.Second); got != time.Duration(want)*time.Second {
			t.Errorf("delay %d is %v, want %d s", i, got, want)
		}
	}
	if got := b.next(calm); got != 0 {
		t.Errorf("delay after a long run is %v", got)
	}
}

func TestPrepareStatic_TheHashIsOfTheTemplate(t *testing.T) {
	template := shellPod("a")
	one, again := prepareStatic(template, "n"), prepareStatic(template, "n")
	other := prepareStatic(shellPod("b"), "n")
	if one.UID != again.UID || one.UID == other.UID || one.UID == "" {
		t.Errorf("UIDs %s, %s, %s", one.UID, again.UID, other.UID)
	}
	if len(template.Annotations) != 0 {
		t.Error("the template was changed")
	}
}

func TestConfig_ListsAllFaults(t *testing.T) {
	_, err := Config{StreamAddr: "127.0.0.1:1"}.withDefaults()
	for _, want := range []string{"NodeName", "Dir", "Images", "CIDR", "ClientCA", "PodInit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
}

func TestReferencesOf_FindsTheObjectsOfVolumes(t *testing.T) {
	pod := shellPod("")
	pod.Spec.Volumes = []corev1.Volume{
		{VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
		{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		}}}},
	}
	if got := referencesOf(pod); len(got) != 2 {
		t.Errorf("references %v", got)
	}
}
