package kube

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// loop runs f in the bubble until the test ends.
func loop(t *testing.T, workers int, f func(context.Context, Key) (time.Duration, error)) *Loop {
	t.Helper()
	l := NewLoop(LoopConfig{Name: "test", Workers: workers, Reconcile: f, Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return l
}

func TestLoop_ReconcilesAKeyOnceHoweverOftenItWasAdded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		hold := make(chan struct{})
		l := loop(t, 4, func(context.Context, Key) (time.Duration, error) {
			calls.Add(1)
			<-hold
			return 0, nil
		})
		l.Add(Key{"ns", "a"})
		synctest.Wait()
		for range 10 {
			l.Add(Key{"ns", "a"}) // while it is under way
		}
		synctest.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d calls of one key at a time", n)
		}
		close(hold)
		synctest.Wait()
		if n := calls.Load(); n != 2 {
			t.Errorf("%d calls, want one more for all that came meanwhile", n)
		}
	})
}

func TestLoop_TriesAgainWithGrowingDelayAndThenForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		l := loop(t, 1, func(context.Context, Key) (time.Duration, error) {
			at = append(at, time.Since(began))
			if len(at) < 4 {
				return 0, errors.New("no")
			}
			return 0, nil
		})
		l.Add(Key{"ns", "a"})
		time.Sleep(time.Hour)
		synctest.Wait()
		want := []time.Duration{0, 50 * time.Millisecond, 150 * time.Millisecond, 350 * time.Millisecond}
		if len(at) != len(want) {
			t.Fatalf("calls at %v", at)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("call %d at %v, want %v", i, at[i], want[i])
			}
		}
	})
}

func TestLoop_ComesBackWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		l := loop(t, 1, func(context.Context, Key) (time.Duration, error) {
			at = append(at, time.Since(began))
			if len(at) == 1 {
				return 3 * time.Second, nil
			}
			return 0, nil
		})
		l.AddAfter(Key{"ns", "a"}, time.Second)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(at) != 2 || at[0] != time.Second || at[1] != 4*time.Second {
			t.Errorf("calls at %v", at)
		}
	})
}

func TestLoop_EndsWithItsContextAndLetsWorkEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		l := NewLoop(LoopConfig{Name: "test", Log: slog.New(slog.DiscardHandler), Reconcile: func(ctx context.Context, _ Key) (time.Duration, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			ended = true
			return 0, ctx.Err()
		}})
		l.Add(Key{"ns", "a"})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := l.Run(ctx); err != nil || !ended {
			t.Errorf("Run = %v, the work ended: %v", err, ended)
		}
	})
}
