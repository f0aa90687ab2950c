package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// DefaultLimit is the size at which a file is rotated when no limit is given.
const DefaultLimit = 10 << 20

// maxLine is the longest line that is kept whole; longer ones are cut in pieces.
const maxLine = 16 << 10

// rotated is appended to the name of the older half of a log.
const rotated = ".1"

// File takes the output of one run of a container. It may be used concurrently.
type File struct {
	path  string
	limit int64

	// mu guards what follows.
	mu     sync.Mutex
	file   *os.File
	size   int64
	closed bool
	// changed is closed, and replaced, whenever something was written or the file was closed.
	changed chan struct{}
}

// Create makes the file and the directories above it. A limit of zero is DefaultLimit.
func Create(path string, limit int64) (*File, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("make log directory: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return nil, fmt.Errorf("make log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{path: path, limit: limit, file: f, size: info.Size(), changed: make(chan struct{})}, nil
}

// Path returns where the newest lines are.
func (f *File) Path() string { return f.path }

// Close ends the log; readers that follow it end when they have read it all.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	close(f.changed)
	return f.file.Close()
}

// Copy writes what r yields, line by line, as the stream ("stdout" or "stderr"),
// until r ends. What cannot be written, as on a full disk, is dropped: a
// container must not stop because nobody can keep its words.
func (f *File) Copy(stream string, r io.Reader) error {
	buffer := make([]byte, 32<<10)
	var rest []byte
	for {
		n, err := r.Read(buffer)
		if n > 0 {
			rest = append(rest, buffer[:n]...)
			rest = f.take(stream, rest, false)
		}
		if err != nil {
			f.take(stream, rest, true)
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
				return nil
			}
			return err
		}
	}
}

// take writes the lines of data and returns what is left of it. At the end also
// an unfinished line is written.
func (f *File) take(stream string, data []byte, end bool) []byte {
	var out bytes.Buffer
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for len(data) > 0 {
		line, rest, found := bytes.Cut(data, []byte{'\n'})
		tag := "F"
		switch {
		case len(line) > maxLine:
			line, rest, tag = data[:maxLine], data[maxLine:], "P"
		case !found && !end:
			f.write(out.Bytes())
			return append([]byte(nil), data...)
		}
		fmt.Fprintf(&out, "%s %s %s %s\n", now, stream, tag, line)
		data = rest
	}
	f.write(out.Bytes())
	return nil
}

func (f *File) write(lines []byte) {
	if len(lines) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	if f.size >= f.limit {
		f.rotate()
	}
	n, _ := f.file.Write(lines)
	f.size += int64(n)
	close(f.changed)
	f.changed = make(chan struct{})
}

// rotate moves the file away and begins a new one; when that fails the old one goes on.
func (f *File) rotate() {
	if os.Rename(f.path, f.path+rotated) != nil {
		return
	}
	next, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return
	}
	f.file.Close()
	f.file, f.size = next, 0
}

// watch returns a channel that closes at the next change, and whether there will be none.
func (f *File) watch() (<-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed, f.closed
}
