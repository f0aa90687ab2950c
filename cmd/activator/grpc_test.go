package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// echo is a gRPC function: every kind of stream, and it counts who is inside.
type echo struct {
	inside, most, served atomic.Int64
	left                 chan struct{} // gets a value for each call that was cancelled
	work                 time.Duration
}

func (e *echo) enter() func() {
	n := e.inside.Add(1)
	for m := e.most.Load(); n > m; m = e.most.Load() {
		e.most.CompareAndSwap(m, n)
	}
	return func() { e.served.Add(1); e.inside.Add(-1) }
}

// unary answers "echo X"; "fail" is an error, "wait" lasts until the client leaves.
func (e *echo) unary(ctx context.Context, text string) (string, error) {
	defer e.enter()()
	_ = grpc.SetTrailer(ctx, metadata.Pairs("x-trailer", "t-"+strings.Repeat("x", min(len(text), 10))))
	switch text {
	case "fail":
		return "", status.Error(codes.FailedPrecondition, "not today: 100% ü")
	case "wait":
		<-ctx.Done()
		e.left <- struct{}{}
		return "", ctx.Err()
	}
	time.Sleep(e.work)
	return "echo " + text, nil
}

// stream answers each message at once; the end of them with the number.
func (e *echo) stream(s grpc.ServerStream) error {
	defer e.enter()()
	for n := 0; ; n++ {
		var in wrapperspb.StringValue
		err := s.RecvMsg(&in)
		if errors.Is(err, io.EOF) {
			return s.SendMsg(wrapperspb.String(fmt.Sprint("end ", n)))
		}
		if err != nil {
			return err
		}
		if err := s.SendMsg(wrapperspb.String("echo " + in.Value)); err != nil {
			return err
		}
	}
}

func (e *echo) start() (address string, stop func()) {
	lis, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	srv := grpc.NewServer()
	srv.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Echo", HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Unary", Handler: func(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in wrapperspb.StringValue
			if err := dec(&in); err != nil {
				return nil, err
			}
			out, err := e.unary(ctx, in.Value)
			return wrapperspb.String(out), err
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Stream", ClientStreams: true, ServerStreams: true, Handler: func(_ any, s grpc.ServerStream) error { return e.stream(s) }}},
	}, e)
	go func() { _ = srv.Serve(lis) }()
	return lis.Addr().String(), srv.Stop
}

// grpcChain is a chain before an echo, and a client of it.
func grpcChain(t *testing.T, e *echo, change ...func(*v1.Function)) *grpc.ClientConn {
	t.Helper()
	e.left = make(chan struct{}, 100)
	c := newChain(t, 0)
	c.runtime = e.start
	c.autoscaler.SetFunction(hello(change...))
	return c.grpc()
}

// grpc returns a client whose calls are for the function, as if they came through Envoy.
func (c *chain) grpc() *grpc.ClientConn {
	conn, err := grpc.NewClient("passthrough:///"+c.net+"2:8012", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(forHello(ctx), method, req, reply, cc, opts...)
		}), grpc.WithDisableRetry())
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func forHello(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, wire.HeaderFunction, idOf(hello()).String())
}

func unary(ctx context.Context, conn *grpc.ClientConn, text string, opts ...grpc.CallOption) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var out wrapperspb.StringValue
	err := conn.Invoke(ctx, "/test.Echo/Unary", wrapperspb.String(text), &out, opts...)
	return out.Value, err
}

func TestGRPC_UnaryWithTrailersAndStatus(t *testing.T) {
	e := &echo{}
	conn := grpcChain(t, e)
	for _, size := range []int{1, 100, 100_000, 3 << 20} { // the last is larger than what is replayed
		var header, trailer metadata.MD
		text := strings.Repeat("x", size)
		got, err := unary(t.Context(), conn, text, grpc.Trailer(&trailer), grpc.Header(&header), grpc.MaxCallRecvMsgSize(8<<20))
		if err != nil || got != "echo "+text || len(trailer.Get("x-trailer")) != 1 {
			t.Fatalf("%d bytes: %d came back, %v, trailer %v", size, len(got), err, trailer)
		}
		if !strings.Contains(strings.Join(header.Get("server-timing"), ","), "function;dur=") {
			t.Errorf("header = %v", header)
		}
	}
	if _, err := unary(t.Context(), conn, "fail"); status.Code(err) != codes.FailedPrecondition || status.Convert(err).Message() != "not today: 100% ü" {
		t.Errorf("a trailers-only answer became %v", err)
	}
	if err := conn.Invoke(forHello(t.Context()), "/test.Echo/Nothing", wrapperspb.String(""), &wrapperspb.StringValue{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("an unknown method: %v", err)
	}
}

func TestGRPC_StreamsBothWays(t *testing.T) {
	conn := grpcChain(t, &echo{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := conn.NewStream(forHello(ctx), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/test.Echo/Stream")
	if err != nil {
		t.Fatal(err)
	}
	var out wrapperspb.StringValue
	for i := range 20 {
		if err := s.SendMsg(wrapperspb.String(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
		if err := s.RecvMsg(&out); err != nil || out.Value != fmt.Sprint("echo ", i) {
			t.Fatalf("message %d = %q, %v", i, out.Value, err)
		}
	}
	_ = s.CloseSend()
	if err := s.RecvMsg(&out); err != nil || out.Value != "end 20" {
		t.Errorf("end = %q, %v", out.Value, err)
	}
	if err := s.RecvMsg(&out); !errors.Is(err, io.EOF) {
		t.Errorf("behind the end: %v", err)
	}
}

func TestGRPC_CancelReachesTheFunction(t *testing.T) {
	e := &echo{}
	conn := grpcChain(t, e)
	if _, err := unary(t.Context(), conn, "warm"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := unary(ctx, conn, "wait"); ended <- err }()
	for deadline := time.Now().Add(10 * time.Second); e.inside.Load() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	cancel()
	select {
	case <-e.left:
	case <-time.After(10 * time.Second):
		t.Error("the function does not hear of it")
	}
	if err := <-ended; status.Code(err) != codes.Canceled {
		t.Errorf("call = %v", err)
	}
}

func TestGRPC_PlatformErrorsAreStatuses(t *testing.T) {
	c := newChain(t, 0)
	c.autoscaler.SetFunction(hello())
	c.broken.Store(&wire.Failure{Reason: v1.ReasonSpecializationFailed, Message: "SyntaxError: 50% done\nü"})
	_, err := unary(t.Context(), c.grpc(), "x")
	if status.Code(err) != codes.Unavailable || !strings.Contains(status.Convert(err).Message(), "SyntaxError: 50% done\nü") {
		t.Errorf("call = %v", err)
	}
}

func TestGRPC_KeepsTheLimitUnderBursts(t *testing.T) {
	for _, limit := range []int{1, 2, 10, 0} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			e := &echo{work: 2 * time.Millisecond}
			conn := grpcChain(t, e, func(f *v1.Function) {
				f.Spec.Concurrency = 1
				f.Annotations = map[string]string{"hotpod.dev/container-concurrency": fmt.Sprint(limit)}
			})
			var all sync.WaitGroup
			for i := range 60 {
				all.Go(func() {
					if i%3 == 0 {
						stream(t, conn, i)
						return
					}
					if got, err := unary(t.Context(), conn, fmt.Sprint(i)); err != nil || got != fmt.Sprint("echo ", i) {
						t.Errorf("call %d = %q, %v", i, got, err)
					}
				})
			}
			all.Wait()
			if most := e.most.Load(); limit > 0 && most > int64(limit) || e.served.Load() != 60 {
				t.Errorf("%d were inside at a time, %d served", most, e.served.Load())
			}
		})
	}
}

// stream sends a few messages and reads what comes back.
func stream(t *testing.T, conn *grpc.ClientConn, i int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := conn.NewStream(forHello(ctx), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/test.Echo/Stream")
	if err != nil {
		t.Errorf("stream %d: %v", i, err)
		return
	}
	var out wrapperspb.StringValue
	for range 3 {
		_ = s.SendMsg(wrapperspb.String("m"))
		if err := s.RecvMsg(&out); err != nil || out.Value != "echo m" {
			t.Errorf("stream %d = %q, %v", i, out.Value, err)
			return
		}
	}
	_ = s.CloseSend()
	if err := s.RecvMsg(&out); err != nil || out.Value != "end 3" {
		t.Errorf("stream %d ends %q, %v", i, out.Value, err)
	}
	_ = s.RecvMsg(&out)
}
