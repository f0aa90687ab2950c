package event

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Flusher writes something that changes often, now and then. The zero value is not usable: Write and Log are needed.
type Flusher struct {
	// Every is the least time between two writes; 0 means a second.
	Every time.Duration
	// Write writes what there is.
	Write func(ctx context.Context) error
	// Log gets what went wrong.
	Log *slog.Logger

	once  sync.Once
	dirty chan struct{}
}

// Touch says that something changed. It does not block.
func (f *Flusher) Touch() {
	f.init()
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

func (f *Flusher) init() {
	f.once.Do(func() {
		f.dirty = make(chan struct{}, 1)
		if f.Every == 0 {
			f.Every = time.Second
		}
	})
}

// Run writes after each touch until ctx ends. What cannot be written is tried again.
func (f *Flusher) Run(ctx context.Context) {
	f.init()
	for {
		select {
		case <-f.dirty:
		case <-ctx.Done():
			return
		}
		if !f.gather(ctx) {
			return
		}
		if err := f.Write(ctx); err != nil && ctx.Err() == nil {
			f.Log.Debug("status not written, will be tried again", "error", err)
			f.Touch()
		}
		select {
		case <-time.After(f.Every):
		case <-ctx.Done():
			return
		}
	}
}

// gather waits a moment for what belongs to the same change: a call that is put is mostly done soon. It returns false when ctx ended.
func (f *Flusher) gather(ctx context.Context) bool {
	select {
	case <-time.After(f.Every / 10):
	case <-ctx.Done():
		return false
	}
	select {
	case <-f.dirty:
	default:
	}
	return true
}
