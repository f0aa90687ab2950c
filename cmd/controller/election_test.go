package main

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/leader"
)

// lease is one that replicas share.
type lease struct {
	mu      sync.Mutex
	record  leader.Record
	version int
}

func (l *lease) Read(context.Context) (leader.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.record, nil
}

func (l *lease) Write(_ context.Context, r leader.Record) (leader.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.Version != l.record.Version {
		return leader.Record{}, errors.New("conflict")
	}
	l.version++
	r.Version = strconv.Itoa(l.version)
	l.record = r
	return r, nil
}

func TestElection_OneControllerActsAndTheOtherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &lease{}
		log := slog.New(slog.DiscardHandler)
		unsynced := errors.New("not synced")
		start := func(identity string) (e *election, stop func()) {
			e = &election{lock: shared, identity: identity, log: log}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- e.run(ctx, func(ctx context.Context) error {
					<-ctx.Done()
					return nil
				})
			}()
			return e, func() {
				cancel()
				if err := <-done; err != nil {
					t.Errorf("%s: %v", identity, err)
				}
			}
		}
		first, stopFirst := start("first")
		time.Sleep(time.Second)
		second, stopSecond := start("second")
		time.Sleep(time.Minute)
		if !first.leads.Load() || second.leads.Load() {
			t.Errorf("leads: %v, %v", first.leads.Load(), second.leads.Load())
		}
		working := func() error { return unsynced }
		if first.ready(working)() == nil || second.ready(working)() != nil {
			t.Error("the one that acts is ready without its objects, or the one that waits is not")
		}
		stopFirst()
		time.Sleep(5 * time.Second)
		if !second.leads.Load() {
			t.Error("nobody took over")
		}
		stopSecond()
	})
}

func TestElection_AloneItActsAtOnce(t *testing.T) {
	e := (options{}).election(nil, slog.New(slog.DiscardHandler))
	acted := false
	if err := e.run(t.Context(), func(context.Context) error { acted = true; return nil }); err != nil || !acted {
		t.Errorf("acted %v, %v", acted, err)
	}
	if _, err := parse([]string{"--lease=controller"}, none, t.Output()); err == nil {
		t.Error("an election without a name is accepted")
	}
}
