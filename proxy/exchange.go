package proxy

import (
	"time"

	"hotpod.dev/wire"
)

// Handler decides about requests. Serve is called once for each, in a goroutine of its connection or stream.
type Handler interface {
	Serve(x Exchange)
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(x Exchange)

// Serve calls f.
func (f HandlerFunc) Serve(x Exchange) { f(x) }

// Exchange is one request and the client that waits for its answer. A handler ends it by exactly one of Fail,
// Refuse, or a Forward whose Outcome is Final. It is valid until Handler.Serve returns, and so are the strings
// that it gives out: clone what is kept longer. It is for one goroutine.
type Exchange interface {
	// Method is the request's method.
	Method() string
	// Target is the path and the query as they came.
	Target() string
	// Header returns the first value of a field, "" when there is none. Upper and lower case are the same.
	Header(name string) string
	// Function is what wire.HeaderFunction names.
	Function() (wire.FunctionID, bool)
	// RequestID is what the request is known by: the client's X-Fission-Request-ID or X-Request-Id, if it is good, else
	// one that was made here. It is passed on both ways.
	RequestID() string
	// TraceID is that of the W3C traceparent, "" without one.
	TraceID() string
	// ContentLength is the body's length: 0 for none, -1 when it is not known before its end.
	ContentLength() int64
	// Upgrade reports whether the client asks for another protocol, a WebSocket for instance.
	Upgrade() bool
	// Replayable reports whether the client can send the request again elsewhere after a refusal: it has no body,
	// or is an upgrade, or its length is known and within limit. On HTTP/2 it may wait a moment for the body's end.
	Replayable(limit int64) bool
	// Gone is closed when the client went away.
	Gone() <-chan struct{}
	// Forward sends the request to t and, unless the Outcome says otherwise, the answer to the client.
	Forward(t *Target, o *Options) Outcome
	// Fail answers with the error's status, headers and JSON body, the request's and the trace's identity filled in.
	Fail(e *wire.Error)
	// Refuse answers 503 with wire.HeaderBusy and no body; the connection stays open, the request's body is thrown
	// away.
	Refuse(why wire.Busy)
}

// Options say how an exchange is forwarded. The zero value passes everything on but what is hop-by-hop.
type Options struct {
	// RequestHeader are lines put on the request, each ending in CRLF.
	RequestHeader []byte
	// ResponseHeader are lines put on the answer, each ending in CRLF.
	ResponseHeader []byte
	// DropRequest and DropResponse name fields that are not passed on, in lower case; a trailing "*" stands for
	// every name that begins so.
	DropRequest, DropResponse []string
	// Forwarded adds Forwarded and X-Forwarded-Host when the request has neither.
	Forwarded bool
	// Params adds the path parameters of the request's wire.HeaderTemplate; nil adds none.
	Params *Params
	// Refusals makes a refusal an Outcome of kind Refused instead of an answer.
	Refusals bool
	// ReplayLimit is how many bytes of a body are kept, so that Forward can be called again after an Outcome with
	// Retry.
	ReplayLimit int64
	// Generic makes an answer that says that the runtime holds no code an Outcome of kind Generic. HTTP/2 runtimes are not
	// told by it.
	Generic bool
	// Timeout bounds the exchange; 0 means no bound. See Streaming.
	Timeout time.Duration
	// Linger makes a Forward that leaves its upstream before the answer's end say so by Outcome.Lingering, instead of
	// closing the connection at once.
	Linger bool
	// Streaming, when not nil, lets Timeout bound the wait for the answer's head only.
	Streaming *Streaming
	// AnswerHead appends further lines, when the answer's head is here; nil adds none.
	AnswerHead func(dst []byte) []byte
	// Sent is called in a Forward, in its goroutine, when the request is on a connection; again when it has to take
	// another. nil does nothing.
	Sent func()
	// Answered is called at most once in a Forward, when the upstream has done its part and before the last bytes
	// are sent to the client; nil does nothing.
	Answered func(status int)
}

// Streaming bounds an answer that has begun.
type Streaming struct {
	// Idle ends it when nothing came for so long, Max when it lasts longer; 0 means no bound.
	Idle, Max time.Duration
}

// Kind is how a Forward ended.
type Kind uint8

// Kinds of outcomes.
const (
	// Answered: the answer went to the client.
	Answered Kind = iota + 1
	// Refused: the upstream refused, the client saw nothing.
	Refused
	// Unreached: there is no connection to the upstream, which saw nothing.
	Unreached
	// Broken: the upstream closed the connection or broke the protocol.
	Broken
	// TimedOut: a bound of the Options passed.
	TimedOut
	// Gone: the client went away.
	Gone
	// Invalid: the client's body broke the protocol.
	Invalid
	// NotUpgraded: the upstream answered an upgrade as if it were none (2xx). Clients, and Envoy, would take that for
	// the protocol that they asked for.
	NotUpgraded
	// Generic: the upstream holds no function; it threw the request away, the client saw nothing.
	Generic
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"none", "answered", "refused", "unreached", "broken", "timed out", "gone", "invalid", "not upgraded", "generic"}
	return names[min(int(k), len(names)-1)]
}

// Outcome is how a Forward ended.
type Outcome struct {
	Kind Kind
	// Status of the answer, 0 when there was none.
	Status int
	// Busy is the reason of a refusal.
	Busy wire.Busy
	// Final says that the exchange is over: answered, or cut because the answer had begun, or the client is gone.
	// When it is false nothing was sent to the client, and the handler must go on: Forward again if Retry says so,
	// or Fail.
	Final bool
	// Retry says that the whole request can be forwarded again; it is only meaningful when Final is false.
	Retry bool
	// Err says more about Unreached and Broken.
	Err error
	// Lingering, which there is only with Options.Linger, is an upstream that was told that its answer is wanted no
	// more, and may not be done yet. Its Wait must be called.
	Lingering *Lingering
}

// String returns the kind and what went wrong.
func (o Outcome) String() string {
	if o.Err != nil {
		return o.Kind.String() + ": " + o.Err.Error()
	}
	return o.Kind.String()
}
