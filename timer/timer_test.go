package timer_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/event"
	"hotpod.dev/timer"
)

// triggers is an API server with one trigger.
type triggers struct {
	mu sync.Mutex
	t  v1.TimeTrigger
}

func (s *triggers) Get(context.Context, string, string) (*v1.TimeTrigger, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.t.DeepCopy(), nil
}

func (s *triggers) WriteStatus(_ context.Context, t *v1.TimeTrigger, status v1.TimeTriggerStatus) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.Generation != s.t.Generation {
		return errors.New("conflict")
	}
	s.t.Status = status
	return nil
}

// world is a timer with a function that counts the runs that it is called for.
type world struct {
	triggers *triggers
	function *httptest.Server
	mu       sync.Mutex
	runs     map[string]int
}

func newWorld(t *testing.T, spec v1.TimeTriggerSpec, made time.Time) *world {
	t.Helper()
	spec.FunctionReference = v1.FunctionReference{Type: v1.ReferenceName, Name: "f"}
	w := &world{runs: map[string]int{}, triggers: &triggers{t: v1.TimeTrigger{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "tick", UID: "1", Generation: 1, CreationTimestamp: metav1.NewTime(made)},
		Spec:       spec,
	}}}
	w.function = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get(timer.HeaderName) != "tick" || r.URL.Path != "/fission-function/ns/f" {
			t.Errorf("called %s %v", r.URL, r.Header)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.runs[r.Header.Get(timer.HeaderTime)]++
	}))
	t.Cleanup(w.function.Close)
	return w
}

// run runs a timer until stop is called.
func (w *world) run(t *testing.T) (stop func()) {
	t.Helper()
	registry := prometheus.NewRegistry()
	tm := timer.New(timer.Config{
		Triggers: w.triggers, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Registerer: registry,
		Sender: event.NewSender(event.SenderConfig{Source: timer.Source, Router: w.function.URL, Registerer: registry}),
	})
	trigger, _ := w.triggers.Get(t.Context(), "", "")
	tm.SetTrigger(trigger)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = tm.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

func (w *world) count() (different, all int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.runs {
		all += n
	}
	return len(w.runs), all
}

func (w *world) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %+v", what, w.triggers.t.Status)
		}
	}
}

// What another replica, or this one before a restart, has done is not done again; what was missed is made up for.
func TestTimer_GoesOnWhereTheLastOneStopped(t *testing.T) {
	begin := time.Now().Add(-20 * time.Second).Truncate(time.Second)
	w := newWorld(t, v1.TimeTriggerSpec{Cron: "@every 1s", MissedRuns: v1.MissedAll}, begin)
	for round := 1; round <= 3; round++ {
		before, _ := w.count()
		stop := w.run(t)
		w.until(t, "called", func() bool { n, _ := w.count(); return n >= max(15, before+1) })
		stop()
	}
	different, all := w.count()
	if different != all {
		t.Errorf("%d runs were made %d times", different, all)
	}
	s := w.triggers.t.Status
	if s.Deliveries.Delivered != int64(all) || s.LastScheduleTime == nil || int(s.LastScheduleTime.Sub(begin)/time.Second) != all {
		t.Errorf("after %d runs since %s the status is %+v", all, begin, s)
	}
}

func TestTimer_SaysWhatIsWrongWithACronExpression(t *testing.T) {
	w := newWorld(t, v1.TimeTriggerSpec{Cron: "61 * * * *"}, time.Now())
	stop := w.run(t)
	defer stop()
	w.until(t, "told", func() bool {
		t, _ := w.triggers.Get(context.Background(), "", "")
		return len(t.Status.Conditions) == 3 && t.Status.Conditions[0].Reason == v1.ReasonCronInvalid
	})
}
