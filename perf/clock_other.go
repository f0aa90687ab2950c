//go:build !linux

package perf

import "time"

// processClock is known on Linux only.
func processClock(int) (time.Duration, bool) { return 0, false }
