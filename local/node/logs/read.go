package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Options say which lines a reader gets, and how.
type Options struct {
	// Tail is how many of the last lines are read; negative means all.
	Tail int64
	// Since leaves out older lines; zero means none is too old.
	Since time.Time
	// Limit is how many bytes are written at most; zero means no limit.
	Limit int64
	// Timestamps puts the time before each line.
	Timestamps bool
	// Stream leaves out the other stream; empty means both.
	Stream string
	// Follow waits for more until the file is closed.
	Follow bool
}

// Read writes the lines of the log at path to w. live is the file while a
// container writes it, and nil afterwards. A log that does not exist is empty.
func Read(ctx context.Context, path string, live *File, o Options, w io.Writer) error {
	out := &sink{w: w, options: o, lineStart: true}
	err := out.run(ctx, path, live)
	if errors.Is(err, errLimit) {
		return nil
	}
	return err
}

// errLimit says that Options.Limit has been written.
var errLimit = errors.New("limit reached")

// sink turns stored lines into what a reader wants.
type sink struct {
	w         io.Writer
	options   Options
	written   int64
	lineStart bool
}

func (s *sink) run(ctx context.Context, path string, live *File) error {
	r, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	defer func() { r.Close() }()
	if err := s.past(path+rotated, r); err != nil {
		return err
	}
	for {
		var changed <-chan struct{}
		closed := true
		if live != nil {
			changed, closed = live.watch()
		}
		if err := s.copy(r); err != nil {
			return err
		}
		if next := reopened(r, path); next != nil {
			r.Close()
			r = next
			continue
		}
		if closed || !s.options.Follow {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// reopened returns the file that took the place of r when the log was rotated.
func reopened(r *os.File, path string) *os.File {
	before, err := r.Stat()
	if err != nil {
		return nil
	}
	after, err := os.Stat(path)
	if err != nil || os.SameFile(before, after) {
		return nil
	}
	next, err := os.Open(path)
	if err != nil {
		return nil
	}
	return next
}

// past writes what the older half of the log has and, when only the last lines
// are wanted, those of both halves.
func (s *sink) past(older string, newer *os.File) error {
	f, err := os.Open(older)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("open log: %w", err)
	}
	if err == nil {
		defer f.Close()
	}
	switch {
	case s.options.Tail >= 0 && f != nil:
		return s.tail(f, newer)
	case s.options.Tail >= 0:
		return s.tail(newer)
	case f != nil:
		return s.copy(f)
	default:
		return nil
	}
}

// copy writes the lines that f still has, and leaves it after the last whole one.
func (s *sink) copy(f *os.File) error {
	r := bufio.NewReaderSize(f, 64<<10)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			// A line that is being written now is read again when it is whole.
			_, err := f.Seek(-int64(len(line)), io.SeekCurrent)
			return err
		}
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		if err := s.line(line); err != nil {
			return err
		}
	}
}

// tail writes the last lines of the files, which follow one another, and leaves
// them at their ends.
func (s *sink) tail(files ...*os.File) error {
	var last [][]byte
	count := int64(0)
	for _, f := range files {
		data, err := io.ReadAll(f)
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		for line := range bytes.Lines(data) {
			if e, ok := parse(line); ok && s.wanted(e) {
				last = append(last, line)
				count++
			}
		}
	}
	for _, line := range last[max(0, count-s.options.Tail):] {
		if err := s.line(line); err != nil {
			return err
		}
	}
	return nil
}

// entry is a stored line.
type entry struct {
	time    []byte
	stream  string
	partial bool
	text    []byte
}

// parse reads a stored line; ok is false for anything else.
func parse(line []byte) (e entry, ok bool) {
	line = bytes.TrimSuffix(line, []byte{'\n'})
	fields := bytes.SplitN(line, []byte{' '}, 4)
	if len(fields) != 4 {
		return entry{}, false
	}
	return entry{time: fields[0], stream: string(fields[1]), partial: string(fields[2]) == "P", text: fields[3]}, true
}

func (s *sink) wanted(e entry) bool {
	if s.options.Stream != "" && s.options.Stream != e.stream {
		return false
	}
	if s.options.Since.IsZero() {
		return true
	}
	at, err := time.Parse(time.RFC3339Nano, string(e.time))
	return err != nil || !at.Before(s.options.Since)
}

func (s *sink) line(line []byte) error {
	e, ok := parse(line)
	if !ok || !s.wanted(e) {
		return nil
	}
	var out []byte
	if s.options.Timestamps && s.lineStart {
		out = append(append(out, e.time...), ' ')
	}
	out = append(out, e.text...)
	s.lineStart = !e.partial
	if !e.partial {
		out = append(out, '\n')
	}
	return s.write(out)
}

func (s *sink) write(out []byte) error {
	limited := s.options.Limit > 0 && s.written+int64(len(out)) >= s.options.Limit
	if limited {
		out = out[:s.options.Limit-s.written]
	}
	n, err := s.w.Write(out)
	s.written += int64(n)
	if err == nil && limited {
		return errLimit
	}
	return err
}
