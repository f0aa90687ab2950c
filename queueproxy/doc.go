// Package queueproxy stands before the runtime in every environment pod. It keeps the function's limit exactly,
// queues or refuses what is above it, measures the load, bounds the run, and drains.
//
//	Envoy, activator ──► :8012 Serve ──► gate (Breaker) ──► runtime :8888
//	pool, autoscaler ──► :8022 Control: assign, drain, reports, health, metrics
//
// A request is, in this order:
//
//  1. refused when the pod holds no function, or another than the request is for: its address was reused;
//  2. admitted when the limit allows and nobody waits;
//  3. refused when the client can replay it elsewhere (503 and x-hotpod-busy, the function saw nothing);
//  4. queued when it asked to wait (x-hotpod-wait), or cannot be replayed; who came first is served first, and
//     direct arrivals are refused while anybody waits.
//
// A draining pod refuses what can be replayed and serves the rest. The function's code shares the pod's network,
// so control calls are signed and an address is no credential.
//
// Breaker is the pure core: no clock, no goroutine, no lock. gate adds these.
package queueproxy
