package logstore

import (
	"encoding/binary"
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

// Line is what was written at once: one line, or several that belong together.
type Line struct {
	Source
	// ID grows with each line that is stored; 0 before that.
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

// overhead is about what a stored line takes beside its texts, indexes included.
const overhead = 120

// size is about what the line takes in the database; an id of a request is in an index too.
func (l *Line) size(later []byte) int64 {
	return int64(overhead + len(l.Text) + 2*len(l.RequestID) + len(l.TraceID) + len(later))
}

// encodeLater packs durations; nil for none.
func encodeLater(later []time.Duration) []byte {
	var b []byte
	for _, d := range later {
		b = binary.AppendVarint(b, int64(d))
	}
	return b
}

func decodeLater(b []byte) []time.Duration {
	var later []time.Duration
	for len(b) > 0 {
		d, n := binary.Varint(b)
		if n <= 0 {
			return later
		}
		later, b = append(later, time.Duration(d)), b[n:]
	}
	return later
}
