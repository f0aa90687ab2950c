package main

import (
	"context"
	"errors"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/dedicated"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// executors sends a claim to the pool that its function's executor means.
type executors struct {
	pool      *pool.Pool
	dedicated *dedicated.Pool
}

// Claim implements autoscaler.Pool.
func (e executors) Claim(ctx context.Context, f *v1.Function) (wire.HotPod, error) {
	if f.Executor() == v1.ExecutorPool {
		return e.pool.Claim(ctx, f)
	}
	return e.dedicated.Claim(ctx, f)
}

// Drain implements autoscaler.Pool. A function's executor may have changed since the claim: the pool that does not know
// the pod has nothing to do.
func (e executors) Drain(ctx context.Context, podUID string, deadline time.Duration) error {
	return errors.Join(e.pool.Drain(ctx, podUID, deadline), e.dedicated.Drain(ctx, podUID, deadline))
}
