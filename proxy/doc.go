// Package proxy forwards HTTP requests over one hop. Activator and queue-proxy share it.
//
// A Server reads requests from clients and hands each to a Handler as an Exchange. The handler decides: it
// forwards the exchange to a Target, refuses it, or fails it with an error body. HTTP/1.1 runs in a connection
// loop of its own that looks at heads where they lie in the read buffer, copies what goes on, and allocates
// nothing for a request; HTTP/2 without TLS is recognised by its preface and served by net/http.
//
// What the engine promises:
//   - Heads are read strictly: what two readers could frame differently (both lengths, folded lines, bare line
//     feeds, repeated Host) is answered with 400 and the connection ends.
//   - Bodies stream both ways as they come, in constant memory; an answer may begin before the request ended.
//   - A client that goes away ends its exchange upstream, and an upstream that breaks ends the client's: never is
//     a cut answer made to look whole.
//   - An upstream that is left before its answer's end is told, and may be waited for (Outcome.Lingering).
//   - A request is sent again on another connection only when no upstream can have seen it.
//   - Options.Answered runs before the last bytes leave for the client, so what the client does next finds the
//     upstream free.
package proxy
