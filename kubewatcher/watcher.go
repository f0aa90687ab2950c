package kubewatcher

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
)

// Source names the watcher in metrics.
const Source = "kubewatcher"

// Config is what a Watcher needs. All but the times is required.
type Config struct {
	Cluster    Cluster
	Triggers   Triggers
	Sender     *event.Sender
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Review is how often the author's rights are looked at again; 0 means 30 s.
	Review time.Duration
	// Retry is the pause before something is tried again that failed; 0 means 1 s. It grows to ten times that.
	Retry time.Duration
}

// Watcher watches for KubernetesWatchTriggers. Make it with New; it is safe for concurrent use.
type Watcher struct {
	config Config
	events *prometheus.CounterVec
	gaps   prometheus.Counter
	set    *event.Set[*v1.KubernetesWatchTrigger]
}

// New returns a watcher without triggers.
func New(c Config) *Watcher {
	if c.Review == 0 {
		c.Review = 30 * time.Second
	}
	if c.Retry == 0 {
		c.Retry = time.Second
	}
	w := &Watcher{
		config: c,
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotpod_kubewatcher_events_total",
			Help: "Changes that were seen, by type and by what became of them: taken for delivery, or filtered, which nobody wanted.",
		}, []string{"type", "result"}),
		gaps: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hotpod_kubewatcher_gaps_total",
			Help: "How often the API server had forgotten where a watch was to resume; what was there then was compared.",
		}),
	}
	c.Registerer.MustRegister(w.events, w.gaps)
	w.set = event.NewSet(w.start, version)
	event.WatchTriggers(c.Registerer, Source, w.set.Len)
	return w
}

// SetTrigger takes a trigger as it is now.
func (w *Watcher) SetTrigger(t *v1.KubernetesWatchTrigger) { w.set.Set(t) }

// DeleteTrigger takes a trigger away. Calls that are under way end.
func (w *Watcher) DeleteTrigger(t *v1.KubernetesWatchTrigger) { w.set.Delete(t) }

// Run watches until ctx ends, and then writes down what is done.
func (w *Watcher) Run(ctx context.Context) error { return w.set.Run(ctx) }

// version tells declarations apart: another author may read other things.
func version(t *v1.KubernetesWatchTrigger) string {
	return fmt.Sprintf("%d\n%s\n%s", t.Generation, t.Annotations[v1.AnnotationAuthor], t.Annotations[v1.AnnotationAuthorGroups])
}
