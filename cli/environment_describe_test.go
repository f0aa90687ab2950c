package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

func TestDescribeEnvironment(t *testing.T) {
	now := time.Unix(10_000, 0)
	used := metav1.NewTime(now.Add(-5 * time.Minute))
	e := &v1.Environment{Spec: v1.EnvironmentSpec{Version: 3, Poolsize: 3, Runtime: v1.Runtime{Image: "node-env"}}}
	e.Name, e.Namespace = "nodejs", "default"
	e.Annotations = map[string]string{v1.AnnotationPoolIdleTimeout: "1h"}
	describe := func() string {
		var out strings.Builder
		describeEnvironment(&out, e, now)
		return out.String()
	}
	for _, want := range []string{"UNKNOWN  the platform has not yet looked", "Image:        node-env\nPool:         poolsize 3\nConditions:"} {
		if got := describe(); !strings.Contains(got, want) {
			t.Errorf("without status\n%s\nlacks %q", got, want)
		}
	}
	e.Status.Conditions = []metav1.Condition{{Type: v1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1.ReasonPoolUnavailable, Message: "no such image"}}
	e.Status.Pool = &v1.EnvironmentPool{
		Wanted: 5, Reason: "Claims", Warm: 1, Starting: 4, Busy: 7, Unschedulable: 2, Maximum: 100, ClaimsPerSecond: "0.5", LeadTime: "4.1s", LastUsed: &used,
	}
	for _, want := range []string{
		"NOT READY  PoolUnavailable: no such image",
		"1 warm, 4 starting, 7 with a function; 2 find no node\n",
		"5 wanted because of Claims\n",
		"0.5 claims a second in the busiest moments of the last minutes; a claimed pod is missing for 4.1s\n",
		"poolsize 3, at most 100 warm, to zero after 1h0m0s idle; last used 5m ago\n",
		"Ready          False    PoolUnavailable  no such image\n",
	} {
		if got := describe(); !strings.Contains(got, want) {
			t.Errorf("\n%s\nlacks %q", got, want)
		}
	}
}
