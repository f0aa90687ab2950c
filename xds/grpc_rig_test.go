package xds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/wrapperspb"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

// grpcPod is a pod that speaks gRPC: each method sends back what it got, behind the pod's name. Its trailer is "served".
type grpcPod struct {
	name, ip string
	seen     atomic.Pointer[metadata.MD]
	server   *grpc.Server
}

func newGRPCPod(tb testing.TB, name string) *grpcPod {
	tb.Helper()
	p := &grpcPod{name: name, ip: envoytest.Address(tb), server: grpc.NewServer()}
	p.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Echo", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Echo", Handler: p.echo, ServerStreams: true, ClientStreams: true}},
	}, p)
	lis, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", fmt.Sprintf("%s:%d", p.ip, wire.PortRequests))
	if err != nil {
		tb.Fatal(err)
	}
	go func() { _ = p.server.Serve(lis) }()
	tb.Cleanup(p.server.Stop)
	return p
}

// echo serves every kind of call: what comes goes back at once, until the client has no more to say.
func (p *grpcPod) echo(_ any, stream grpc.ServerStream) error {
	if md, ok := metadata.FromIncomingContext(stream.Context()); ok {
		p.seen.Store(&md)
	}
	stream.SetTrailer(metadata.Pairs("served", "yes"))
	for {
		in := &wrapperspb.StringValue{}
		if err := stream.RecvMsg(in); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(wrapperspb.String(p.name + " " + in.Value)); err != nil {
			return err
		}
	}
}

// grpcFunction declares a function that speaks gRPC, with a route to it.
func (r *rig) grpcFunction(name string) wire.FunctionID {
	r.t.Helper()
	f := &v1.Function{ObjectMeta: r.meta(name)}
	f.Annotations = map[string]string{v1.AnnotationProtocol: string(v1.ProtocolH2C)}
	r.tell(func(s *Server) { s.SetFunction(f) })
	r.route(name, v1.HTTPTriggerSpec{Prefix: new("/test.Echo"), KeepPrefix: true, Methods: []string{"POST"}})
	return FunctionOf(f).ID
}

// dial connects to the public listener by HTTP/2 without TLS.
func (r *rig) dial() *grpc.ClientConn {
	r.t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+r.addr(wire.PortPublic), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// unary calls and returns the answer and the trailer.
func unary(ctx context.Context, conn *grpc.ClientConn, text string) (string, metadata.MD, error) {
	out, trailer := &wrapperspb.StringValue{}, metadata.MD{}
	err := conn.Invoke(ctx, "/test.Echo/Echo", wrapperspb.String(text), out, grpc.Trailer(&trailer))
	return out.Value, trailer, err
}

// answeredBy checks that a call is answered whole by a pod.
func answeredBy(ctx context.Context, conn *grpc.ClientConn, pod string) error {
	text := strings.Repeat("x", 100)
	got, trailer, err := unary(ctx, conn, text)
	switch {
	case err != nil:
		return err
	case got != pod+" "+text || strings.Join(trailer.Get("served"), ",") != "yes":
		return fmt.Errorf("got %q with trailer %v", got, trailer)
	}
	return nil
}

// converseWith opens a stream and says n words on it, each answered before the next.
func converseWith(ctx context.Context, conn *grpc.ClientConn, pod string, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/test.Echo/Echo")
	if err != nil {
		return err
	}
	for i := range n {
		if err := stream.SendMsg(wrapperspb.String(fmt.Sprint(i))); err != nil {
			return err
		}
		out := &wrapperspb.StringValue{}
		if err := stream.RecvMsg(out); err != nil || out.Value != fmt.Sprint(pod, " ", i) {
			return fmt.Errorf("word %d: %q, %w", i, out.Value, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		return err
	}
	if err := stream.RecvMsg(&wrapperspb.StringValue{}); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the stream ends with %w", err)
	}
	if strings.Join(stream.Trailer().Get("served"), ",") != "yes" {
		return fmt.Errorf("trailer %v", stream.Trailer())
	}
	return nil
}
