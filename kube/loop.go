package kube

import (
	"context"
	"log/slog"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/workqueue"
)

// Key names an object.
type Key struct {
	Namespace string
	Name      string
}

// KeyOf returns the key of an object.
func KeyOf(o Object) Key { return Key{Namespace: o.GetNamespace(), Name: o.GetName()} }

// String returns "namespace/name".
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// LoopConfig are the settings of a Loop.
type LoopConfig struct {
	// Name of the loop in logs.
	Name string
	// Workers reconcile at a time, never two the same key; 0 means 2.
	Workers int
	// Reconcile brings what belongs to the key in order. It is called again after again, when that is not zero, and
	// with growing delay after an error.
	Reconcile func(ctx context.Context, key Key) (again time.Duration, err error)
	// Log gets errors. It is needed.
	Log *slog.Logger
}

// Loop calls a function for each key that was added, once however often the key was added meanwhile.
type Loop struct {
	config LoopConfig
	queue  workqueue.TypedRateLimitingInterface[Key]
}

// Delays between attempts at a key that fails.
const (
	minRetry = 50 * time.Millisecond
	maxRetry = 10 * time.Second
)

// NewLoop returns a loop; keys may be added before Run.
func NewLoop(c LoopConfig) *Loop {
	if c.Workers == 0 {
		c.Workers = 2
	}
	limit := workqueue.NewTypedItemExponentialFailureRateLimiter[Key](minRetry, maxRetry)
	return &Loop{config: c, queue: workqueue.NewTypedRateLimitingQueue(limit)}
}

// Add asks for a reconcile of key.
func (l *Loop) Add(key Key) { l.queue.Add(key) }

// AddAfter asks for a reconcile of key later.
func (l *Loop) AddAfter(key Key, d time.Duration) { l.queue.AddAfter(key, d) }

// Run works until ctx ends, and lets what is under way end.
func (l *Loop) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, l.queue.ShutDown)
	defer stop()
	var wg sync.WaitGroup
	for range l.config.Workers {
		wg.Go(func() {
			for l.next(ctx) {
			}
		})
	}
	wg.Wait()
	return nil
}

func (l *Loop) next(ctx context.Context) bool {
	key, shutdown := l.queue.Get()
	if shutdown {
		return false
	}
	defer l.queue.Done(key)
	again, err := l.config.Reconcile(ctx, key)
	switch {
	case err == nil:
		l.queue.Forget(key)
	case ctx.Err() != nil:
		return false
	default:
		l.report(ctx, key, err)
		l.queue.AddRateLimited(key)
		return true
	}
	if again > 0 {
		l.queue.AddAfter(key, again)
	}
	return true
}

// report logs an error; a conflict is how the API server says that the cache was behind, nobody must act.
func (l *Loop) report(ctx context.Context, key Key, err error) {
	level := slog.LevelError
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		level = slog.LevelDebug
	}
	l.config.Log.Log(ctx, level, "reconcile failed, will be tried again",
		"loop", l.config.Name, "namespace", key.Namespace, "name", key.Name, "error", err)
}
