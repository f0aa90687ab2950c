package activator

import (
	"net/http"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// late is what a request is told that waited for too long.
func (q *queue) late() *wire.Error {
	if len(q.pods.all) == 0 && !q.link.connected() {
		return wire.ErrUnavailable(wire.Failure{
			Message: "no pod took the request within " + q.hold.String() + ": the autoscaler, which starts pods, cannot be reached",
		})
	}
	return wire.ErrHoldTimeout(q.hold, q.why())
}

// why says for a person why the request in front was not placed.
func (q *queue) why() string {
	switch {
	case len(q.pods.all) == 0:
		return "no pod became ready"
	case q.atMaximum:
		return "every pod is busy and the function has as many as it may"
	default:
		return "every pod is busy and no other became ready"
	}
}

// broken is what the client is told when a pod broke an exchange that the function may have seen.
func broken(out proxy.Outcome) *wire.Error {
	switch out.Kind {
	case proxy.Invalid:
		return &wire.Error{
			Status: http.StatusBadRequest, Component: "client", Reason: "bad_request",
			Message: "the request's body broke the protocol",
		}
	default:
		return wire.ErrFunction("function_error", "the function's pod closed the connection before it answered")
	}
}

// noFunction is what a client is told whose request names no function: it did not come through Envoy.
func noFunction(x proxy.Exchange) *wire.Error {
	status, message := http.StatusBadRequest, "the header "+wire.HeaderFunction+" is missing: call the function through the router"
	if x.Header(wire.HeaderFunction) != "" {
		message = "the header " + wire.HeaderFunction + " is not of the form namespace/name/uid"
	}
	return &wire.Error{Status: status, Component: "router", Reason: "function_missing", Message: message}
}
