package logger

import (
	"hash/maphash"
	"strings"
	"time"

	"hotpod.dev/logstore"
)

// seen are lines that are stored already, each as often as it is.
type seen struct {
	seed  maphash.Seed
	lines map[seenLine]int
	// before is the time up to which lines had to go for lack of room.
	before time.Time
}

type seenLine struct {
	at   int64
	text uint64
}

func newSeen(stored []logstore.Line) *seen {
	s := &seen{seed: maphash.MakeSeed(), lines: map[seenLine]int{}}
	for i := range stored {
		l := &stored[i]
		n := 0
		for text := range strings.SplitSeq(l.Text, "\n") {
			at := l.Time
			if n > 0 && n <= len(l.Later) {
				at = at.Add(l.Later[n-1])
			}
			s.lines[s.key(at, text)]++
			n++
		}
	}
	return s
}

// has reports whether a line is stored already; each time that it was stored counts once.
func (s *seen) has(at time.Time, text string) bool {
	if s == nil {
		return false
	}
	k := s.key(at, text)
	if s.lines[k] > 0 {
		s.lines[k]--
		return true
	}
	return !at.After(s.before)
}

func (s *seen) key(at time.Time, text string) seenLine {
	return seenLine{at: at.UnixNano(), text: maphash.String(s.seed, text)}
}
