// Package logline reads lines that functions write: the tag with the request's id that runtimes put in front, the level, and which
// lines belong together. It is pure; the logger and the command line read alike by it.
//
// A tagged line is one of
//
//	[req 5f3c9a] text
//	[req 5f3c9a trace 4bf92f3577b34da6a3ce929d0e0e4736] text
//	[req 5f3c9a]+text
//	{"request_id":"5f3c9a","trace_id":"4bf9…","level":"info","msg":"text"}
//
// or a JSON object in which the function itself has these two fields anywhere. "+" says that the line continues what the same request wrote before. A tag says which request of its own function wrote a
// line. Whose line it is does not depend on it: that is known from the container it came out of.
package logline
