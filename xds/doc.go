// Package xds configures Envoy: it turns routes, functions and pods into Envoy's resources and serves them over
// incremental discovery (delta ADS), sending only what changed.
//
// The objects of users become small values of this package (Route, Function, Pod); from those, pure functions make
// Envoy's messages:
//
//	HTTPTrigger ─► Route ────┐
//	                         ├─► table ─► regions ─► a ScopedRouteConfiguration each  batched
//	Function ───► Function ──┤
//	                         ├─► a Cluster each, sent to Envoys that called it         on demand
//	Pod ────────► Pod ───────┴─► a ClusterLoadAssignment each                          at once
//
// A Server owns the values and the discovery streams. Drive it by SetRoute, SetFunction, SetPod and their opposites,
// say Synced when the first list of everything was delivered, and let Run rebuild the route tables. Before Synced no
// Envoy is answered, so that one that runs keeps what it has.
//
// Rules that hold everywhere:
//   - A resource is rebuilt from its objects and never edited; its version is a hash of its content, so a restarted
//     or second server sends nothing that an Envoy has already.
//   - Whatever is taken away goes in the order: route, then cluster and endpoints, each after the other was acknowledged.
//   - A function's cluster stays as long as the function exists, whatever its number of pods.
package xds
