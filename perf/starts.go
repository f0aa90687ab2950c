package perf

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"hotpod.dev/wire"
)

// coldOrder calls functions, each once: those numbered from 0 on, AtOnce at a time, through the activator.
type coldOrder struct {
	Activator string `json:"activator"`
	Starts    int    `json:"starts"`
	AtOnce    int    `json:"atOnce"`
}

// coldResult is what the callers met with.
type coldResult struct {
	Millis   []float64 `json:"millis"` // of each request that was answered
	Seconds  float64   `json:"seconds"`
	Failures int       `json:"failures"`
	// Error is the first failure, empty for none.
	Error string `json:"error,omitempty"`
}

// takeCold calls, beside the simulated pods: so the autoscaler's process has no other work.
func takeCold(ctx context.Context, o coldOrder) (coldResult, error) {
	var next atomic.Int64
	var result coldResult
	var mu sync.Mutex
	var calling sync.WaitGroup
	began := time.Now()
	for range o.AtOnce {
		calling.Go(func() {
			c := &Client{address: o.Activator}
			defer c.Close()
			for {
				n := int(next.Add(1)) - 1
				if n >= o.Starts || ctx.Err() != nil {
					return
				}
				ask := request{path: "/", header: []string{wire.HeaderFunction + ": " + simulatedID(n).String()}}
				c.request = ask.bytes(o.Activator)
				called := time.Now()
				status, err := c.Call(ctx)
				took := milliseconds(time.Since(called))
				mu.Lock()
				result.take(status, err, took)
				mu.Unlock()
			}
		})
	}
	calling.Wait()
	result.Seconds = time.Since(began).Seconds()
	return result, nil
}

func (r *coldResult) take(status int, err error, took float64) {
	if err == nil && status < 400 {
		r.Millis = append(r.Millis, took)
		return
	}
	r.Failures++
	switch {
	case r.Error != "":
	case err != nil:
		r.Error = err.Error()
	default:
		r.Error = fmt.Sprintf("answered with status %d", status)
	}
}
