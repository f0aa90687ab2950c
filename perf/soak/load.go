package soak

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// The functions of a run.
const (
	// steady has many requests in a pod at a time.
	steady = "soak-steady"
	// single has one.
	single = "soak-single"
	// changing gets new code every second.
	changing = "soak-changing"
	// wave goes from zero to many pods, to one and to zero.
	wave = "soak-wave"
)

// load is all clients.
type load struct {
	book     *book
	balancer *balancer
	seed     uint64
	clients  sync.WaitGroup
	made     int
	mu       sync.Mutex // guards made
}

// start begins the steady load; it ends with ctx, requests under way are finished.
func (l *load) start(ctx context.Context) {
	for _, function := range []string{steady, changing} {
		l.clientsOf(ctx, 3, 50*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, short(function, k.random.IntN(20))) })
		l.clientsOf(ctx, 2, 100*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, long(function, 1000+k.random.IntN(2500))) })
		l.clientsOf(ctx, 1, 100*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, stream(function, 20, 50+k.random.IntN(100))) })
		l.clientsOf(ctx, 1, 100*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, events(function, 20, 50+k.random.IntN(100))) })
		l.clientsOf(ctx, 1, 100*time.Millisecond, func(ctx context.Context, k *caller) { k.talk(ctx, function, 20, 100*time.Millisecond) })
	}
	for _, function := range []string{steady, single} {
		l.clientsOf(ctx, 2, 60*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, post(function, k.bytes(), false)) })
		l.clientsOf(ctx, 2, 60*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, post(function, k.bytes(), true)) })
	}
	l.clientsOf(ctx, 3, 50*time.Millisecond, func(ctx context.Context, k *caller) { k.send(ctx, short(single, k.random.IntN(50))) })
}

// clientsOf starts n clients that do something again and again, with pauses.
func (l *load) clientsOf(ctx context.Context, n int, gap time.Duration, do func(context.Context, *caller)) {
	for range n {
		k := l.caller()
		l.clients.Go(func() {
			for ctx.Err() == nil {
				// What was begun is finished, whatever ends the load.
				do(context.WithoutCancel(ctx), k)
				select {
				case <-ctx.Done():
				case <-time.After(gap):
				}
			}
		})
	}
}

func (l *load) caller() *caller {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%d", l.seed, l.made))
	return &caller{
		book: l.book, balancer: l.balancer, name: fmt.Sprintf("c%d", l.made),
		random: rand.New(rand.NewChaCha8(sum)), //nolint:gosec // a load that can be repeated
	}
}

// bytes is a body: mostly small, now and then larger than what can be replayed.
func (k *caller) bytes() []byte {
	n := k.random.IntN(64 << 10)
	if k.random.IntN(20) == 0 {
		n = 1<<20 + k.random.IntN(1<<20)
	}
	body := make([]byte, n)
	for i := range body {
		body[i] = byte(i * 7)
	}
	if n > 8 {
		copy(body, fmt.Sprint(k.random.Uint32()))
	}
	return body
}
