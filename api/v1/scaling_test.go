package v1

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func scaled(pairs ...string) *Function {
	f := &Function{}
	f.Name, f.Spec.Environment.Name = "f", "e"
	f.Annotations = map[string]string{"other": "x"}
	for i := 0; i < len(pairs); i += 2 {
		f.Annotations[ScalingPrefix+pairs[i]] = pairs[i+1]
	}
	return f
}

func TestFunction_ScalingReadsKnativesAnnotations(t *testing.T) {
	number := func(n int) *int { return &n }
	float := func(n float64) *float64 { return &n }
	length := func(d time.Duration) *time.Duration { return &d }
	all := Scaling{
		MinScale: number(1), MaxScale: number(9), InitialScale: number(0), ActivationScale: number(2),
		Metric: MetricRPS, Target: float(.5), TargetUtilizationPercentage: float(80),
		Window: length(30 * time.Second), PanicWindowPercentage: float(12.5), PanicThresholdPercentage: float(150),
		ScaleDownDelay: length(time.Minute), PodRetention: length(1500 * time.Millisecond),
		Aggregation: AggregationWeightedExponential, BurstCapacity: true,
	}
	for name, c := range map[string]struct {
		f    *Function
		want Scaling
	}{
		"none": {scaled(), Scaling{}},
		"all": {scaled("min-scale", "1", "max-scale", "9", "initial-scale", "0", "activation-scale", "2", "metric", "rps", "target", "0.5",
			"target-utilization-percentage", "80", "window", "30s", "panic-window-percentage", "12.5", "panic-threshold-percentage", "150.0",
			"scale-down-delay", "1m", "scale-to-zero-pod-retention-period", "1.5s", "metric-aggregation-algorithm", "weighted-exponential",
			"target-burst-capacity", "-1", "class", "kpa.autoscaling.knative.dev"), all},
		"all by their older names": {scaled("minScale", "1", "maxScale", "9", "initialScale", "0", "activation-scale", "2", "metric", "rps", "target", "0.5",
			"targetUtilizationPercentage", "80", "window", "30s", "panicWindowPercentage", "12.5", "panicThresholdPercentage", "150",
			"scaleDownDelay", "60s", "scaleToZeroPodRetentionPeriod", "1500ms", "metricAggregationAlgorithm", "weightedExponential",
			"targetBurstCapacity", "211"), all},
		"the newer name wins": {scaled("min-scale", "1", "minScale", "2"), Scaling{MinScale: number(1)}},
	} {
		got, err := c.f.Scaling()
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}

func TestFunction_WrongScalingIsNamedAndCountsAsNone(t *testing.T) {
	for _, c := range WrongScaling {
		f := scaled(c.Name, c.Value)
		s, err := f.Scaling()
		if err == nil || !strings.Contains(err.Error(), c.Says) || !strings.Contains(err.Error(), ScalingPrefix+c.Name) {
			t.Errorf("%s %q: %v, want %q", c.Name, c.Value, err, c.Says)
		}
		if !reflect.DeepEqual(s, Scaling{}) {
			t.Errorf("%s %q counts as %+v", c.Name, c.Value, s)
		}
		if err := f.Validate(); err == nil {
			t.Errorf("%s %q is valid", c.Name, c.Value)
		}
	}
	for name, c := range map[string]struct {
		f    *Function
		want Scaling
	}{
		"minimum over maximum":    {scaled("min-scale", "5", "max-scale", "4"), Scaling{MaxScale: new(4)}},
		"activation under min":    {scaled("min-scale", "5", "activation-scale", "4"), Scaling{MinScale: new(5)}},
		"activation over maximum": {scaled("max-scale", "5", "activation-scale", "6"), Scaling{MaxScale: new(5)}},
	} {
		if s, err := c.f.Scaling(); err == nil || !reflect.DeepEqual(s, c.want) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestProvisionedWindow_OpensAsItsCronExpressionSays(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) // a Monday
	for start, want := range map[string]string{
		"0 8 * * *":                           "2026-06-02T08:00:00Z",
		"0 8 * * MON-FRI":                     "2026-06-02T08:00:00Z",
		"30 0 8 * * *":                        "2026-06-02T08:00:30Z",
		"@daily":                              "2026-06-02T00:00:00Z",
		"CRON_TZ=Asia/Tokyo 0 8 * * *":        "2026-06-01T23:00:00Z",
		"TZ=America/New_York 0 8 * * *":       "2026-06-01T12:00:00Z",
		"CRON_TZ=America/New_York 30 8 * * *": "2026-06-01T12:30:00Z",
	} {
		w := &ProvisionedWindow{Name: "w", Start: start}
		opens, err := w.Opens()
		if err != nil {
			t.Errorf("%s: %v", start, err)
			continue
		}
		if got := opens(at.Add(-time.Second).In(time.FixedZone("elsewhere", 3600))).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s opens at %s, want %s", start, got, want)
		}
	}
	for _, start := range []string{"", "0 8 * *", "0 25 * * *", "CRON_TZ=Asia/Tokyo", "TZ=", "@every 1h", "@sometimes"} {
		f := scaled()
		f.Spec.ProvisionedConcurrency = &ProvisionedConcurrency{Target: 1, Windows: []ProvisionedWindow{{Name: "w", Start: start}}}
		f.Spec.ProvisionedConcurrency.Windows[0].Duration.Duration = time.Hour
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), "windows[0].start: start is a cron expression") {
			t.Errorf("%q: %v", start, err)
		}
	}
}
