package proxy

import (
	"context"
	"net/http/httptrace"
)

// whenConnected has sent called when there is a connection for a request of HTTP/2: in the goroutine of the round trip.
func whenConnected(ctx context.Context, sent func()) context.Context {
	if sent == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent() }})
}
