package probe

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func settings() Settings {
	return Settings{Period: 10 * time.Second, Timeout: time.Second, Success: 1, Failure: 3}
}

func TestTracker_OutcomeNeedsEnoughAnswersInARow(t *testing.T) {
	s := settings()
	s.Success = 2
	tracker := NewTracker(s, false, time.Time{})
	now := time.Unix(0, 0)
	for i, step := range []struct {
		good bool
		want Outcome
	}{
		{true, Unknown},
		{true, Success},
		{false, Success},
		{false, Success},
		{true, Success},
		{false, Success},
		{false, Success},
		{false, Failure},
		{true, Failure},
		{true, Success},
	} {
		now = now.Add(s.Period)
		if got, _ := tracker.Observe(step.good, now); got != step.want {
			t.Errorf("answer %d: outcome %d, want %d", i, got, step.want)
		}
	}
}

func TestTracker_EagerFailuresCountOncePerPeriod(t *testing.T) {
	now := time.Unix(0, 0)
	tracker := NewTracker(settings(), true, now)
	counted := 0
	for outcome := Unknown; outcome != Failure; now = now.Add(25 * time.Millisecond) {
		var yes bool
		if outcome, yes = tracker.Observe(false, now); yes {
			counted++
		}
	}
	if took := now.Sub(time.Unix(0, 0)); counted != 3 || took < 20*time.Second || took > 21*time.Second {
		t.Errorf("failed after %d answers that counted, within %v", counted, took)
	}
}

func TestRun_IsReadyAsSoonAsItsProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		up := began.Add(300 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		var ready time.Time
		asked := 0
		Run(ctx, settings(), true, func(context.Context) error {
			asked++
			if time.Now().Before(up) {
				return errors.New("not yet")
			}
			return nil
		}, func(o Outcome, _ error) {
			if o == Success && ready.IsZero() {
				ready = time.Now()
			}
		})
		if wait := ready.Sub(up); wait > eagerInterval {
			t.Errorf("ready %v after the program", wait)
		}
		if asked > 13+6 {
			t.Errorf("asked %d times in a minute: it goes on in a hurry", asked)
		}
	})
}

func TestRun_SlowsDownWhenNothingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		asked := 0
		Run(ctx, settings(), true, func(context.Context) error { asked++; return errors.New("no") }, func(Outcome, error) {})
		if limit := 400 + 200 + 360 + 10; asked > limit {
			t.Errorf("asked %d times in an hour, want at most %d", asked, limit)
		}
	})
}

func TestRun_KeepsInitialDelayAndTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := settings()
		s.InitialDelay = 5 * time.Second
		ctx, cancel := context.WithCancel(t.Context())
		Run(ctx, s, false, func(ctx context.Context) error {
			if first := time.Since(began); first != 5*time.Second {
				t.Errorf("first asked after %v", first)
			}
			<-ctx.Done()
			return ctx.Err()
		}, func(o Outcome, err error) {
			if o != Unknown || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 6*time.Second {
				t.Errorf("outcome %d, error %v after %v", o, err, time.Since(began))
			}
			cancel()
		})
	})
}

func TestSettingsOf_HasTheDefaultsOfKubernetes(t *testing.T) {
	want := Settings{Period: 10 * time.Second, Timeout: time.Second, Success: 1, Failure: 3}
	if got := SettingsOf(&corev1.Probe{}); got != want {
		t.Errorf("got %+v", got)
	}
}
