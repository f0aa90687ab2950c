package perf

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotpod.dev/perf/soak"
)

// SoakOptions say how long and how hard to soak.
type SoakOptions struct {
	// For is the length of the load, Pause the time between two events.
	For, Pause time.Duration
	// Seed makes the order of events; 0 takes one from the clock.
	Seed uint64
	// Peak is the number of pods that one function is scaled up to.
	Peak int
	// Events are what happens to the cluster that Kubeconfig names; without one that is an embedded platform.
	Events []soak.Event
}

func (c *Config) soakFlags(fs *flag.FlagSet) {
	fs.DurationVar(&c.Soak.For, "for", time.Minute, "soak: length of the load")
	fs.DurationVar(&c.Soak.Pause, "pause", time.Second, "soak: time between two events")
	fs.Uint64Var(&c.Soak.Seed, "seed", 0, "soak: order of the events (default: another each time, and printed)")
	fs.Func("event", "soak: NAME=COMMAND, for sh, that does something to the cluster of --kubeconfig; again for more, done in this order", c.Soak.addEvent)
	c.countFlag(fs, &c.Soak.Peak, "peak", 20, "soak: pods that a function is scaled up to")
}

func (o *SoakOptions) addEvent(text string) error {
	name, command, found := strings.Cut(text, "=")
	if !found || name == "" || command == "" {
		return fmt.Errorf("%q is not NAME=COMMAND", text)
	}
	o.Events = append(o.Events, soak.Event{Name: name, Command: command})
	return nil
}

// Soak holds a mixed load on a platform while everything in it is disturbed, and fails when a request is lost that no
// kill excuses. It takes the running platform whose kubeconfig is named, or starts one. With events that is any cluster, and they
// are what happens; without, it is an embedded platform of this machine. What people read goes to standard error.
func Soak(ctx context.Context, c Config, r *Results, log *slog.Logger) error {
	config := soak.Config{
		For: c.Soak.For, Seed: c.Soak.Seed, Peak: c.Soak.Peak, Pause: c.Soak.Pause, Programs: c.Programs, Out: os.Stderr, Log: log,
	}
	switch {
	case len(c.Soak.Events) > 0 && c.Kubeconfig == "":
		return errors.New("--event needs the --kubeconfig and --router of a cluster")
	case len(c.Soak.Events) > 0:
		config.Cluster = &soak.Cluster{Kubeconfig: c.Kubeconfig, Routers: split(c.Router), Events: c.Soak.Events}
	case c.Kubeconfig != "":
		config.Dir = filepath.Dir(c.Kubeconfig)
	}
	report, err := soak.Run(ctx, config)
	addSoak(r, report)
	return err
}

func addSoak(r *Results, report soak.Report) {
	add := func(metric, unit, parameter, of string, values ...float64) {
		row := Row{Scenario: "soak", Contestant: "hotpod", Metric: metric, Unit: unit}
		if parameter != "" {
			row.Parameters = map[string]string{parameter: of}
		}
		if len(values) > 0 {
			r.Add(row, values...)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(report.Answered)) {
		add("answered", "requests", "kind", kind, float64(report.Answered[kind]))
		add("slowest", "s", "kind", kind, report.Slowest[kind].Seconds())
	}
	for _, name := range slices.Sorted(maps.Keys(report.Events)) {
		add("events", "events", "event", name, float64(report.Events[name]))
	}
	for _, cause := range slices.Sorted(maps.Keys(report.Explained)) {
		add("lost_to_kill", "requests", "cause", cause, float64(report.Explained[cause]))
	}
	if report.Total() > 0 {
		add("lost", "requests", "", "", float64(report.Unexplained))
	}
	gone := make([]float64, 0, len(report.Gone))
	for _, d := range report.Gone {
		gone = append(gone, d.Seconds())
	}
	add("drained_pod_outlives_last_request", "s", "", "", gone...)
}
