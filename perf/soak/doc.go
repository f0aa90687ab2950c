// Package soak holds a steady load on a platform, disturbs it in every way that it must bear, and checks each answer.
//
//	World     the functions of the run: their code is package probe, which tells what it begins before it begins it
//	Load      clients of each kind of request, bounded in number, each answer checked to the byte
//	Events    what happens meanwhile, in an order that follows from the seed: updates, kills, restarts, drains
//	Book      every request, event and kill of the run, and what the functions say that they began
//	Judge     which failures the kills explain; a pure function of the book
//
// # What may fail
//
// A request that a function had begun when its pod was killed; a request inside an Envoy, an activator, a queue-proxy
// or a runtime at its SIGKILL; a request that was written on a connection to a killed Envoy before the client saw its end. Nothing
// else. A request counts as begun when the function said so in the ledger, and as inside when
// it was under way at the moment of the kill and failed within two seconds of it. A request that two functions began, an
// answer of code that was replaced before the request came, and a pod that has more requests than it allows are
// failures without an explanation, whatever happened.
//
// # The client
//
// It is what a load balancer and a careful client are together: it spreads requests over the Envoys, tries another when
// one does not accept a connection, and sends nothing new to one that the operator is about to stop. It never sends a
// request again that may have been received.
package soak
