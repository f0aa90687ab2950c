// Package timelines brings what parts know of single requests to where it is kept.
//
// A part keeps the timelines of requests that were slow, cold, failed or sampled in an Outbox, which sends them on in
// batches and drops what it cannot send: no request ever waits for it. Package timelines/store keeps them for a
// while, package explain makes sense of them.
package timelines
