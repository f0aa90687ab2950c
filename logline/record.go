package logline

import (
	"regexp"
	"strings"
	"time"
)

// Source is who wrote a line: a function in a container, or its environment's pod before it held a function.
type Source struct {
	// Namespace and Function name the function; Function is empty for lines of a pod that held none, whose Namespace is then
	// that of the environment.
	Namespace string `json:"namespace"`
	Function  string `json:"function,omitempty"`
	// FunctionUID and Generation say which version it was.
	FunctionUID string `json:"functionUid,omitempty"`
	Generation  int64  `json:"generation,omitempty"`
	// Environment is its name; empty for functions without one.
	Environment string `json:"environment,omitempty"`

	PodNamespace string `json:"podNamespace"`
	Pod          string `json:"pod"`
	PodUID       string `json:"podUid"`
	Container    string `json:"container"`
}

// Record is a stored entry with who wrote it.
type Record struct {
	Source
	// ID grows with each entry that is stored; 0 before that.
	ID int64 `json:"id,omitempty"`
	// Time is when the first line of it was written.
	Time time.Time `json:"time"`
	// Level is a severity of OpenTelemetry (1 to 24), 0 when the line says none.
	Level     int    `json:"level,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	TraceID   string `json:"traceId,omitempty"`
	// Text has no end of line. It is valid UTF-8 without NUL.
	Text string `json:"text"`
	// Later are how long after Time the second and later lines of Text were written.
	Later []time.Duration `json:"later,omitempty"`
}

// Each calls do for every line of the text, with when it was written.
func (r *Record) Each(do func(at time.Time, text string)) {
	n := 0
	for text := range strings.SplitSeq(r.Text, "\n") {
		at := r.Time
		if n > 0 && n <= len(r.Later) {
			at = at.Add(r.Later[n-1])
		}
		do(at, text)
		n++
	}
}

// Query chooses entries; empty fields choose all.
type Query struct {
	// Namespace and Function name a function; without Function, Environment names an environment, whose pods' lines before they
	// held a function are meant.
	Namespace, Function, Environment string
	// Pod is a name; PodUID and Container name a stream.
	Pod, PodUID, Container string
	// Since and Until bound the time: not before Since, before Until.
	Since, Until time.Time
	RequestID    string
	TraceID      string
	// Level is the least severity. Lines that say none count as information.
	Level int
	// Match has to be found in the text.
	Match *regexp.Regexp
	// Limit bounds the lines: the newest are returned. 0 means no bound.
	Limit int
}

// Chooses reports whether the entry is one that q asks for, whoever wrote it and whatever the limit.
func (q *Query) Chooses(r *Record) bool {
	level := r.Level
	if level == 0 {
		level = Info
	}
	switch {
	case q.Pod != "" && r.Pod != q.Pod, q.Container != "" && r.Container != q.Container:
		return false
	case r.Time.Before(q.Since), !q.Until.IsZero() && !r.Time.Before(q.Until):
		return false
	case q.RequestID != "" && r.RequestID != q.RequestID, q.TraceID != "" && r.TraceID != q.TraceID:
		return false
	}
	return level >= q.Level && (q.Match == nil || q.Match.MatchString(r.Text))
}
