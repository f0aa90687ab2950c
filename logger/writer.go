package logger

import (
	"context"
	"log/slog"
	"time"

	"hotpod.dev/logstore"
)

// item is one thing for the writer, which does them in order.
type item struct {
	line   *logstore.Line
	stream *logstore.Stream
	// claim gives the lines of a pod since then to the function.
	claim *claim
	// forget is the UID of a pod that is gone.
	forget string
	// barrier is closed when all before it is stored.
	barrier chan struct{}
}

type claim struct {
	to    logstore.Source
	since time.Time
}

// A batch is stored when it has so many lines or bytes, or is so old.
const (
	batchLines = 1000
	batchBytes = 1 << 20
	batchAge   = 150 * time.Millisecond
	// backlog are the entries that wait for the writer; who reads logs waits when there are more.
	backlog = 1024
)

// writer stores what tails have read.
type writer struct {
	lines   *logstore.Lines
	metrics *metrics
	log     *slog.Logger
	items   chan item

	batch   logstore.Batch
	streams map[[2]string]logstore.Stream
	bytes   int
}

func newWriter(lines *logstore.Lines, m *metrics, log *slog.Logger) *writer {
	return &writer{lines: lines, metrics: m, log: log, items: make(chan item, backlog), streams: map[[2]string]logstore.Stream{}}
}

// put hands an item over, or drops it when ctx ends.
func (w *writer) put(ctx context.Context, i item) {
	select {
	case w.items <- i:
	case <-ctx.Done():
	}
}

// wait returns when everything put before is stored.
func (w *writer) wait(ctx context.Context) error {
	barrier := make(chan struct{})
	w.put(ctx, item{barrier: barrier})
	select {
	case <-barrier:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end has run return when everything is stored. Nothing may be put any more.
func (w *writer) end() { close(w.items) }

// run stores until end is called or ctx ends.
func (w *writer) run(ctx context.Context) {
	due := time.NewTimer(time.Hour)
	defer due.Stop()
	for {
		select {
		case i, ok := <-w.items:
			if !ok {
				w.store(ctx)
				return
			}
			if w.empty() {
				due.Reset(batchAge)
			}
			w.take(ctx, i)
		case <-due.C:
			w.store(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (w *writer) empty() bool { return len(w.batch.Lines) == 0 && len(w.streams) == 0 }

func (w *writer) take(ctx context.Context, i item) {
	if i.line != nil {
		w.batch.Lines = append(w.batch.Lines, *i.line)
		w.bytes += len(i.line.Text)
	}
	if i.stream != nil {
		w.streams[[2]string{i.stream.PodUID, i.stream.Container}] = *i.stream
	}
	if len(w.batch.Lines) >= batchLines || w.bytes >= batchBytes || i.claim != nil || i.forget != "" || i.barrier != nil {
		w.store(ctx)
	}
	if i.claim != nil {
		w.persist(ctx, func() error { return w.lines.Claimed(ctx, i.claim.to, i.claim.since) })
	}
	if i.forget != "" {
		w.persist(ctx, func() error { return w.lines.Forget(ctx, i.forget) })
	}
	if i.barrier != nil {
		close(i.barrier)
	}
}

func (w *writer) store(ctx context.Context) {
	if w.empty() {
		return
	}
	for _, s := range w.streams {
		w.batch.Streams = append(w.batch.Streams, s)
	}
	w.persist(ctx, func() error { return w.lines.Append(ctx, w.batch) })
	w.metrics.lines.Add(float64(len(w.batch.Lines)))
	w.metrics.bytes.Add(float64(w.bytes))
	clear(w.batch.Lines) // the texts are garbage now
	w.batch.Lines, w.batch.Streams, w.bytes = w.batch.Lines[:0], w.batch.Streams[:0], 0
	clear(w.streams)
}

// persist tries until it works or ctx ends. Meanwhile nobody reads on, and logs wait where they are.
func (w *writer) persist(ctx context.Context, do func() error) {
	for pause := pauseFirst; ctx.Err() == nil; pause = min(2*pause, pauseLast) {
		err := do()
		if err == nil || ctx.Err() != nil {
			return
		}
		w.metrics.failedWrites.Inc()
		w.log.Warn("lines cannot be stored, will be tried again", "error", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}
