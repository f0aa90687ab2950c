package simulate

import (
	"slices"
	"strconv"
	"time"
)

// stock is a pool of warm pods. Claims that find none wait in order.
type stock struct {
	e *engine
	// start is how long a pod takes to become warm, specialize how long a warm one to become ready for a function.
	start, specialize time.Duration
	// plan makes or deletes pods, after every change.
	plan func()
	// all are the pods without a function; warm those of them that can be claimed, oldest first.
	all, warm []*pod
	// waiting are the functions of the claims that wait.
	waiting []*function
	names   int
}

// add makes n pods.
func (s *stock) add(n int) {
	for range n {
		s.names++
		p := s.e.create(strconv.Itoa(s.names))
		s.all = append(s.all, p)
		s.e.agenda.add(event{at: s.e.now + s.start, kind: warmed, pod: p})
	}
}

// claim makes a warm pod ready for f, as soon as there is one.
func (s *stock) claim(f *function) {
	f.starting++
	if len(s.warm) > 0 {
		s.give(f)
	} else {
		s.waiting = append(s.waiting, f)
	}
	s.plan()
}

// give specializes the oldest warm pod.
func (s *stock) give(f *function) {
	p := s.warm[0]
	s.warm = s.warm[1:]
	s.all = without(s.all, p)
	s.e.agenda.add(event{at: s.e.now + s.specialize, kind: ready, pod: p, function: f})
}

// becameWarm lets a pod be claimed, by who waits first.
func (s *stock) becameWarm(p *pod) {
	if p.draining {
		return
	}
	p.since = s.e.now
	s.warm = append(s.warm, p)
	if len(s.waiting) > 0 {
		f := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.give(f)
	}
	s.plan()
}

// remove deletes a pod without a function.
func (s *stock) remove(uid string) {
	for _, p := range s.all {
		if p.uid == uid {
			s.all, s.warm = without(s.all, p), without(s.warm, p)
			p.draining = true
			s.e.gone(p)
			return
		}
	}
}

func (s *stock) unused() []*pod { return s.all }

// without returns pods without one of them, in order.
func without(pods []*pod, p *pod) []*pod {
	i := slices.Index(pods, p)
	if i < 0 {
		return pods
	}
	return slices.Delete(pods, i, i+1)
}
