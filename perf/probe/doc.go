// Package probe is a runtime that is made to be watched: it speaks the environment contract as those of languages do,
// over HTTP/1.1 and HTTP/2, and what it answers can be checked to the byte.
//
// A function's code is a Program as JSON. The path and the query of a request choose what it does:
//
//	/…            an answer as JSON; ?ms=N after N milliseconds
//	/echo         length and SHA-256 of the request's body, as JSON
//	/copy         the request's body, as it comes, in both directions at once, with the trailer X-Probe-Sum
//	/stream       ?n=N numbered lines, ?gap=N milliseconds apart; /sse the same as server-sent events
//	/ws           a WebSocket that answers each message with the program's version and the message
//
// Every answer tells version, pod and environment in headers. When more requests are inside than the program allows,
// the one too many is answered 500: a limit that is not kept is seen.
//
// With a ledger (see Ledger) each begin and end of a request is told to somebody outside before it happens, so that
// what a pod had begun is known also of a pod that was killed.
package probe
