package timer

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
)

// Source names the timer in metrics.
const Source = "timer"

// Triggers reads triggers and writes their status; package kube has one.
type Triggers interface {
	// Get returns the trigger as the API server has it.
	Get(ctx context.Context, namespace, name string) (*v1.TimeTrigger, error)
	// WriteStatus replaces the status. It is an error when the trigger is no longer as t is.
	WriteStatus(ctx context.Context, t *v1.TimeTrigger, s v1.TimeTriggerStatus) error
}

// Config is what a Timer needs; all of it.
type Config struct {
	Triggers   Triggers
	Sender     *event.Sender
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Timer makes the runs of TimeTriggers. Make it with New; it is safe for concurrent use.
type Timer struct {
	config Config
	runs   *prometheus.CounterVec
	set    *event.Set[*v1.TimeTrigger]
}

// New returns a timer without triggers.
func New(c Config) *Timer {
	t := &Timer{config: c, runs: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_timer_runs_total",
		Help: "Runs whose time came: on_time, late when they were missed and are made up for, or skipped.",
	}, []string{"result"})}
	c.Registerer.MustRegister(t.runs)
	for _, result := range []string{"on_time", "late", "skipped"} {
		t.runs.WithLabelValues(result)
	}
	t.set = event.NewSet(t.start, version)
	event.WatchTriggers(c.Registerer, Source, t.set.Len)
	return t
}

// SetTrigger takes a trigger as it is now.
func (t *Timer) SetTrigger(trigger *v1.TimeTrigger) { t.set.Set(trigger) }

// DeleteTrigger takes a trigger away. Runs that are under way end.
func (t *Timer) DeleteTrigger(trigger *v1.TimeTrigger) { t.set.Delete(trigger) }

// Run makes runs until ctx ends, and then writes down what is done.
func (t *Timer) Run(ctx context.Context) error { return t.set.Run(ctx) }
