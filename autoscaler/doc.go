// Package autoscaler decides how many hot pods each function has, and has the pool carry it out.
//
//	activators ── demand ──►┐                       ┌─► Pool.Claim, Pool.Drain
//	queue-proxies ─ reports ►│ Observation → Decide │─► Placement to activators
//	functions, pods ────────►┘                       └─► FunctionStatus, metrics, log
//
// Decide is the law: a pure function of the settings (Spec), what it remembered (State), what is seen
// (Observation) and the time. It goes up at once and down with patience: waiting requests ask for pods
// immediately, Knative's two windows over the reported concurrency ask for as many as the load needs, and what was
// needed lately is kept for a while. Each Decision names its Reason, and the same word stands in status, metric and log.
//
// Autoscaler is everything that the law is not: it keeps one record per function, feeds demand and reports into it,
// looks at active functions every second and at a function at once when something happened to it, and carries
// decisions out in goroutines. Functions that nobody calls cost a map entry.
//
// Invariants: silence is never taken for idleness (a pod without a report stream is unknown, and never drained for
// being idle); a decision to go down is carried out only by the tick; pods of an older generation serve until one
// of the newest is hot.
package autoscaler
