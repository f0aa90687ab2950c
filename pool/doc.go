// Package pool keeps each environment's warm pods, and makes one of them hot for whoever claims it.
//
//	                        ┌────────────────────── Claim: in memory, oldest first
//	 create                 │            ┌───────── fetcher: specialize ∥ queue-proxy: assign (signed)
//	    │                   │            │            ┌─ both accepted; labels are patched afterwards
//	    ▼        greeted    ▼            ▼            ▼                  Drain, deleted function or
//	Starting ───────────► Warm ──► Claimed ──► Specializing ──► Hot ──► Draining ──► Gone
//	    │ │                 │            │            │          │  environment,      ▲
//	    │ └─ adopted: its fetcher says what it holds ─┼─────────►┘  restarted         │
//	    └─ broken, outdated ┴─ outdated, surplus, restarted ─ failed ─────────────────┘
//
// A pod is Starting until the pool greeted it: fetcher and queue-proxy answer, the runtime listens, and the
// fetcher says who it is. A pod that was found instead of made is greeted all the same; its fetcher, not its
// label, decides whether it is Warm or Hot. Each step to the right is taken once in a pod's life and none to the
// left (but a Claimed pod that was not called yet may go back to Warm).
//
// The core is pure: SizeFor says how many warm pods an environment shall have (size.go, from a Supply: supply.go), Plan
// which pods to create and delete for that (plan.go), PodFor what such a pod looks like (template.go), the queue which
// waiting claim a new pod goes to (queue.go). Around it, Pool holds
// what is known in memory behind one lock; no call leaves the process while it is held. What has to be done
// outside is a job that Run starts and that tries again until it succeeded or lost its point.
//
// What kube and the autoscaler must know: setters may be called at any time and in any order; nothing is created
// or deleted before Synced, and nothing is ever deleted for lack of news; while the API server is away, claims
// from pods that are warm go on.
package pool
