package cli

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
)

// containerOf applies the flags to fn and returns the pod spec that they make.
func containerOf(t *testing.T, fn *v1.Function, all bool, args ...string) corev1.PodSpec {
	t.Helper()
	var o containerFlags
	f := pflag.NewFlagSet("test", pflag.ContinueOnError)
	o.add(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	if err := o.apply(f, fn, all); err != nil {
		t.Fatal(err)
	}
	var spec corev1.PodSpec
	if err := json.Unmarshal(fn.Spec.PodSpec.Raw, &spec); err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestRunContainer_HasFissionsDefaults(t *testing.T) {
	fn := &v1.Function{}
	fn.Name, fn.Namespace = "web", "ns"
	spec := containerOf(t, fn, true, "--image", "web:1")
	want := corev1.Container{Name: "web", Image: "web:1", Ports: []corev1.ContainerPort{{Name: "http-env", ContainerPort: 8888}}}
	if len(spec.Containers) != 1 || !reflect.DeepEqual(spec.Containers[0], want) || *spec.TerminationGracePeriodSeconds != 360 {
		t.Errorf("spec %+v", spec)
	}
	s := fn.Spec.InvokeStrategy.ExecutionStrategy
	if s.ExecutorType != v1.ExecutorContainer || s.MinScale != 1 || s.MaxScale != 1 || fn.Spec.RequestsPerPod != 0 || fn.Spec.FunctionTimeout != 60 {
		t.Errorf("function %+v", fn.Spec)
	}
	if err := fn.Validate(); err != nil {
		t.Error(err)
	}
}

func TestUpdateContainer_ChangesWhatIsGivenOnly(t *testing.T) {
	fn := &v1.Function{}
	fn.Name = "web"
	containerOf(t, fn, true, "--image", "web:1", "--port", "8080", "--command", "serve  it", "--minscale", "0", "--maxscale", "5",
		"--env-var", "A=1", "--graceperiod", "20")
	spec := containerOf(t, fn, false, "--image", "web:2", "--args", "a b", "--imagepullsecret", "registry")
	c := spec.Containers[0]
	if c.Image != "web:2" || c.Ports[0].ContainerPort != 8080 || strings.Join(c.Command, "|") != "serve|it" || strings.Join(c.Args, "|") != "a|b" {
		t.Errorf("container %+v", c)
	}
	if *spec.TerminationGracePeriodSeconds != 20 || spec.ImagePullSecrets[0].Name != "registry" {
		t.Errorf("spec %+v", spec)
	}
	if s := fn.Spec.InvokeStrategy.ExecutionStrategy; s.MinScale != 0 || s.MaxScale != 5 || fn.Spec.Env[0].Value != "1" {
		t.Errorf("function %+v", fn.Spec)
	}
}

func TestVariables_TakeFissionsNotation(t *testing.T) {
	apply := func(args ...string) (s v1.FunctionSpec, err error) {
		var o variableFlags
		f := pflag.NewFlagSet("test", pflag.ContinueOnError)
		o.add(f)
		if err := f.Parse(args); err != nil {
			t.Fatal(err)
		}
		s.Env = []corev1.EnvVar{{Name: "OLD"}}
		return s, o.apply(f, &s)
	}
	s, err := apply("--env-var", "A=b=c,d", "--env-from-secret", "s,s/key,s/key:NAME", "--env-from-configmap", "m,m/key:N")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range s.Env {
		switch from := v.ValueFrom; {
		case from == nil:
			got = append(got, v.Name+"="+v.Value)
		case from.SecretKeyRef != nil:
			got = append(got, v.Name+"<secret "+from.SecretKeyRef.Name+"/"+from.SecretKeyRef.Key)
		default:
			got = append(got, v.Name+"<configmap "+from.ConfigMapKeyRef.Name+"/"+from.ConfigMapKeyRef.Key)
		}
	}
	if text := strings.Join(got, "; "); text != "A=b=c,d; key<secret s/key; NAME<secret s/key; N<configmap m/key" {
		t.Errorf("variables %s", text)
	}
	if len(s.EnvFrom) != 2 || s.EnvFrom[0].SecretRef.Name != "s" || s.EnvFrom[1].ConfigMapRef.Name != "m" {
		t.Errorf("sources %+v", s.EnvFrom)
	}
	if s, _ := apply(); len(s.Env) != 1 {
		t.Errorf("without flags: %+v", s.Env)
	}
	if s, err := apply("--env-var", ""); len(s.Env) != 0 || err != nil {
		t.Errorf("an empty one: %+v, %v", s.Env, err)
	}
	for _, wrong := range [][]string{{"--env-var", "A"}, {"--env-var", "=b"}, {"--env-from-secret", "s:N"}, {"--env-from-secret", "/key"}, {"--env-from-configmap", "m/k:"}} {
		if _, err := apply(wrong...); err == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
}
