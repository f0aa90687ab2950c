package pool

import (
	"slices"

	"hotpod.dev/wire"
)

// claimResult is what a waiting claim gets: a pod, or why there is none.
type claimResult struct {
	member  *member
	failure *wire.Failure
}

// waiter is a claim that waits for a pod.
type waiter struct {
	function   string // UID
	generation int64
	// result takes one value and never blocks the sender.
	result chan claimResult
}

// queue holds the claims that wait for pods of one environment. Pods go round robin over the functions that wait,
// and first come first served within each: a function with a hundred claims delays another with one by one pod.
// Its zero value is empty; its owner's lock guards it.
type queue struct {
	byFunction map[string][]*waiter
	// turns are the functions that wait, whose turn is next first.
	turns []string
	size  int
}

func (q *queue) push(w *waiter) {
	if q.byFunction == nil {
		q.byFunction = map[string][]*waiter{}
	}
	if len(q.byFunction[w.function]) == 0 {
		q.turns = append(q.turns, w.function)
	}
	q.byFunction[w.function] = append(q.byFunction[w.function], w)
	q.size++
}

// pop removes and returns the waiter whose turn it is, nil when nobody waits.
func (q *queue) pop() *waiter {
	if len(q.turns) == 0 {
		return nil
	}
	return q.popTurn(0)
}

// turn returns the index in turns of the first function that goes before others, or of the first at all.
func (q *queue) turn(before func(function string) bool) int {
	return max(0, slices.IndexFunc(q.turns, before))
}

// popTurn removes and returns the first waiter of the function with that turn.
func (q *queue) popTurn(turn int) *waiter {
	function := q.turns[turn]
	q.turns = slices.Delete(q.turns, turn, turn+1)
	waiting := q.byFunction[function]
	w := waiting[0]
	q.size--
	if len(waiting) == 1 {
		delete(q.byFunction, function)
		return w
	}
	q.byFunction[function] = waiting[1:]
	q.turns = append(q.turns, function)
	return w
}

// remove takes w out; it reports whether w still waited.
func (q *queue) remove(w *waiter) bool {
	waiting := q.byFunction[w.function]
	i := slices.Index(waiting, w)
	if i < 0 {
		return false
	}
	q.size--
	if len(waiting) == 1 {
		q.forget(w.function)
		return true
	}
	q.byFunction[w.function] = slices.Delete(slices.Clone(waiting), i, i+1)
	return true
}

// take removes and returns the waiters of a function at a generation.
func (q *queue) take(function string, generation int64) (taken []*waiter) {
	for _, w := range slices.Clone(q.byFunction[function]) {
		if w.generation == generation && q.remove(w) {
			taken = append(taken, w)
		}
	}
	return taken
}

// drain removes and returns all waiters.
func (q *queue) drain() (taken []*waiter) {
	for w := q.pop(); w != nil; w = q.pop() {
		taken = append(taken, w)
	}
	return taken
}

func (q *queue) forget(function string) {
	delete(q.byFunction, function)
	if i := slices.Index(q.turns, function); i >= 0 {
		q.turns = slices.Delete(q.turns, i, i+1)
	}
}
