package soak

import (
	"context"
	"sync"
	"time"
)

const (
	// rise bounds the time in which a wave may reach its peak, and fall the time until no pod is left.
	rise, fall = 20 * time.Second, 30 * time.Second
	// ebb is how long one client remains.
	ebb = 4 * time.Second
)

// waves loads one function so that it is scaled from zero to many pods, to one and to zero, again and again.
func (w *world) waves(ctx context.Context, l *load) {
	for ctx.Err() == nil {
		most := w.flood(ctx, l)
		few, stop := context.WithTimeout(ctx, ebb)
		w.crowd(few, l, 1)
		stop()
		low := w.until(ctx, fall, func(n int) bool { return n == 0 })
		w.book.mu.Lock()
		w.book.peaks = append(w.book.peaks, most)
		if ctx.Err() == nil || low == 0 {
			w.book.lows = append(w.book.lows, low)
		}
		w.book.mu.Unlock()
	}
}

// flood calls with as many clients as pods are allowed until so many are there, and returns their number.
func (w *world) flood(ctx context.Context, l *load) int {
	flood, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { w.crowd(flood, l, w.peak) })
	most := w.until(ctx, rise, func(n int) bool { return n >= w.peak })
	stop()
	running.Wait()
	return most
}

// crowd calls the function with n clients until ctx ends and every answer has come.
func (w *world) crowd(ctx context.Context, l *load, n int) {
	var clients sync.WaitGroup
	for range n {
		k := l.caller()
		clients.Go(func() {
			for ctx.Err() == nil {
				k.send(context.WithoutCancel(ctx), short(wave, 300+k.random.IntN(200)))
			}
		})
	}
	clients.Wait()
}

// until looks at the number of hot pods until it is right or the time is over, and returns the last number seen.
func (w *world) until(ctx context.Context, bound time.Duration, right func(int) bool) int {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	last := 0
	for {
		if pods, err := w.hot(ctx, wave); err == nil {
			last = len(pods)
			if right(last) {
				return last
			}
		}
		select {
		case <-ctx.Done():
			return last
		case <-time.After(200 * time.Millisecond):
		}
	}
}
