package simulate

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/autoscaler/law"
)

// Setting is what a run is played with.
type Setting struct {
	// Limit is the number of requests inside a pod at a time.
	Limit int
	// Idle is how long a function stays without a request until its last pod goes; where each pod goes for itself, how
	// long that is idle.
	Idle time.Duration
	// Start is how long a pod takes from being made until it is warm, or ready where there is no pool; Specialize how
	// long a warm one takes until it is ready.
	Start, Specialize time.Duration
	// Pool is the number of warm pods that an environment asks for, FixedPool that of a pool which cannot follow its
	// claims. MaxPods bounds all pods, PerFunction those of a function.
	Pool, FixedPool, MaxPods, PerFunction int
}

// Contestant is a rule that can be simulated.
type Contestant struct {
	Name string
	// Default is its Setting.Idle as it comes.
	Default time.Duration
	// specialize is its Setting.Specialize.
	specialize time.Duration
	platform   func(*engine, Setting) (platform, error)
}

// Names of contestants.
const (
	NameHotpod  = "hotpod"
	NameWindow  = "hotpod, window"
	NameKnative = "Knative"
	NameFull    = "Knative, 100 % utilisation"
	NameFission = "Fission"
)

// Contestants returns the rules that are compared, ours first.
func Contestants() []Contestant {
	return []Contestant{
		{NameHotpod, 2 * time.Minute, 15 * time.Millisecond, func(e *engine, s Setting) (platform, error) {
			idle := int(s.Idle / time.Second)
			spec, err := settled(s, func(f *v1.Function) { f.Spec.IdleTimeout = &idle })
			return newHotpod(e, s, spec), err
		}},
		{NameWindow, 2 * time.Minute, 15 * time.Millisecond, func(e *engine, s Setting) (platform, error) {
			spec, err := settled(s, func(f *v1.Function) {
				f.Annotations = map[string]string{v1.ScalingPrefix + "window": s.Idle.String()}
			})
			return newHotpod(e, s, spec), err
		}},
		{NameKnative, time.Minute, 0, knativeAt(70)},
		{NameFull, time.Minute, 0, knativeAt(100)},
		{NameFission, 2 * time.Minute, 100 * time.Millisecond, func(e *engine, s Setting) (platform, error) { return newFission(e, s), nil }},
	}
}

// knativeAt returns Knative's rule at a target utilisation, in percent. Its setting is the stable window up to its
// default of a minute, and beyond that how long the last pod is retained.
func knativeAt(utilization int) func(*engine, Setting) (platform, error) {
	return func(e *engine, s Setting) (platform, error) {
		window := min(s.Idle, time.Minute)
		spec, err := settled(s, func(f *v1.Function) {
			f.Annotations = map[string]string{
				v1.ScalingPrefix + "target-utilization-percentage":      strconv.Itoa(utilization),
				v1.ScalingPrefix + "window":                             window.String(),
				v1.ScalingPrefix + "scale-to-zero-pod-retention-period": (s.Idle - window).String(),
			}
		})
		return newKnative(e, s, spec), err
	}
}

// settled returns how a function scales that says so, with the platform's defaults.
func settled(s Setting, say func(*v1.Function)) (law.Spec, error) {
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "simulated"}}
	f.Spec.RequestsPerPod, f.Spec.Concurrency = s.Limit, s.PerFunction
	say(f)
	settings := law.Settle(f, law.BuiltIn())
	if settings.Fault != "" {
		return law.Spec{}, fmt.Errorf("settings that the law refuses: %s", settings.Fault)
	}
	return settings.Spec, nil
}

// Run plays requests of so many functions; picture may be nil.
func (c Contestant) Run(s Setting, requests []Request, functions int, length time.Duration, picture *Picture) (Outcome, error) {
	e := newEngine(functions, s.Limit)
	e.picture = picture
	s.Specialize = c.specialize
	p, err := c.platform(e, s)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	e.platform = p
	return e.run(requests, length), nil
}

// Point is one run of a sweep.
type Point struct {
	Contestant string
	Idle       time.Duration
	// Default says that Idle is the contestant's own.
	Default bool
	Outcome Outcome
	// Picture is set where one was asked for.
	Picture *Picture
}

// Sweep plays the same requests with every contestant and idle time, some runs at a time, and returns the points in
// that order. draw returns the picture that a run shall make, or nil.
func Sweep(base Setting, idles []time.Duration, requests []Request, functions int, length time.Duration, atOnce int, draw func(Contestant, time.Duration) *Picture) ([]Point, error) {
	contestants := Contestants()
	points := make([]Point, len(contestants)*len(idles))
	runs := make([]func() error, 0, len(points))
	for i, c := range contestants {
		for j, idle := range idles {
			p := &points[i*len(idles)+j]
			*p = Point{Contestant: c.Name, Idle: idle, Default: idle == c.Default, Picture: draw(c, idle)}
			runs = append(runs, func() (err error) {
				s := base
				s.Idle = p.Idle
				p.Outcome, err = c.Run(s, requests, functions, length, p.Picture)
				return err
			})
		}
	}
	return points, inTurn(runs, atOnce)
}

// inTurn calls all, so many at a time, and returns the first error.
func inTurn(calls []func() error, atOnce int) error {
	errs := make([]error, len(calls))
	todo := make(chan int)
	var workers sync.WaitGroup
	for range max(1, atOnce) {
		workers.Go(func() {
			for i := range todo {
				errs[i] = calls[i]()
			}
		})
	}
	for i := range calls {
		todo <- i
	}
	close(todo)
	workers.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return errs[i]
	}
	return nil
}
