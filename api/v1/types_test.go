package v1

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

func TestPackage_BlockedSaysWhyCodeCannotBeLoaded(t *testing.T) {
	literal, url := Archive{Literal: []byte("x")}, Archive{URL: "https://a/b"}
	moved := Archive{Type: ArchiveLiteral, Checksum: Checksum{Type: ChecksumMoved, Sum: "00"}}
	failed := []metav1.Condition{{Type: ConditionBuildSucceeded, Message: "npm is not there"}}
	for _, c := range []struct {
		name               string
		source, deployment Archive
		build              string
		conditions         []metav1.Condition
		reason, message    string
	}{
		{"a literal", Archive{}, literal, "", nil, "", ""},
		{"a literal that lies elsewhere", Archive{}, moved, BuildNone, nil, "", ""},
		{"a literal marked pending by a command line", Archive{}, literal, BuildPending, nil, "", ""},
		{"a literal after an empty package", Archive{}, literal, BuildFailed, nil, "", ""},
		{"nothing", Archive{}, Archive{}, "", nil, ReasonPackageBuildFailed, EmptyPackageMessage},
		{"a source not looked at yet", url, Archive{}, "", nil, ReasonPackageBuildPending, "was not built yet"},
		{"a source being built", url, Archive{}, BuildRunning, nil, ReasonPackageBuildPending, "is being built"},
		{"a source that failed", url, Archive{}, BuildFailed, failed, ReasonPackageBuildFailed, "npm is not there"},
		{"a source that failed without condition", url, Archive{}, BuildFailed, nil, ReasonPackageBuildFailed, "buildlog"},
		{"a source that failed after another was built", url, literal, BuildFailed, failed, "", ""},
		{"a source being built while another's code is there", url, literal, BuildRunning, nil, "", ""},
		{"a source that was built", url, literal, BuildSucceeded, nil, "", ""},
		{"an image", Archive{}, Archive{OCI: &OCIArchive{Image: "i"}}, BuildNone, nil, "", ""},
	} {
		p := &Package{
			ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "p"},
			Spec:       PackageSpec{Source: c.source, Deployment: c.deployment},
			Status:     PackageStatus{BuildStatus: c.build, Conditions: c.conditions},
		}
		reason, message := p.Blocked()
		if reason != c.reason || !strings.Contains(message, c.message) || (reason == "") != (message == "") {
			t.Errorf("%s: %s, %q", c.name, reason, message)
		}
		if reason != "" && !strings.Contains(message, "ns/p") {
			t.Errorf("%s: the message does not name the package: %q", c.name, message)
		}
	}
}

func TestFunction_DefaultsOfTheZeroValue(t *testing.T) {
	f := &Function{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "f"}}
	f.Spec.Environment.Name = "node"
	for name, got := range map[string]bool{
		"executor":           f.Executor() == ExecutorPool,
		"pods":               f.MaxPods() == 500,
		"requests per pod":   f.RequestsPerPod() == 1,
		"run":                f.RunTimeout() == time.Minute,
		"idle":               f.IdleTimeout() == 2*time.Minute,
		"hold":               f.HoldTimeout() == 2*time.Minute,
		"environment's key":  f.EnvironmentKey() == "ns/node",
		"package's key":      f.PackageKey() == "",
		"pool of version 1":  (&Environment{Spec: EnvironmentSpec{Version: 1}}).PoolSize() == 3,
		"pool of version 3":  (&Environment{Spec: EnvironmentSpec{Version: 3}}).PoolSize() == 0,
		"grace":              (&Environment{}).GracePeriod() == 90,
		"once is one at all": (&Function{Spec: FunctionSpec{OnceOnly: true, RequestsPerPod: 5}}).RequestsPerPod() == 1,
	} {
		if !got {
			t.Errorf("default of %s is wrong", name)
		}
	}
	zero := 0
	if f.Spec.IdleTimeout = &zero; f.IdleTimeout() != 0 {
		t.Error("an idle timeout of zero is not kept")
	}
}

func TestLabel_IsTheDNSLabelOfKubernetes(t *testing.T) {
	expression := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[a-zA-Z0-9._-]{0,70}`).Draw(t, "s")
		if want := len(s) <= 63 && expression.MatchString(s); label(s) != want {
			t.Errorf("label(%q) = %v", s, !want)
		}
	})
}

func TestValidate_ListsEveryFault(t *testing.T) {
	f := &Function{ObjectMeta: metav1.ObjectMeta{Name: "Hello"}, Spec: FunctionSpec{Concurrency: -1, RequestsPerPod: -1}}
	err := f.Validate()
	var first *FieldError
	if !errors.As(err, &first) || first.Field != "metadata.name" {
		t.Errorf("first fault: %v", first)
	}
	for _, want := range []string{"metadata.name: ", "spec.environment.name: ", "spec.concurrency: ", "spec.requestsPerPod: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no fault of %q in %v", want, err)
		}
	}
}

func TestPackage_ValidateBoundsLiterals(t *testing.T) {
	p := &Package{Spec: PackageSpec{Deployment: Archive{Literal: make([]byte, MaxLiteral)}}}
	if err := p.Validate(); err != nil {
		t.Errorf("a literal of the largest size: %v", err)
	}
	p.Spec.Deployment.Literal = make([]byte, MaxLiteral+1)
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "at most 256 KiB") {
		t.Errorf("a larger literal: %v", err)
	}
	p.Spec.Deployment = Archive{Literal: []byte("x"), URL: "https://a/b"}
	if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "in one place") {
		t.Errorf("two places: %v", err)
	}
}

func TestFunction_WithPodsOfItsOwn(t *testing.T) {
	f := &Function{}
	f.Namespace, f.Name, f.Spec.Environment.Name = "ns", "f", "node"
	if got := f.PoolKey(); got != "ns/node" {
		t.Errorf("pool = %q, want the environment's", got)
	}
	for executor, idle := range map[string]time.Duration{ExecutorNewDeploy: 2 * time.Minute, ExecutorContainer: time.Minute} {
		f.Spec.InvokeStrategy.ExecutionStrategy.ExecutorType = executor
		if key, limit := f.PoolKey(), f.RequestsPerPod(); key != "function ns/f" || limit != 0 || f.IdleTimeout() != idle {
			t.Errorf("%s: pool %q, %d requests a pod, idle for %s", executor, key, limit, f.IdleTimeout())
		}
	}
}
