package proxy

import (
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotpod.dev/wire"
)

// Fail implements Exchange. A gRPC client reads no bodies but its own messages: it gets a trailers-only answer.
func (x *h2) Fail(e *wire.Error) {
	e = e.With(x.RequestID(), x.TraceID())
	x.leaving()
	header := x.w.Header()
	maps.Copy(header, e.Header())
	header.Set(wire.HeaderRequestID, x.id.id)
	if isGRPC(x.r.Header.Get("Content-Type")) {
		header.Set("Content-Type", "application/grpc")
		code := e.GRPCStatus()
		if bound, ok := grpcTimeout(x.r.Header.Get("Grpc-Timeout")); ok && time.Since(x.came) >= bound {
			code = wire.GRPCDeadlineExceeded // the function breaks off then, as the client does
		}
		header.Set("Grpc-Status", strconv.Itoa(code))
		header.Set("Grpc-Message", e.GRPCMessage())
		x.w.WriteHeader(http.StatusOK)
		return
	}
	body := e.Body()
	header.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(e.Status)
	_, _ = x.w.Write(body)
}

// grpcTimeout reads what a client says of its patience: at most eight digits and a unit.
func grpcTimeout(v string) (time.Duration, bool) {
	if len(v) < 2 || len(v) > 9 {
		return 0, false
	}
	units := map[byte]time.Duration{
		'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
	}
	unit, known := units[v[len(v)-1]]
	n, err := strconv.ParseInt(v[:len(v)-1], 10, 64)
	if !known || err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
		return 0, false
	}
	return time.Duration(n) * unit, true
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
