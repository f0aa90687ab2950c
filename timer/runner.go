package timer

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
)

// Headers of a run.
const (
	// HeaderName holds the trigger's name, as in Fission.
	HeaderName = "X-Fission-Timer-Name"
	// HeaderTime holds the time that the run is for.
	HeaderTime = "X-Schedule-Time"
)

const (
	// recheck bounds how long a timer sleeps: clocks are set, and machines are suspended.
	recheck = time.Minute
	// again is the pause before a trigger is read again that could not be.
	again = 500 * time.Millisecond
)

// runner looks after one trigger; see event.Runner.
type runner struct {
	timer   *Timer
	flusher *event.Flusher
	// Set before the flusher writes, and then by Run alone.
	queue  *event.Queue // nil until the status was read
	cursor time.Time    // runs up to here are put
	ran    int64        // generation of the last declaration

	mu      sync.Mutex // guards all below
	known   *v1.TimeTrigger
	own     metav1.Condition
	next    time.Time
	skipped int64
	told    int64 // generation that own speaks of
}

// version tells declarations apart.
func version(t *v1.TimeTrigger) string { return strconv.FormatInt(t.Generation, 10) }

func (t *Timer) start(trigger *v1.TimeTrigger) event.Runner[*v1.TimeTrigger] {
	r := &runner{timer: t, known: trigger}
	log := t.config.Log.With("namespace", trigger.Namespace, "trigger", trigger.Name)
	r.flusher = &event.Flusher{Write: r.write, Log: log}
	return r
}

// Run implements event.Runner.
func (r *runner) Run(ctx context.Context, declared *v1.TimeTrigger) {
	current, ok := event.Current(ctx, declared, again, r.timer.config.Triggers.Get)
	if !ok {
		return
	}
	r.mu.Lock()
	r.known = current
	r.mu.Unlock()
	r.begin(current)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { r.flusher.Run(ctx) })

	schedule, err := current.Schedule()
	if err != nil {
		r.say(metav1.ConditionFalse, v1.ReasonCronInvalid, "The cron expression "+err.Error(), time.Time{}, 0)
		<-ctx.Done()
	}
	for ctx.Err() == nil {
		r.step(ctx, current, schedule)
	}
}

// begin says from where on runs are made.
func (r *runner) begin(t *v1.TimeTrigger) {
	first := r.queue == nil
	if first {
		s := event.State{DeliveryStatus: t.Status.Deliveries}
		r.skipped = t.Status.Skipped
		r.cursor = t.CreationTimestamp.Time
		if t.Status.LastScheduleTime != nil {
			r.cursor = t.Status.LastScheduleTime.Time
			s.Position = event.Time(r.cursor)
		}
		r.queue = event.NewQueue(r.timer.config.Sender, s, r.flusher.Touch)
	}
	// What another expression says now was not missed before.
	if !first && r.ran != t.Generation || first && t.Status.ObservedGeneration > 0 && t.Status.ObservedGeneration != t.Generation {
		r.cursor = time.Now()
		r.queue.Reached(event.Time(r.cursor))
	}
	r.ran = t.Generation
}

// step makes what is due, and waits until the next run is.
func (r *runner) step(ctx context.Context, t *v1.TimeTrigger, schedule v1.Schedule) {
	now := time.Now()
	runs := Due(schedule, t.Spec.Missed(), t.CreationTimestamp.Time, r.cursor, now)
	r.timer.runs.WithLabelValues("skipped").Add(float64(runs.Skipped))
	r.timer.runs.WithLabelValues("late").Add(float64(runs.Late))
	r.timer.runs.WithLabelValues("on_time").Add(float64(len(runs.Times) - runs.Late))
	message := "The function is called as cron says."
	if runs.Next.IsZero() {
		message = "No run is due within five years."
	}
	r.say(metav1.ConditionTrue, v1.ReasonCronRegistered, message, runs.Next, runs.Skipped)
	for _, at := range runs.Times {
		if r.queue.Put(ctx, call(t, at)) != nil {
			return
		}
		r.cursor = at
	}
	if runs.Skipped > 0 && len(runs.Times) == 0 {
		r.cursor = now
		r.queue.Reached(event.Time(now))
	}
	wait := recheck
	if !runs.Next.IsZero() {
		wait = min(wait, max(0, time.Until(runs.Next)))
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}

// call is the run at a time.
func call(t *v1.TimeTrigger, at time.Time) *event.Call {
	c := &event.Call{
		ID: event.ID(string(t.UID), event.Time(at)), What: "run of " + event.Time(at), Due: at, Position: event.Time(at),
		Namespace: t.Namespace, Function: t.Spec.FunctionReference.Name, Method: t.Spec.Method, Subpath: t.Spec.Subpath,
		Header: http.Header{HeaderName: {t.Name}, HeaderTime: {event.Time(at)}},
	}
	if c.Method == "" {
		c.Method = http.MethodPost
	}
	return c
}

// say takes down what is the matter with the trigger.
func (r *runner) say(status metav1.ConditionStatus, reason, message string, next time.Time, skipped int64) {
	own := metav1.Condition{Type: v1.ConditionScheduled, Status: status, Reason: reason, Message: message}
	r.mu.Lock()
	changed := r.own != own || r.next != next || skipped > 0 || r.told != r.ran
	r.own, r.next, r.told = own, next, r.ran
	r.skipped += skipped
	r.mu.Unlock()
	if changed {
		r.flusher.Touch()
	}
}

// write writes the status.
func (r *runner) write(ctx context.Context) error {
	r.mu.Lock()
	t, own, next, skipped := r.known, r.own, r.next, r.skipped
	r.mu.Unlock()
	if own.Type == "" {
		return nil
	}
	// Whoever wrote meanwhile is not overwritten; what is read here is nearly always what this runner wrote.
	t, err := r.timer.config.Triggers.Get(ctx, t.Namespace, t.Name)
	if err != nil {
		return err
	}
	if t.UID != r.known.UID || t.Generation != r.ran {
		return nil // it is another, or will be read anew
	}
	s := v1.TimeTriggerStatus{ObservedGeneration: t.Generation, Skipped: skipped}
	if !next.IsZero() {
		s.NextScheduleTime = &metav1.Time{Time: next}
	}
	state := r.queue.State()
	if at, err := time.Parse(time.RFC3339, state.Position); err == nil {
		s.LastScheduleTime = &metav1.Time{Time: at}
	}
	s.Deliveries = state.DeliveryStatus
	s.Conditions = event.Conditions(t.Status.Conditions, t.Generation, own, &state)
	return r.timer.config.Triggers.WriteStatus(ctx, t, s)
}

// Close implements event.Runner.
func (r *runner) Close(deleted bool) { r.flusher.End(r.queue, deleted) }
