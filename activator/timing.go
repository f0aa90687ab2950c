package activator

import (
	"strconv"
	"time"

	"hotpod.dev/wire"
)

// appendTiming appends the lines of an answer that tell how long its request was held, and whether for a pod to
// become hot. A request that was not held gets none.
func appendTiming(h []byte, w *waiter, now time.Time) []byte {
	if !w.held {
		return h
	}
	held := float64(now.Sub(w.arrived).Microseconds()) / 1000
	h = append(h, "Server-Timing: hold;dur="...)
	h = strconv.AppendFloat(h, held, 'f', -1, 64)
	if w.cold {
		h = append(h, ", cold;dur="...)
		h = strconv.AppendFloat(h, held, 'f', -1, 64)
		h = append(h, "\r\n"+wire.HeaderColdStart+": true"...)
	}
	return append(h, "\r\n"...)
}
