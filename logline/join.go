package logline

import (
	"strings"
	"time"
)

// Entry is what was written at once: one line, or several that belong together.
type Entry struct {
	Line
	// Time is when the first line was written; Later are how long after it the others were.
	Time  time.Time
	Later []time.Duration
}

// Last returns when the last line was written.
func (e *Entry) Last() time.Time {
	last := e.Time
	for _, d := range e.Later {
		if t := e.Time.Add(d); t.After(last) {
			last = t
		}
	}
	return last
}

// Bounds of an entry: what is beyond begins another one.
const (
	maxLines = 256
	maxBytes = 64 << 10
	// maxPause is between two lines, MaxSpan between the first and the last.
	maxPause = time.Second
	MaxSpan  = 5 * time.Second
)

// Joiner puts the lines of one container together. The zero value is ready.
type Joiner struct {
	open  *Entry
	text  strings.Builder
	last  time.Time
	trace traceKind
}

// traceKind is what the open entry turned out to be.
type traceKind int

const (
	plain traceKind = iota
	python
	pythonEnd // the line that names the exception has come
	golang
)

// Add takes the next line and returns the entry that it ends, if any.
func (j *Joiner) Add(at time.Time, l Line) *Entry {
	if j.open != nil && j.continues(at, l) {
		j.text.WriteByte('\n')
		j.text.WriteString(l.Text)
		j.open.Later = append(j.open.Later, at.Sub(j.open.Time))
		j.open.Level = max(j.open.Level, l.Level)
		j.last = at
		return nil
	}
	done := j.Flush()
	j.open, j.last, j.trace = &Entry{Line: l, Time: at}, at, plain
	j.open.Continues = false
	j.text.WriteString(l.Text)
	j.begin(l.Text)
	return done
}

// Flush returns the entry whose end was not known, nil if there is none.
func (j *Joiner) Flush() *Entry {
	done := j.open
	if done != nil {
		done.Text = j.text.String()
	}
	j.open = nil
	j.text.Reset()
	return done
}

// Open reports whether lines wait for what comes next.
func (j *Joiner) Open() bool { return j.open != nil }

func (j *Joiner) begin(text string) {
	switch {
	case strings.HasPrefix(text, "Traceback (most recent call last)"):
		j.trace = python
	case strings.HasPrefix(text, "panic: "), strings.HasPrefix(text, "fatal error: "):
		j.trace = golang
	}
}

func (j *Joiner) continues(at time.Time, l Line) bool {
	switch span := at.Sub(j.open.Time); {
	case l.RequestID != j.open.RequestID, len(j.open.Later) >= maxLines-1, j.text.Len()+len(l.Text) > maxBytes:
		return false
	case at.Sub(j.last) > maxPause, span > MaxSpan, span < -maxPause:
		return false
	}
	return l.Continues || j.belongs(l.Text)
}

// belongs is the rule for lines that no runtime marked.
func (j *Joiner) belongs(text string) bool {
	switch {
	case strings.HasPrefix(text, "Traceback (most recent call last)"):
		if j.open.Level < Error && j.trace == plain {
			return false
		}
		j.trace = python
		return true
	case text != "" && (text[0] == ' ' || text[0] == '\t'):
		return true
	case strings.HasPrefix(text, "Caused by"), strings.HasPrefix(text, "Suppressed: "), strings.HasPrefix(text, "... "):
		return len(j.open.Later) > 0
	case len(j.open.Later) > 0 && strings.Trim(text, "}]),;") == "" && text != "":
		return true
	}
	return j.belongsToTrace(text)
}

func (j *Joiner) belongsToTrace(text string) bool {
	switch j.trace {
	case plain:
	case python:
		if text != "" {
			j.trace = pythonEnd
		}
		return true
	case pythonEnd:
		chained := strings.HasPrefix(text, "During handling of the above") || strings.HasPrefix(text, "The above exception was")
		return text == "" || chained
	case golang:
		return text == "" || strings.HasPrefix(text, "goroutine ") || strings.HasPrefix(text, "[signal ") ||
			strings.HasSuffix(text, ")") || strings.HasPrefix(text, "created by ") || strings.HasPrefix(text, "exit status ")
	}
	return false
}
