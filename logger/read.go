package logger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"hotpod.dev/logline"
	"hotpod.dev/logstore"
)

const (
	// overlap is how much of what is stored is read again when a log is opened again: lines of a container's two outputs may
	// come a little out of order. What is stored of it is left out.
	overlap = 2 * time.Second
	// maxLine is where a line is cut in two.
	maxLine = 64 << 10
	// readBuffer is of each log that is followed.
	readBuffer = 4 << 10
)

// read reads a log from where it has been stored up to, until it ends. It follows it if that is asked and not too many are followed.
func (t *tail) read(ctx context.Context, p *Pod, l Log) error {
	seen, since, err := t.resume(ctx)
	if err != nil {
		return err
	}
	l.Namespace, l.Pod, l.Container, l.Since = p.Namespace, p.Name, t.container, since
	f := t.follower
	slots, mode := f.polls, f.metrics.polled
	t.polled = l.Follow && !f.follows.TryAcquire(1)
	if l.Follow && !t.polled {
		slots, mode = f.follows, f.metrics.followed
	} else {
		l.Follow = false
		if err := slots.Acquire(ctx, 1); err != nil {
			return err
		}
	}
	defer slots.Release(1)
	mode.Inc()
	defer mode.Dec()
	if err := f.opens.Acquire(ctx, 1); err != nil {
		return err
	}
	body, err := f.config.Logs.OpenLog(ctx, l)
	f.opens.Release(1)
	if err != nil {
		return err
	}
	defer body.Close()
	return t.readLines(ctx, body, seen)
}

// readLines takes lines until there are no more. A last one without an end is taken when the container has ended: before, it may
// be the beginning of one that is read again.
func (t *tail) readLines(ctx context.Context, body io.Reader, seen *seen) error {
	r := bufio.NewReaderSize(body, readBuffer)
	at := t.until()
	for {
		line, whole, err := readLine(r)
		if len(line) > 0 && (whole || errors.Is(err, io.EOF) && t.hasEnded()) {
			var text string
			at, text = logline.Stamp(string(line), at)
			t.take(ctx, at, logline.Parse(text), seen)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the log: %w", err)
		}
	}
}

func (t *tail) hasEnded() bool { return t.isGone() || t.pod.Load().Ended }

// readLine returns the next line without its end, or the first part of a very long one.
func readLine(r *bufio.Reader) (line []byte, whole bool, err error) {
	for {
		part, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			part = part[:len(part)-1]
			if line == nil {
				return part, true, nil
			}
			return append(line, part...), true, nil
		case errors.Is(err, bufio.ErrBufferFull):
			line = append(line, part...)
			if len(line) >= maxLine {
				return line, true, nil
			}
		default:
			return append(line, part...), false, err
		}
	}
}

// take joins a line with those before it and hands over the entry that it ends.
func (t *tail) take(ctx context.Context, at time.Time, l logline.Line, seen *seen) {
	if seen.has(at, l.Text) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if done := t.joiner.Add(at, l); done != nil {
		t.emit(ctx, done)
	}
	t.arrived = time.Now()
	if !t.open {
		t.open = true
		t.follower.setOpen(t, true)
	}
}

// flushBefore ends the entry whose last line came before then.
func (t *tail) flushBefore(ctx context.Context, then time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.arrived.After(then) {
		return
	}
	if done := t.joiner.Flush(); done != nil {
		t.emit(ctx, done)
	}
	if t.open {
		t.open = false
		t.follower.setOpen(t, false)
	}
}

// emit hands an entry over. Call it with mu held.
func (t *tail) emit(ctx context.Context, e *logline.Entry) {
	if last := e.Last(); last.After(t.stream.Until) {
		t.stream.Until = last
	}
	stream := t.stream
	t.follower.writer.put(ctx, item{stream: &stream, line: &logstore.Line{
		Source: t.pod.Load().source(t.container, e.Time), Time: e.Time, Level: e.Level, RequestID: e.RequestID, TraceID: e.TraceID,
		Text: e.Text, Later: e.Later,
	}})
}

func (t *tail) until() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stream.Until
}

// resume returns from when the log has to be read, and which lines since then are stored.
func (t *tail) resume(ctx context.Context) (*seen, time.Time, error) {
	t.flushBefore(ctx, time.Now())
	until := t.until()
	if until.IsZero() {
		return nil, time.Time{}, nil
	}
	if err := t.follower.writer.wait(ctx); err != nil {
		return nil, time.Time{}, err
	}
	since := until.Add(-overlap).Truncate(time.Second)
	lines := t.follower.config.Lines
	usage, err := lines.Usage(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	stored, err := lines.All(ctx, logstore.Query{PodUID: t.pod.Load().UID, Container: t.container, Since: since.Add(-logline.MaxSpan - overlap)})
	if err != nil {
		return nil, time.Time{}, err
	}
	if usage.Pruned.After(until) {
		usage.Pruned = until
	}
	s := &seen{pod: t.pod.Load().UID, container: t.container, lines: logline.NewSeen(stored), before: usage.Pruned}
	return s, since, nil
}
