package proxy

import (
	"maps"
	"net/http"
	"strconv"
	"strings"

	"hotpod.dev/wire"
)

// Fail implements Exchange. A gRPC client reads no bodies but its own messages: it gets a trailers-only answer.
func (x *h2) Fail(e *wire.Error) {
	e = e.With(x.RequestID(), x.TraceID())
	x.leaving()
	header := x.w.Header()
	maps.Copy(header, e.Header())
	if isGRPC(x.r.Header.Get("Content-Type")) {
		header.Set("Content-Type", "application/grpc")
		header.Set("Grpc-Status", strconv.Itoa(e.GRPCStatus()))
		header.Set("Grpc-Message", e.GRPCMessage())
		x.w.WriteHeader(http.StatusOK)
		return
	}
	body := e.Body()
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(e.Status)
	_, _ = x.w.Write(body)
}

// isGRPC tells gRPC's content types ("application/grpc", "application/grpc+proto") from those of gRPC-Web, whose
// clients read trailers from the body.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// Refuse implements Exchange.
func (x *h2) Refuse(why wire.Busy) {
	x.leaving()
	x.w.Header().Set(wire.HeaderBusy, string(why))
	x.w.Header().Set("Content-Length", "0")
	x.w.WriteHeader(http.StatusServiceUnavailable)
}

// leaving makes the client go, when the server retires, by the answer's head: net/http turns that into a GOAWAY.
func (x *h2) leaving() {
	if x.srv.retired.Load() {
		x.w.Header().Set("Connection", "close")
	}
}
