package perf

import (
	"time"

	"golang.org/x/sys/unix"
)

// processClock reads the clock of a process' own processor time, in nanoseconds where /proc has hundredths of a second.
func processClock(pid int) (time.Duration, bool) {
	const scheduler = 2 // CPUCLOCK_SCHED: what the scheduler counted, user and kernel together
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduler), &t); err != nil { //nolint:gosec // process ids have 22 bits
		return 0, false
	}
	return time.Duration(t.Nano()), true
}
