package event

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// grace is how long calls may go on when the process ends.
	grace = 5 * time.Second
	// lastWrite bounds the last write of a status.
	lastWrite = 3 * time.Second
)

// Current returns the trigger as the API server has it: what a watch tells may be older than what another replica wrote last. It
// asks again after a pause until the trigger is the declared one, and returns false when ctx ended.
func Current[T metav1.Object](
	ctx context.Context, declared T, pause time.Duration, get func(ctx context.Context, namespace, name string) (T, error),
) (T, bool) {
	for {
		current, err := get(ctx, declared.GetNamespace(), declared.GetName())
		if err == nil && current.GetUID() == declared.GetUID() {
			return current, true
		}
		select {
		case <-ctx.Done():
			return current, false
		case <-time.After(pause):
		}
	}
}

// End lets the calls of a queue end, and writes what is done unless the trigger is deleted. Without a queue nothing was begun.
func (f *Flusher) End(q *Queue, deleted bool) {
	if q == nil {
		return
	}
	q.Close(grace)
	if deleted {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWrite)
	defer cancel()
	if err := f.Write(ctx); err != nil {
		f.Log.Warn("status not written at the end: its last second may be repeated", "error", err)
	}
}
