package simulate

import "time"

// kind says what an event is.
type kind uint8

const (
	ended  kind = iota // a request of pod ended
	ready              // a pod that was being made ready for function is ready
	warmed             // a pod of the stock became warm
	look               // a platform wants to look at function
	refill             // the stock is to be planned for
)

// event is something that happens at a time.
type event struct {
	at time.Duration
	// order keeps events of the same moment in the order in which they were made.
	order    uint64
	kind     kind
	pod      *pod
	function *function
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.order < o.order
}

// agenda holds the events to come; its zero value is empty. It is a heap, without the calls through interfaces of
// container/heap: most of a run's time is spent here.
type agenda struct {
	heap  []event
	order uint64
}

func (a *agenda) add(e event) {
	a.order++
	e.order = a.order
	a.heap = append(a.heap, e)
	i := len(a.heap) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !a.heap[i].before(&a.heap[parent]) {
			return
		}
		a.heap[i], a.heap[parent] = a.heap[parent], a.heap[i]
		i = parent
	}
}

// next returns when the next event is; ok is false when there is none.
func (a *agenda) next() (at time.Duration, ok bool) {
	if len(a.heap) == 0 {
		return 0, false
	}
	return a.heap[0].at, true
}

// pop removes and returns the next event, of which there must be one.
func (a *agenda) pop() event {
	first, n := a.heap[0], len(a.heap)-1
	a.heap[0] = a.heap[n]
	a.heap[n] = event{}
	a.heap = a.heap[:n]
	for i := 0; ; {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < n && a.heap[child].before(&a.heap[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		a.heap[i], a.heap[least] = a.heap[least], a.heap[i]
		i = least
	}
}

// ticks says which functions are to be looked at in which second.
type ticks struct {
	due map[int64][]*function
}

// at puts f on the list of a second, unless it is on that of an earlier one.
func (t *ticks) at(f *function, second int64) {
	if f.tick != 0 && f.tick <= second {
		return
	}
	f.tick = second
	t.due[second] = append(t.due[second], f)
}

// take removes and returns the functions of a second; those whose tick is another one are to be passed over.
func (t *ticks) take(second int64) []*function {
	fs := t.due[second]
	delete(t.due, second)
	return fs
}
