package fetcher

import (
	"context"
	"sync"

	"hotpod.dev/wire"
)

// judge decides which function a pod is for. Its zero value has not decided yet. It is safe for concurrent use.
type judge struct {
	mu sync.Mutex
	// held is the pod's function: set once, never changed. Guarded by mu.
	held *wire.Held
	// done is closed when result and err are final; it is made together with held.
	done   chan struct{}
	result wire.SpecializeResult
	err    error
}

// admit says whether h is the pod's function, and whether the caller is the first with it and must specialize and
// then call settle.
func (j *judge) admit(h wire.Held) (admitted, first bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.held != nil {
		return same(*j.held, h), false
	}
	j.held, j.done = &h, make(chan struct{})
	return true, true
}

// settle records the outcome for everybody. Only the first that admit named calls it, once.
func (j *judge) settle(r wire.SpecializeResult, err error) {
	j.result, j.err = r, err
	close(j.done)
}

// outcome waits until the specialization is settled, or ctx ends. Call it only after admit admitted.
func (j *judge) outcome(ctx context.Context) (wire.SpecializeResult, error) {
	select {
	case <-j.done:
		return j.result, j.err
	case <-ctx.Done():
		return wire.SpecializeResult{}, ctx.Err()
	}
}

// decided returns the pod's function, nil while there is none.
func (j *judge) decided() *wire.Held {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.held == nil {
		return nil
	}
	h := *j.held
	return &h
}

// same compares what identifies a function: its object and generation. The name follows from the UID.
func same(a, b wire.Held) bool {
	return a.Function.UID == b.Function.UID && a.Generation == b.Generation
}
