package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Error is what a client sees when the platform, not the function, answers.
type Error struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Component that answers: "executor", "timeout", "function", "client", "router".
	Component string `json:"component"`
	// Reason in one word of the contract (function_timeout, capacity_exceeded, …).
	Reason string `json:"reason"`
	// Message for a person: what happened and what to do next.
	Message   string `json:"message,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	TraceID   string `json:"traceId,omitempty"`
	// Explain is the command that tells more.
	Explain string `json:"explain,omitempty"`
	// Cause is the Reason of the Failure behind the error, "" when there is none. It is not sent.
	Cause string `json:"-"`
	// RetryAfter is sent as a header when not zero, in whole seconds, at least one.
	RetryAfter time.Duration `json:"-"`
}

// Error implements error.
func (e *Error) Error() string { return e.Component + ": " + e.Reason + ": " + e.Message }

// With returns a copy that carries the request's and the trace's identity.
func (e *Error) With(requestID, traceID string) *Error {
	c := *e
	c.RequestID, c.TraceID, c.Explain = requestID, traceID, explain(requestID)
	return &c
}

// explain returns the command that explains a request. Clients choose IDs: one that a shell could misread gets none.
func explain(requestID string) string {
	for i := range len(requestID) {
		c := requestID[i]
		plain := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._:/@+=", c) >= 0
		if !plain {
			return ""
		}
	}
	if requestID == "" || requestID[0] == '-' {
		return ""
	}
	return "hotpod explain " + requestID
}

// Body returns the JSON that the client reads, ending in a newline.
func (e *Error) Body() []byte {
	b, err := json.Marshal(e)
	if err != nil { // strings always marshal
		return []byte("{}\n")
	}
	return append(b, '\n')
}

// Header returns the headers that go with the body.
func (e *Error) Header() http.Header {
	h := http.Header{"Content-Type": {"application/json"}, HeaderComponent: {e.Component}}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(e.RetryAfter.Round(time.Second)/time.Second))))
	}
	return h
}

// StatusClientGone is the status recorded for a client that went away.
const StatusClientGone = 499

// ErrFunctionTimeout is answered when the function did not answer in time. Like the others here it lacks the request,
// which With fills in.
func ErrFunctionTimeout(bound time.Duration) *Error {
	return &Error{
		Status: http.StatusGatewayTimeout, Component: "timeout", Reason: "function_timeout",
		Message: "the function did not answer within its functionTimeout of " + bound.String(),
	}
}

// ErrHoldTimeout is answered when no pod took the request in time.
func ErrHoldTimeout(bound time.Duration, why string) *Error {
	return &Error{
		Status: http.StatusGatewayTimeout, Component: "timeout", Reason: "specialization_timeout",
		Message: "no pod took the request within " + bound.String() + ": " + why,
	}
}

// ErrCapacity is answered when too much waits for the function.
func ErrCapacity(message string) *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Component: "executor", Reason: "capacity_exceeded",
		Message: message, RetryAfter: time.Second,
	}
}

// ErrUnavailable is answered when the function cannot be called, for the reason in f.
func ErrUnavailable(f Failure) *Error {
	reason := "executor_unavailable"
	if f.Reason == "SpecializationFailed" {
		reason = "specialization_failed"
	}
	return &Error{Status: http.StatusInternalServerError, Component: "executor", Reason: reason, Message: f.Message, Cause: f.Reason}
}

// ErrFunction is answered when the function's process broke the exchange.
func ErrFunction(reason, message string) *Error {
	return &Error{Status: http.StatusInternalServerError, Component: "function", Reason: reason, Message: message}
}

// ErrUpgradeRefused is answered when a client asked for another protocol and the function answered with status, as if it
// had not: as a success that would pass for the protocol.
func ErrUpgradeRefused(status int) *Error {
	return &Error{
		Status: http.StatusNotImplemented, Component: "function", Reason: "upgrade_refused",
		Message: "the request asks to upgrade to another protocol (a WebSocket, for instance), and the function does not speak it: it answered " +
			strconv.Itoa(status) + " instead of 101",
	}
}

// GRPCDeadlineExceeded is the status of a gRPC call whose time is over.
const GRPCDeadlineExceeded = 4

// GRPCStatus returns the code that says the same to a gRPC client.
func (e *Error) GRPCStatus() int {
	const cancelled, resourceExhausted, internal, unavailable, unimplemented = 1, 8, 13, 14, 12
	switch {
	case e.Status == StatusClientGone:
		return cancelled
	case e.Status == http.StatusGatewayTimeout:
		return GRPCDeadlineExceeded
	case e.Status == http.StatusTooManyRequests:
		return resourceExhausted
	case e.Status == http.StatusNotFound, e.Status == http.StatusNotImplemented:
		return unimplemented
	case e.Status == http.StatusServiceUnavailable, e.Component == "executor", e.Reason == "connection_refused", e.Reason == "dial_error":
		return unavailable
	default:
		return internal
	}
}

// GRPCMessage returns component, reason and message as the value of a grpc-message header.
func (e *Error) GRPCMessage() string {
	text := e.Error()
	out := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '%' {
			out = fmt.Appendf(out, "%%%02X", c)
			continue
		}
		out = append(out, text[i])
	}
	return string(out)
}
