// Package autoscaler decides how many hot pods each function has, and has the pool carry it out.
//
//	activators ── demand ──►┐                       ┌─► Pool.Claim, Pool.Drain
//	queue-proxies ─ reports ►│ package law: Decide  │─► Placement to activators
//	functions, pods ────────►┘                       └─► FunctionStatus, metrics, log
//
// The law is in package law: a pure function of the settings, what it remembered, what is seen and the time. Each of
// its decisions names a reason, and the same word stands in status, metric and log.
//
// Autoscaler is everything that the law is not: it keeps one record per function, feeds demand and reports into it,
// looks at active functions every second and at a function at once when something happened to it, and carries
// decisions out in goroutines. Functions that nobody calls cost a map entry.
//
// Placements are numbered, and activators say with which one they counted what waits: so the places of a pod are taken
// off a count that was made before its activator heard of it, and off no other.
//
// Invariants: silence is never taken for idleness (a pod without a report stream is unknown, and never drained for
// being idle); a decision to go down is carried out only by the tick; pods of an older generation serve until one
// of the newest is hot.
package autoscaler
