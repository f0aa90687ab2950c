// Package activator holds requests that no hot pod can take, asks for pods, and forwards.
//
// Envoy sends it the requests of functions without hot pods and those that a pod refused. Each function has a Queue:
// requests leave it in the order in which they came, each with a place at a pod. Claiming a place is done under the
// queue's lock; sending is not, and gives the place back when the pod has answered or refused. A refused request
// tries another pod, three at most, and then takes its old position in the queue again. A crowd sets out for its pod
// a few at a time: the next when one before it is on a connection, so that order is kept and connections are shared. What waited for a while, or
// waits for a function that is at its maximum, is placed as a waiter at a queue-proxy, which serves its waiters
// before direct arrivals, so that nothing starves.
//
// What waits is said to the autoscaler on one stream that is always open (Link); placements come back on it. While the
// autoscaler is away requests go on waiting, and pods that are known stay in use.
//
// Invariants: a held request is answered exactly once; no pod gets more than its limit of direct requests from one
// activator; an activator keeps nothing that it does not learn again from the stream.
package activator
