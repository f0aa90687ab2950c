package perf

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// fake is a Caller whose calls take the time that a function of their number says.
type fake struct {
	calls *atomic.Int64
	take  func(call int64) time.Duration
	state int
	err   error
}

func (f *fake) Call(context.Context) (int, error) {
	time.Sleep(f.take(f.calls.Add(1)))
	return f.state, f.err
}

func (f *fake) Close() error { return nil }

func fakes(f fake) func(context.Context) (Caller, error) {
	f.calls = new(atomic.Int64)
	return func(context.Context) (Caller, error) {
		each := f
		return &each, nil
	}
}

func always(d time.Duration) func(int64) time.Duration { return func(int64) time.Duration { return d } }

func run(t *testing.T, l Load) Measured {
	t.Helper()
	m, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s is %v, want %v to %v", what, got, low, high)
	}
}

func TestLoad_ClosedLoopKeepsEveryConnectionBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := run(t, Load{New: fakes(fake{take: always(10 * time.Millisecond), state: 200}), Connections: 4, Duration: time.Second})
		between(t, "requests", float64(m.Requests), 400, 400)
		between(t, "p99", m.Quantile(0.99), 9.9, 10.1)
		between(t, "throughput", m.Throughput(), 390, 401)
	})
}

func TestLoad_OpenLoopHoldsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := run(t, Load{New: fakes(fake{take: always(time.Millisecond), state: 200}), Connections: 10, Rate: 250, Duration: 2 * time.Second})
		between(t, "requests", float64(m.Requests), 500, 500)
		between(t, "p99", m.Quantile(0.99), 0.9, 1.1)
	})
}

func TestLoad_OpenLoopCountsTheWaitOfRequestsThatWereHeldUp(t *testing.T) {
	stallOnce := func(call int64) time.Duration {
		if call == 100 {
			return time.Second
		}
		return time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		m := run(t, Load{New: fakes(fake{take: stallOnce, state: 200}), Connections: 1, Rate: 100, Duration: 4 * time.Second})
		// One call of 400 took a second; those due meanwhile waited for it, on average for half a second.
		between(t, "requests", float64(m.Requests), 400, 400)
		between(t, "p50", m.Quantile(0.50), 0.9, 1.1)
		between(t, "p90", m.Quantile(0.90), 500, 900)
		between(t, "max", m.Quantile(1), 990, 1010)
	})
}

func TestLoad_ClosedLoopWouldHideTheSameStall(t *testing.T) {
	stallOnce := func(call int64) time.Duration {
		if call == 100 {
			return time.Second
		}
		return 10 * time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		m := run(t, Load{New: fakes(fake{take: stallOnce, state: 200}), Connections: 1, Duration: 4 * time.Second})
		between(t, "p99", m.Quantile(0.99), 9.9, 10.1)
	})
}

func TestLoad_FailuresAreCountedApart(t *testing.T) {
	boom := errors.New("boom")
	for _, f := range []fake{{state: 503}, {err: boom}} {
		synctest.Test(t, func(t *testing.T) {
			f.take = always(10 * time.Millisecond)
			m := run(t, Load{New: fakes(f), Connections: 1, Duration: 100 * time.Millisecond})
			if m.Requests != 0 || m.Failures != 10 || m.FirstError == nil || m.Latency.TotalCount() != 0 {
				t.Errorf("%+v", m)
			}
			if f.err != nil && !errors.Is(m.FirstError, boom) {
				t.Error(m.FirstError)
			}
		})
	}
}

func TestLoad_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, err := Load{New: fakes(fake{take: always(time.Millisecond), state: 200}), Connections: 2, Duration: time.Hour}.Run(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*time.Second {
			t.Error(err, time.Since(began))
		}
	})
}

func TestLoad_RefusesNonsenseAndReportsWhatCannotConnect(t *testing.T) {
	good := Load{New: fakes(fake{take: always(0)}), Connections: 1, Duration: time.Second}
	for _, spoil := range []func(*Load){
		func(l *Load) { l.Connections = 0 },
		func(l *Load) { l.Duration = 0 },
		func(l *Load) { l.Rate = -1 },
		func(l *Load) { l.New = Dialer("127.0.0.1:1", "/") },
	} {
		l := good
		spoil(&l)
		if _, err := l.Run(t.Context()); err == nil {
			t.Errorf("accepted: %+v", l)
		}
	}
}
