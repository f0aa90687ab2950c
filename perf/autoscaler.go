package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/shard"
	"hotpod.dev/sign"
)

// AutoscalerOptions say how large the simulated platform is, and how long it is measured.
type AutoscalerOptions struct {
	// Functions in all, Active of them with Pods hot pods each.
	Functions, Active, Pods int
	// Span is the length of one measurement, Repeats how many there are of each, Steps the changes of load.
	Span    time.Duration
	Repeats int
	Steps   int
	// Steady is how long pods have their load before it is measured: the stable window.
	Steady time.Duration
}

func (c *Config) autoscalerFlags(fs *flag.FlagSet) {
	o := &c.Autoscaler
	c.countFlag(fs, &o.Functions, "known", 10_000, "autoscaler: functions in all")
	c.countFlag(fs, &o.Active, "active", 1000, "autoscaler: functions that have pods")
	c.countFlag(fs, &o.Pods, "pods-each", 5, "autoscaler: hot pods of each of them")
	c.durationFlag(fs, &o.Span, "span", 5*time.Second, time.Minute, "autoscaler: length of one measurement")
	c.durationFlag(fs, &o.Steady, "steady-load", time.Minute, 10*time.Minute, "autoscaler: time that pods have their load before it is measured")
	c.countFlag(fs, &o.Repeats, "spans", 3, "autoscaler: measurements of each kind")
	c.countFlag(fs, &o.Steps, "steps", 10, "autoscaler: changes of load in each measurement of decisions")
}

const (
	// steadyLoad is the number of requests that each pod has, which is its target; steppedLoad what it has after a change.
	steadyLoad, steppedLoad = 4, 40
	// simulatedEnvironmentCount is the number of pools.
	simulatedEnvironmentCount = 10
)

// Autoscaler measures the real autoscaler and pool before simulated pods: what a second costs when nothing happens,
// what a report costs, what an idle function keeps, and how long a change of load takes until a pod is started for it.
func Autoscaler(ctx context.Context, c Config, r *Results, log *slog.Logger) (err error) {
	o := c.Autoscaler
	if o.Active > o.Functions {
		return errors.New("more functions are active than there are")
	}
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		return err
	}
	pods, err := startPods(ctx, c.Self, signer.PublicKey(), false)
	if err != nil {
		return err
	}
	defer pods.stop()
	s, err := startScaler(ctx, signer, newSimulatedCluster(0), shard.Shard{})
	if err != nil {
		return err
	}
	defer s.stop()
	m := &scaling{options: o, scaler: s, log: log}
	err = m.run(ctx)
	m.add(r) // what was measured before it failed, too
	return err
}

// scaling is one run of the scenario.
type scaling struct {
	options AutoscalerOptions
	scaler  *scaler
	log     *slog.Logger

	kept, silent, busy, reports, perReport, median, worst []float64
	resident                                              []float64
}

func (m *scaling) run(ctx context.Context) error {
	environments := simulatedEnvironments(simulatedEnvironmentCount, 50)
	active := simulatedFunctions(0, m.options.Active, environments, m.steady)
	m.scaler.know(environments, active)
	m.scaler.synced()
	var none struct{}
	if err := give(ctx, orderWatch, scalerStreams(shard.Shard{}), &none); err != nil {
		return err
	}
	hot := float64(m.options.Active * m.options.Pods)
	if err := m.scaler.await(ctx, hot, "hotpod_autoscaler_reports_total"); err != nil {
		return err
	}
	m.log.Info("pods are hot", "pods", hot)
	m.idle(simulatedFunctions(m.options.Active, m.options.Functions, environments, nil))
	for _, step := range []func(context.Context) error{m.silence, m.load, m.steps} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	use, err := memoryOf(os.Getpid())
	if err == nil {
		m.resident = one(use.resident)
	}
	return err
}

// steady are the settings of a function that needs as many pods as it has, and panics when its load is ten times as much.
func (m *scaling) steady(f *v1.Function) {
	f.Spec.RequestsPerPod = 100
	f.Annotations = map[string]string{
		v1.ScalingPrefix + "min-scale":                     strconv.Itoa(m.options.Pods),
		v1.ScalingPrefix + "target":                        strconv.Itoa(steadyLoad),
		v1.ScalingPrefix + "target-utilization-percentage": "100",
	}
}

// idle measures what functions keep that nobody calls. Their objects, which the watch keeps, are there before.
func (m *scaling) idle(functions []*v1.Function) {
	for i := range m.options.Repeats {
		part := functions[i*len(functions)/m.options.Repeats : (i+1)*len(functions)/m.options.Repeats]
		if len(part) == 0 {
			continue
		}
		before := heap()
		m.scaler.know(nil, part)
		m.kept = append(m.kept, max(0, heap()-before)/float64(len(part)))
	}
	runtime.KeepAlive(functions)
}

// silence measures seconds in which no pod has anything to say: what remains is the tick.
func (m *scaling) silence(ctx context.Context) error {
	for range m.options.Repeats {
		cost, _, err := m.measure(ctx)
		if err != nil {
			return err
		}
		m.silent = append(m.silent, cost)
	}
	m.log.Info("silence measured", "ms_per_s", m.silent)
	return nil
}

// load measures seconds in which every pod reports. What they cost more is the reports'.
func (m *scaling) load(ctx context.Context) error {
	var none struct{}
	if err := give(ctx, orderLoad, loadOrder{steadyLoad}, &none); err != nil {
		return err
	}
	if err := pause(ctx, m.options.Steady); err != nil { // until every function's load is in its windows
		return err
	}
	for range m.options.Repeats {
		cost, reports, err := m.measure(ctx)
		if err != nil {
			return err
		}
		if reports == 0 {
			return errors.New("no pod reports")
		}
		m.busy, m.reports = append(m.busy, cost), append(m.reports, reports)
		m.perReport = append(m.perReport, max(0, cost-spread(m.silent).median)*1000/reports)
	}
	m.log.Info("load measured", "ms_per_s", m.busy, "reports_per_s", m.reports)
	return nil
}

// measure returns the processor time of this process in milliseconds, and the reports, of a second.
func (m *scaling) measure(ctx context.Context) (cost, reports float64, err error) {
	const read = "hotpod_autoscaler_reports_total"
	reported, err := m.scaler.metric(read)
	if err != nil {
		return 0, 0, err
	}
	runtime.GC() // each measurement pays for its own garbage
	used, err := processorTime(os.Getpid())
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := pause(ctx, m.options.Span); err != nil {
		return 0, 0, err
	}
	after, err := processorTime(os.Getpid())
	took := time.Since(began).Seconds()
	if err != nil {
		return 0, 0, err
	}
	now, err := m.scaler.metric(read)
	return milliseconds(after-used) / took, (now - reported) / took, err
}

// steps changes the load of one function after another.
func (m *scaling) steps(ctx context.Context) error {
	next := 0
	for range m.options.Repeats {
		var took []float64
		for range m.options.Steps {
			var one stepResult
			order := stepOrder{Function: simulatedID(next % m.options.Active).UID, Requests: steppedLoad, Before: steadyLoad}
			if err := give(ctx, orderStep, order, &one); err != nil {
				return err
			}
			took = append(took, one.Millis)
			next++
			// Another phase of the tick and of the reports each time.
			if err := pause(ctx, 370*time.Millisecond); err != nil {
				return err
			}
		}
		m.median, m.worst = append(m.median, quantile(took, .5)), append(m.worst, quantile(took, 1))
	}
	m.log.Info("changes of load measured", "median_ms", m.median, "worst_ms", m.worst)
	return nil
}

func (m *scaling) add(r *Results) {
	o := m.options
	row := Row{Scenario: "autoscaler", Contestant: nameOurs, Parameters: map[string]string{
		"functions": strconv.Itoa(o.Functions), "active": strconv.Itoa(o.Active), "pods": fmt.Sprint(o.Active * o.Pods),
	}}
	r.addAll(row,
		metric{"tick", "ms CPU/s", m.silent},
		metric{"report", "µs CPU", m.perReport},
		metric{"under_load", "ms CPU/s", m.busy},
		metric{"reports", "1/s", m.reports},
		metric{"kept_by_an_idle_function", "B", m.kept},
		metric{"decision_p50", "ms", m.median},
		metric{"decision_worst", "ms", m.worst},
		metric{"resident", "MiB", m.resident})
}
