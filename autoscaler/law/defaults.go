package law

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "hotpod.dev/api/v1"
)

// Defaults are the platform's settings, which hold where a function says nothing.
type Defaults struct {
	// Utilization is how much of a pod's limit is aimed at, above 0 and at most 1; it is not for functions whose pods
	// take one request at a time.
	Utilization float64
	// Concurrency is what a pod without a limit takes, RPS the requests per second of a pod.
	Concurrency, RPS float64

	StableWindow             time.Duration
	PanicWindowPercentage    float64
	PanicThresholdPercentage float64
	MaxUpRate, MaxDownRate   float64
	ScaleDownDelay           time.Duration

	// ScaleToZero lets the last pod go; GracePeriod and PodRetention are how long it stays then, the longer of them.
	ScaleToZero               bool
	GracePeriod, PodRetention time.Duration

	// MinScale and MaxScale hold for functions that say nothing; a MaxScale of 0 is no bound.
	MinScale, MaxScale int
	// MaxScaleLimit bounds every function's maximum; 0 does not.
	MaxScaleLimit int
	// InitialScale is how many pods a generation begins with. A function may say 0 if AllowZeroInitialScale.
	InitialScale          int
	AllowZeroInitialScale bool
}

// BuiltIn are the defaults of the platform's defaults: Knative's, but for what docs/scaling.md names.
func BuiltIn() Defaults {
	return Defaults{
		Utilization: 0.7, Concurrency: 100, RPS: 200,
		StableWindow: time.Minute, PanicWindowPercentage: 10, PanicThresholdPercentage: 200, MaxUpRate: 1000, MaxDownRate: 2,
		ScaleToZero: true, AllowZeroInitialScale: true,
	}
}

// rpsUtilization is how much of a target in requests per second is aimed at. Knative has no setting for it either.
const rpsUtilization = 0.7

// ParseDefaults returns the built-in Defaults with those settings, which are named as in Knative's config-autoscaler.
// Keys that begin with "_" are comments; unused are keys of Knative's that have no meaning here. The error names every
// key that is not known or has a wrong value; the Defaults are of no use then.
func ParseDefaults(settings map[string]string) (d Defaults, unused []string, err error) {
	d = BuiltIn()
	keys := d.keys()
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		read, known := keys[key]
		switch {
		case strings.HasPrefix(key, "_"):
		case meaningless(key):
			unused = append(unused, key)
		case !known:
			faults = append(faults, fmt.Errorf("%s is not known", key))
		default:
			if err := read(strings.TrimSpace(settings[key])); err != nil {
				faults = append(faults, fmt.Errorf("%s is %q: %w", key, settings[key], err))
			}
		}
	}
	if len(faults) == 0 {
		faults = append(faults, d.compare())
	}
	return d, unused, errors.Join(faults...)
}

// meaningless says that a setting of Knative's is about when its activator is in the way, or about other autoscalers.
func meaningless(key string) bool {
	return key == "target-burst-capacity" || key == "activator-capacity" || key == "pod-autoscaler-class"
}

// keys are the settings by name, each with what reads its value into d.
func (d *Defaults) keys() map[string]func(string) error {
	const most = 1e9
	count := func(to *int) func(string) error { return within(to, strconv.Atoi, 0, 1_000_000) }
	float := func(to *float64, low, high float64) func(string) error { return within(to, parseFloat, low, high) }
	duration := func(to *time.Duration, low time.Duration) func(string) error {
		return within(to, time.ParseDuration, low, v1.MaxWindow)
	}
	return map[string]func(string) error{
		"container-concurrency-target-percentage": d.readUtilization,
		"container-concurrency-target-default":    float(&d.Concurrency, v1.MinTarget, most),
		"requests-per-second-target-default":      float(&d.RPS, v1.MinTarget, most),
		"stable-window":                           inSeconds(&d.StableWindow, duration(&d.StableWindow, v1.MinWindow)),
		"panic-window-percentage":                 float(&d.PanicWindowPercentage, v1.MinPanicWindowPercentage, v1.MaxPanicWindowPercentage),
		"panic-threshold-percentage":              float(&d.PanicThresholdPercentage, v1.MinPanicThresholdPercentage, v1.MaxPanicThresholdPercentage),
		"max-scale-up-rate":                       float(&d.MaxUpRate, 1.01, most),
		"max-scale-down-rate":                     float(&d.MaxDownRate, 1.01, most),
		"scale-down-delay":                        inSeconds(&d.ScaleDownDelay, duration(&d.ScaleDownDelay, 0)),
		"enable-scale-to-zero":                    truth(&d.ScaleToZero),
		"scale-to-zero-grace-period":              duration(&d.GracePeriod, 0),
		"scale-to-zero-pod-retention-period":      duration(&d.PodRetention, 0),
		"min-scale":                               count(&d.MinScale),
		"max-scale":                               count(&d.MaxScale),
		"max-scale-limit":                         count(&d.MaxScaleLimit),
		"initial-scale":                           count(&d.InitialScale),
		"allow-zero-initial-scale":                truth(&d.AllowZeroInitialScale),
	}
}

// readUtilization takes a percentage, or a fraction up to 1, as Knative does.
func (d *Defaults) readUtilization(s string) error {
	if err := within(&d.Utilization, parseFloat, 1e-6, 100)(s); err != nil {
		return err
	}
	if d.Utilization > 1 {
		d.Utilization /= 100
	}
	return nil
}

// compare returns what is wrong between the settings.
func (d *Defaults) compare() error {
	limit := d.MaxScaleLimit
	switch {
	case d.MaxScale > 0 && d.MinScale > d.MaxScale:
		return fmt.Errorf("min-scale %d is more than max-scale %d", d.MinScale, d.MaxScale)
	case limit > 0 && d.MaxScale > limit:
		return fmt.Errorf("max-scale %d is more than max-scale-limit %d", d.MaxScale, limit)
	case limit > 0 && d.MinScale > limit:
		return fmt.Errorf("min-scale %d is more than max-scale-limit %d", d.MinScale, limit)
	case d.InitialScale == 0 && !d.AllowZeroInitialScale:
		return errors.New("initial-scale is 0 and allow-zero-initial-scale is false")
	case d.Utilization*d.Concurrency < v1.MinTarget:
		return fmt.Errorf("container-concurrency-target-percentage of container-concurrency-target-default is less than %v", v1.MinTarget)
	}
	return nil
}

// within reads a value between two bounds.
func within[T cmp.Ordered](to *T, parse func(string) (T, error), low, high T) func(string) error {
	return func(s string) error {
		v, err := parse(s)
		if err != nil || cmp.Less(v, low) || cmp.Less(high, v) { // NaN is less than any number
			return fmt.Errorf("want a value from %v to %v", low, high)
		}
		*to = v
		return nil
	}
}

// inSeconds refuses parts of a second in what read has read.
func inSeconds(d *time.Duration, read func(string) error) func(string) error {
	return func(s string) error {
		if err := read(s); err != nil {
			return err
		}
		if *d%time.Second != 0 {
			return errors.New("want whole seconds")
		}
		return nil
	}
}

func truth(to *bool) func(string) error {
	return func(s string) error {
		v, err := strconv.ParseBool(s)
		if err != nil {
			return errors.New("want true or false")
		}
		*to = v
		return nil
	}
}

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }
