package activator

import (
	"time"

	"hotpod.dev/wire"
)

// appendTiming appends the lines of an answer that tell how long its request was held, and whether for a pod to
// become hot. A request that was not held gets none.
func appendTiming(h []byte, w *waiter, now time.Time) []byte {
	if !w.held {
		return h
	}
	held := now.Sub(w.arrived)
	h = wire.AppendTiming(append(h, wire.HeaderServerTiming+": "...), "hold", held)
	if w.cold {
		h = wire.AppendTiming(append(h, ", "...), "cold", held)
		h = append(h, "\r\n"+wire.HeaderColdStart+": true"...)
	}
	return append(h, "\r\n"...)
}
