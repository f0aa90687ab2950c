//go:build !linux

package perf

import "context"

// runArrivals serves as a backend that tells note the numbers of requests. Their order is exact on Linux only.
func runArrivals(ctx context.Context, note func(number int), address string) (stop func(), err error) {
	return runBackendHere(ctx, &backend{arrived: note}, address)
}
