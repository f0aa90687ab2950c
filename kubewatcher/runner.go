package kubewatcher

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
)

// settled is how long a session lasts that was no failure.
const settled = 10 * time.Second

// runner looks after one trigger; see event.Runner.
type runner struct {
	watcher *Watcher
	flusher *event.Flusher

	// Set before the flusher writes, and then by Run alone.
	queue  *event.Queue // nil until the status was read
	ran    *v1.KubernetesWatchTrigger
	source string // what cursor counts
	cursor string // resourceVersion up to which changes are put; empty means that a list comes first
	since  time.Time
	known  map[types.UID]known // objects as of cursor; nil means that they are not known

	mu       sync.Mutex // guards all below
	own      metav1.Condition
	resource string
	told     string // source that the status speaks of
	gaps     int64
	lastGap  string // what was done about the last gap
}

// known is what is remembered of an object.
type known struct{ namespace, name, version string }

// problem is why a trigger cannot be served.
type problem struct {
	reason, message string
	// lasting problems end only when the trigger is changed.
	lasting bool
}

func (p *problem) Error() string { return p.reason + ": " + p.message }

func (w *Watcher) start(t *v1.KubernetesWatchTrigger) event.Runner[*v1.KubernetesWatchTrigger] {
	r := &runner{watcher: w}
	log := w.config.Log.With("namespace", t.Namespace, "trigger", t.Name)
	r.flusher = &event.Flusher{Write: r.write, Log: log}
	return r
}

// Run implements event.Runner.
func (r *runner) Run(ctx context.Context, declared *v1.KubernetesWatchTrigger) {
	t, ok := event.Current(ctx, declared, r.watcher.config.Retry, r.watcher.config.Triggers.Get)
	if !ok {
		return
	}
	r.begin(t)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.flusher.Run(ctx) })
	pause := r.watcher.config.Retry
	for ctx.Err() == nil {
		start := time.Now()
		err := r.session(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if time.Since(start) > settled {
			pause = r.watcher.config.Retry
		}
		if err == nil {
			continue
		}
		p, ok := errors.AsType[*problem](err)
		if !ok {
			p = &problem{reason: v1.ReasonWatchFailed, message: "The watch broke and will be made again: " + err.Error()}
		}
		r.say(metav1.ConditionFalse, p.reason, p.message)
		if p.lasting {
			<-ctx.Done()
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, 10*r.watcher.config.Retry)
	}
}

// begin takes a declaration over, and what the status says of the time before this process.
func (r *runner) begin(t *v1.KubernetesWatchTrigger) {
	r.ran = t
	if r.queue != nil {
		return
	}
	s := &t.Status
	r.source, r.cursor, r.gaps, r.told = s.Source, s.ResourceVersion, s.Gaps, s.Source
	if s.ResumeTime != nil {
		r.since = s.ResumeTime.Time
	}
	r.queue = event.NewQueue(r.watcher.config.Sender, event.State{Position: s.ResourceVersion, DeliveryStatus: s.Deliveries}, r.flusher.Touch)
}

// forget makes the next session begin anew: what the cursor counts is not what is watched, or may not be told.
func (r *runner) forget() {
	r.cursor, r.known = "", nil
	r.queue.Forget()
}

// say takes down what is the matter with the trigger.
func (r *runner) say(status metav1.ConditionStatus, reason, message string) {
	own := metav1.Condition{Type: v1.ConditionSubscribed, Status: status, Reason: reason, Message: message}
	r.mu.Lock()
	changed := r.own != own || r.told != r.source
	r.own, r.told = own, r.source
	r.mu.Unlock()
	if changed {
		if status != metav1.ConditionTrue {
			r.flusher.Log.Warn("trigger is not served", "reason", reason, "message", message)
		}
		r.flusher.Touch()
	}
}

// gapMessage says what was done about the last gap, if there was one.
func (r *runner) gapMessage() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastGap
}

// write writes the status.
func (r *runner) write(ctx context.Context) error {
	r.mu.Lock()
	own, resource, source, gaps := r.own, r.resource, r.told, r.gaps
	r.mu.Unlock()
	if own.Type == "" {
		return nil
	}
	triggers := r.watcher.config.Triggers
	// Whoever wrote meanwhile is not overwritten; what is read here is nearly always what this runner wrote.
	t, err := triggers.Get(ctx, r.ran.Namespace, r.ran.Name)
	if err != nil {
		return err
	}
	if t.UID != r.ran.UID || version(t) != version(r.ran) {
		return nil // it is another, or will be read anew
	}
	state := r.queue.State()
	s := v1.KubernetesWatchTriggerStatus{
		ObservedGeneration: t.Generation, Resource: resource, Gaps: gaps, Deliveries: state.DeliveryStatus,
		Conditions: event.Conditions(t.Status.Conditions, t.Generation, own, &state),
	}
	if state.Position != "" {
		now := metav1.Now()
		s.ResourceVersion, s.Source, s.ResumeTime = state.Position, source, &now
		if t.Status.ResourceVersion == s.ResourceVersion && t.Status.ResumeTime != nil {
			s.ResumeTime = t.Status.ResumeTime
		}
	}
	return triggers.WriteStatus(ctx, t, s)
}

// Close implements event.Runner.
func (r *runner) Close(deleted bool) { r.flusher.End(r.queue, deleted) }

// sourceOf tells what a cursor counts: other objects chosen mean another beginning. The filter and the events do not.
func sourceOf(t *v1.KubernetesWatchTrigger, resource Resource) string {
	return event.ID(resource.String(), t.Watched(), t.Selector(), t.Spec.FieldSelector)[:12]
}

// named returns the only name that a field selector leaves.
func named(fieldSelector string) string {
	name, ok := strings.CutPrefix(fieldSelector, "metadata.name=")
	name = strings.TrimPrefix(name, "=")
	if !ok || strings.ContainsAny(name, ",=!") {
		return ""
	}
	return name
}

func forbiddenMessage(author v1.Author, a Access, why string) string {
	where := "in namespace " + a.Namespace
	if a.Namespace == "" {
		where = "in the whole cluster"
	}
	message := fmt.Sprintf("%s, who wrote this trigger, may not list and watch %s %s", author.Name, a.GroupResource(), where)
	if why != "" {
		message += " (" + why + ")"
	}
	return message + ": have somebody write it who may, or grant the right, then it goes on by itself."
}
