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
// A slot is taken until the function is done, not until its client is. When the client leaves, or the run exceeds its
// bound, the function is told, and keeps its slot until the runtime says that it is done: over HTTP/1.1 by closing its
// side, which every server does when it has answered a request behind which the connection ends. What bounds that wait is
// what the limit is exact within:
//
//   - a run whose client left: the time that a run may take;
//   - a run that exceeded its time: Config.Overrun more, 10 s by default;
//   - a function that goes on writing to nobody: one second, then its writes fail;
//   - HTTP/2: 100 ms. It has no word for "done with the stream that you reset", so a function has this long to end.
//
// A request that lingers so counts as in flight in reports, but nobody waits for it: a drain does not either.
//
// A draining pod refuses what can be replayed and serves the rest. The function's code shares the pod's network,
// so control calls are signed and an address is no credential.
//
// Breaker is the pure core: no clock, no goroutine, no lock. gate adds these.
package queueproxy
