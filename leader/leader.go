package leader

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Errors of a Lock, and of Run.
var (
	// ErrConflict says that somebody else wrote first.
	ErrConflict = errors.New("the lease was written by another")
	// ErrLost says that another leads now.
	ErrLost = errors.New("another replica leads")
)

// Record is what a lease says.
type Record struct {
	// Holder is who leads; empty means nobody.
	Holder string
	// Term is how long the holder's silence is no sign of its end.
	Term time.Duration
	// Version changes with each write.
	Version string
}

// Lock is where the lease is kept.
type Lock interface {
	// Read returns the record, the zero one when there is none yet.
	Read(ctx context.Context) (Record, error)
	// Write replaces the record that has r's version, or makes the first when that is empty. It returns the record as
	// written, or ErrConflict.
	Write(ctx context.Context, r Record) (Record, error)
}

// Config is what an Elector needs. All but Term, Renew and Poll is required.
type Config struct {
	Lock Lock
	// Identity of this replica. After a restart the same identity has the lease again at once.
	Identity string
	// Term without a renewal after which another replica takes over; 0 means 3 s. Renew is the time between renewals;
	// 0 means a third of Term. Poll is how often a follower reads; 0 means 250 ms.
	Term, Renew, Poll time.Duration
	Log               *slog.Logger
}

// Elector is one replica's part in the election. Make it with New.
type Elector struct {
	cfg Config

	mu        sync.Mutex // guards all below
	held      Record     // while leading
	confirmed time.Time  // when the last successful renewal began
}

// New returns an elector that follows.
func New(cfg Config) *Elector {
	if cfg.Term == 0 {
		cfg.Term = 3 * time.Second
	}
	if cfg.Renew == 0 {
		cfg.Renew = cfg.Term / 3
	}
	if cfg.Poll == 0 {
		cfg.Poll = 250 * time.Millisecond
	}
	return &Elector{cfg: cfg}
}

// Sure reports whether this replica leads beyond doubt: its lease was confirmed within the term.
func (e *Elector) Sure() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held.Holder != "" && time.Since(e.confirmed) < e.cfg.Term
}

// Run waits until this replica leads, and calls lead. When ctx ends it waits for lead, gives the lease back, so that
// another replica leads at once, and returns nil. When another took the lease it ends lead's context, waits for lead,
// and returns ErrLost. When lead returns by itself, Run gives the lease back and returns its error.
func (e *Elector) Run(ctx context.Context, lead func(context.Context) error) error {
	if !e.follow(ctx) {
		return nil
	}
	e.cfg.Log.Info("leading", "identity", e.cfg.Identity)
	leading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- lead(leading) }()
	lost := make(chan error, 1)
	go func() { lost <- e.keep(leading) }()
	select {
	case err := <-ended:
		stop()
		_ = <-lost // it was stopped, which is no news
		e.release(ctx)
		return err
	case err := <-lost:
		stop()
		err = errors.Join(err, <-ended)
		if ctx.Err() != nil {
			e.release(ctx)
		}
		return err
	}
}

// follow returns true when this replica has the lease, false when ctx ended.
func (e *Elector) follow(ctx context.Context) bool {
	var seen Record
	var since time.Time
	for said := false; ; {
		r, err := e.read(ctx)
		now := time.Now()
		switch {
		case err != nil:
			if !said && ctx.Err() == nil {
				e.cfg.Log.Warn("the lease cannot be read, will be tried again", "error", err)
			}
			said = true
		case r.Version != seen.Version || since.IsZero():
			seen, since, said = r, now, false
		}
		free := r.Holder == "" || r.Holder == e.cfg.Identity || now.Sub(since) >= max(r.Term, e.cfg.Term)
		if err == nil && free && e.take(ctx, r) {
			return true
		}
		if !pause(ctx, e.cfg.Poll) {
			return false
		}
	}
}

// take writes the lease over r.
func (e *Elector) take(ctx context.Context, r Record) bool {
	err := e.write(ctx, r)
	if err != nil && !errors.Is(err, ErrConflict) && ctx.Err() == nil {
		e.cfg.Log.Warn("the lease cannot be taken, will be tried again", "error", err)
	}
	return err == nil
}

// keep renews the lease until another has it, or ctx ends.
func (e *Elector) keep(ctx context.Context) error {
	doubt := false
	for wait := e.cfg.Renew; pause(ctx, wait); {
		err := e.renew(ctx)
		if errors.Is(err, ErrLost) {
			e.forget()
			return err
		}
		wait = e.cfg.Renew
		if err != nil {
			wait = min(e.cfg.Poll, wait)
		}
		if sure := e.Sure(); doubt == sure && ctx.Err() == nil {
			doubt = !sure
			e.cfg.Log.Warn("leadership", "in_doubt", doubt, "error", err)
		}
	}
	return nil
}

// renew writes the lease again. That somebody wrote to it, or deleted it, is no loss while nobody else holds it.
func (e *Elector) renew(ctx context.Context) error {
	err := e.write(ctx, e.holding())
	if !errors.Is(err, ErrConflict) {
		return err
	}
	r, err := e.read(ctx)
	if err != nil {
		return err
	}
	if r.Holder != "" && r.Holder != e.cfg.Identity {
		return fmt.Errorf("%w: %s", ErrLost, r.Holder)
	}
	return e.write(ctx, r)
}

// release gives the lease back, if this replica still has it. ctx may have ended.
func (e *Elector) release(ctx context.Context) {
	r := e.holding()
	if r.Holder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Renew)
	defer cancel()
	r.Holder = ""
	if _, err := e.cfg.Lock.Write(ctx, r); err != nil {
		e.cfg.Log.Warn("the lease was not given back, others have to wait for its end", "error", err)
	}
	e.forget()
}

func (e *Elector) holding() Record {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.held
}

func (e *Elector) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = Record{}
}

// write makes this replica the holder in the place of r. The lease counts from before the call.
func (e *Elector) write(ctx context.Context, r Record) error {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Renew)
	defer cancel()
	r.Holder, r.Term = e.cfg.Identity, e.cfg.Term
	written, err := e.cfg.Lock.Write(ctx, r)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held, e.confirmed = written, began
	return nil
}

func (e *Elector) read(ctx context.Context) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Renew)
	defer cancel()
	return e.cfg.Lock.Read(ctx)
}

// pause returns false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
