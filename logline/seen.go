package logline

import (
	"hash/maphash"
	"time"
)

// Seen counts lines of containers that are known already. Make it by NewSeen.
type Seen struct {
	seed  maphash.Seed
	lines map[seenLine]int
}

type seenLine struct {
	at           int64
	stream, text uint64
}

// NewSeen returns one that holds every line of the entries, each as often as it is there.
func NewSeen(entries []Record) *Seen {
	s := &Seen{seed: maphash.MakeSeed(), lines: map[seenLine]int{}}
	for i := range entries {
		r := &entries[i]
		r.Each(func(at time.Time, text string) { s.Add(r.PodUID, r.Container, at, text) })
	}
	return s
}

// Add notes a line.
func (s *Seen) Add(podUID, container string, at time.Time, text string) {
	s.lines[s.key(podUID, container, at, text)]++
}

// Take reports whether a line is among them; each that is there counts once.
func (s *Seen) Take(podUID, container string, at time.Time, text string) bool {
	k := s.key(podUID, container, at, text)
	if s.lines[k] == 0 {
		return false
	}
	s.lines[k]--
	return true
}

func (s *Seen) key(podUID, container string, at time.Time, text string) seenLine {
	return seenLine{at: at.UnixNano(), stream: maphash.String(s.seed, podUID+"/"+container), text: maphash.String(s.seed, text)}
}
