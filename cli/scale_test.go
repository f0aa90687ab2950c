package cli

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

func TestScale_SaysWhatIsWantedAndWhy(t *testing.T) {
	now := time.Unix(1700000000, 0)
	then := metav1.NewTime(now.Add(-90 * time.Second))
	for name, c := range map[string]struct {
		scale *v1.FunctionScale
		want  string
	}{
		"never called": {nil, "0 hot, 4 warm available|never called; at most 500 pods, 1 request(s) a pod, to zero after 2m0s idle"},
		"busy": {
			&v1.FunctionScale{
				Wanted: 3, Ready: 2, Starting: 1, Reason: "StableWindow", LastChange: &then, Metric: "concurrency", Target: "7",
				StableWindow: "15.2", PanicWindow: "20", Panicking: true, Maximum: 500,
			},
			"0 hot, 4 warm available, 1 starting|3 wanted because of StableWindow, changed 90s ago|" +
				"load 15.2 requests at a time (stable window), 20 (panic window); 7 a pod aimed at; in panic, nothing is taken away|" +
				"0 to 500 pods, 1 request(s) a pod, to zero after 2m0s idle",
		},
		"provisioned": {
			&v1.FunctionScale{Wanted: 5, Metric: "rps", Target: "140", StableWindow: "0", PanicWindow: "0", Minimum: 5, Maximum: 9, Provisioned: 5},
			"0 hot, 4 warm available|5 wanted|load 0 requests a second (stable window), 0 (panic window); 140 a pod aimed at|" +
				"5 to 9 pods, 1 request(s) a pod, 5 provisioned now",
		},
	} {
		f := facts{function: &v1.Function{Status: v1.FunctionStatus{Scale: c.scale}}, warm: 4}
		if got := strings.Join(f.scale(now), "|"); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", name, got, c.want)
		}
	}
}
