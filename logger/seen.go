package logger

import (
	"time"

	"hotpod.dev/logline"
)

// seen are lines of one container that are stored already, each as often as it is.
type seen struct {
	pod, container string
	lines          *logline.Seen
	// before is the time up to which lines had to go for lack of room.
	before time.Time
}

// has reports whether a line is stored already; each time that it was stored counts once.
func (s *seen) has(at time.Time, text string) bool {
	return s != nil && (s.lines.Take(s.pod, s.container, at, text) || !at.After(s.before))
}
