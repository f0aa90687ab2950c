package law

import (
	"strings"
	"testing"
	"time"
)

func TestParseDefaults_ReadsKnativesSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings map[string]string
		want     func(*Defaults)
	}{
		"none": {nil, func(*Defaults) {}},
		"a comment": {
			map[string]string{"_example": "stable-window: 1s"}, func(*Defaults) {},
		},
		"numbers": {
			map[string]string{
				"container-concurrency-target-percentage": "80", "container-concurrency-target-default": "50",
				"requests-per-second-target-default": "10.5", "panic-window-percentage": "20", "panic-threshold-percentage": "150",
				"max-scale-up-rate": "10", "max-scale-down-rate": "1.5",
			}, func(d *Defaults) {
				d.Utilization, d.Concurrency, d.RPS = .8, 50, 10.5
				d.PanicWindowPercentage, d.PanicThresholdPercentage, d.MaxUpRate, d.MaxDownRate = 20, 150, 10, 1.5
			},
		},
		"a fraction of the limit": {
			map[string]string{"container-concurrency-target-percentage": "0.8"}, func(d *Defaults) { d.Utilization = .8 },
		},
		"times": {
			map[string]string{
				"stable-window": "30s", "scale-down-delay": "2m", "scale-to-zero-grace-period": "1500ms",
				"scale-to-zero-pod-retention-period": "1m",
			}, func(d *Defaults) {
				d.StableWindow, d.ScaleDownDelay, d.GracePeriod, d.PodRetention = 30*time.Second, 2*time.Minute, 1500*time.Millisecond, time.Minute
			},
		},
		"scale": {
			map[string]string{
				"enable-scale-to-zero": "false", "min-scale": "1", "max-scale": "9", "max-scale-limit": "20", "initial-scale": "2",
				"allow-zero-initial-scale": "false",
			}, func(d *Defaults) {
				d.ScaleToZero, d.MinScale, d.MaxScale, d.MaxScaleLimit, d.InitialScale, d.AllowZeroInitialScale = false, 1, 9, 20, 2, false
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := BuiltIn()
			c.want(&want)
			got, unused, err := ParseDefaults(c.settings)
			if err != nil || got != want || unused != nil {
				t.Errorf("ParseDefaults =\n%+v, %v, %v, want\n%+v", got, unused, err, want)
			}
		})
	}
}

func TestParseDefaults_NamesEveryFault(t *testing.T) {
	for key, values := range map[string][]string{
		"container-concurrency-target-percentage": {"0", "101", "NaN", "much"},
		"container-concurrency-target-default":    {"0", "0.001", "-1"},
		"requests-per-second-target-default":      {"0"},
		"stable-window":                           {"5s", "61m", "7500ms", "60"},
		"panic-window-percentage":                 {"0.5", "101"},
		"panic-threshold-percentage":              {"109", "1001"},
		"max-scale-up-rate":                       {"1"},
		"max-scale-down-rate":                     {"1", "0"},
		"scale-down-delay":                        {"-1s", "1500ms"},
		"enable-scale-to-zero":                    {"maybe", ""},
		"scale-to-zero-grace-period":              {"-1s"},
		"scale-to-zero-pod-retention-period":      {"2h"},
		"min-scale":                               {"-1", "1.5"},
		"max-scale-limit":                         {"many"},
		"stable-windows":                          {"60s"},
	} {
		for _, value := range values {
			if _, _, err := ParseDefaults(map[string]string{key: value}); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %q gives %v", key, value, err)
			}
		}
	}
	for _, settings := range []map[string]string{
		{"min-scale": "5", "max-scale": "4"},
		{"max-scale": "5", "max-scale-limit": "4"},
		{"min-scale": "5", "max-scale-limit": "4"},
		{"allow-zero-initial-scale": "false"},
		{"container-concurrency-target-default": "0.01"},
	} {
		if _, _, err := ParseDefaults(settings); err == nil {
			t.Errorf("%v is taken", settings)
		}
	}
	_, _, err := ParseDefaults(map[string]string{"min-scale": "x", "max-scale": "y"})
	if err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults are told as %v", err)
	}
}

func TestParseDefaults_SaysWhichSettingsHaveNoMeaning(t *testing.T) {
	d, unused, err := ParseDefaults(map[string]string{
		"target-burst-capacity": "211", "activator-capacity": "100", "pod-autoscaler-class": "kpa.autoscaling.knative.dev",
	})
	if err != nil || len(unused) != 3 || d != BuiltIn() {
		t.Errorf("ParseDefaults = %+v, %v, %v", d, unused, err)
	}
}
