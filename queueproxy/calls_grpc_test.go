package queueproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

// before runs a proxy that forwards to the pod as an activator does, and returns its address.
func before(tb testing.TB, p *pod) string {
	tb.Helper()
	lis := testproxy.Listen(tb)
	ctx, stop := context.WithCancel(context.Background())
	target := proxy.NewTarget(proxy.TargetConfig{Address: p.requests})
	srv := &proxy.Server{Log: slog.New(slog.DiscardHandler), Handler: proxy.HandlerFunc(func(x proxy.Exchange) {
		x.Replayable(wire.DefaultReplayLimit)
		out := x.Forward(target, &proxy.Options{Refusals: true, ReplayLimit: wire.DefaultReplayLimit})
		if !out.Final {
			x.Fail(&wire.Error{Status: 503, Component: "test", Reason: "not_final", Message: out.String()})
		}
	})}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, lis) }()
	tb.Cleanup(func() {
		stop()
		<-done
		target.Close()
	})
	return lis.Addr().String()
}

// grpcPod is a pod before a gRPC function, and a client that calls it through an activator's hop.
func grpcPod(tb testing.TB, h grpc.StreamHandler, a wire.Assignment) (*pod, *grpc.ClientConn, context.Context) {
	tb.Helper()
	p := start(tb, testproxy.GRPC(tb, h), nil)
	p.assign(a)
	return p, testproxy.GRPCClient(tb, before(tb, p)), called(tb.Context())
}

// called names the function, as Envoy does.
func called(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, wire.HeaderFunction, hello.String())
}

// msg is a message of the raw codec.
func msg(s string) *[]byte {
	b := []byte(s)
	return &b
}

func bidi() *grpc.StreamDesc { return &grpc.StreamDesc{ServerStreams: true, ClientStreams: true} }

// dialect answers by the method's name: Unary, Server (three answers to one message), Client (one answer to all) or
// Bidi (one answer to each).
func dialect(_ any, s grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(s)
	s.SetTrailer(metadata.Pairs("x-end", "of "+method, "x-end-bin", "\x00\xff"))
	var all []string
	for {
		var m []byte
		err := s.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		all = append(all, string(m))
		if method == "/test.T/Bidi" {
			if err := s.SendMsg(msg(strings.ToUpper(string(m)))); err != nil {
				return err
			}
		}
	}
	switch method {
	case "/test.T/Unary", "/test.T/Client":
		return s.SendMsg(msg(strings.Join(all, "+")))
	case "/test.T/Server":
		for i := range 3 {
			if err := s.SendMsg(msg(fmt.Sprint(all[0], i))); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func TestGRPC_AllKindsOfCallsGoThrough(t *testing.T) {
	_, conn, ctx := grpcPod(t, dialect, wire.Assignment{Limit: 2})
	for method, c := range map[string]struct{ in, out []string }{
		"Unary":  {[]string{"hello"}, []string{"hello"}},
		"Server": {[]string{"n"}, []string{"n0", "n1", "n2"}},
		"Client": {[]string{"a", "b", strings.Repeat("c", 100_000)}, []string{"a+b+" + strings.Repeat("c", 100_000)}},
		"Bidi":   {[]string{"a", "", "c"}, []string{"A", "", "C"}},
	} {
		t.Run(method, func(t *testing.T) {
			s, err := conn.NewStream(ctx, bidi(), "/test.T/"+method)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			receive := func() error {
				var m []byte
				if err := s.RecvMsg(&m); err != nil {
					return err
				}
				got = append(got, string(m))
				return nil
			}
			for _, m := range c.in {
				if err := s.SendMsg(msg(m)); err != nil {
					t.Fatal(err)
				}
				if method == "Bidi" { // the answer comes before the next message leaves
					if err := receive(); err != nil {
						t.Fatal(err)
					}
				}
			}
			_ = s.CloseSend()
			for err == nil {
				err = receive()
			}
			if !errors.Is(err, io.EOF) || !slices.Equal(got, c.out) {
				t.Errorf("got %.80q: %v", got, err)
			}
			if end := s.Trailer(); !slices.Equal(end["x-end"], []string{"of /test.T/" + method}) || !slices.Equal(end["x-end-bin"], []string{"\x00\xff"}) {
				t.Errorf("trailers = %v", end)
			}
		})
	}
}

func TestGRPC_MetadataPassesButThePlatforms(t *testing.T) {
	seen := make(chan metadata.MD, 1)
	_, conn, ctx := grpcPod(t, func(_ any, s grpc.ServerStream) error {
		md, _ := metadata.FromIncomingContext(s.Context())
		seen <- md
		_ = s.SetHeader(metadata.Pairs("x-mine", "1", "x-mine", "2", "x-mine-bin", "\x01\x02", "x-hotpod-secret", "1", "x-hotpod-busy", "limit"))
		s.SetTrailer(metadata.Pairs("x-end", "1", "x-end", "2", "x-hotpod-secret", "1"))
		return s.SendMsg(msg("done"))
	}, wire.Assignment{Limit: 1, ResourceVersion: "77"})
	ctx = metadata.AppendToOutgoingContext(ctx, "x-mine", "a", "x-mine", "b", "x-mine-bin", "\xfe\xff", "x-hotpod-forged", "1",
		"x-fission-function-name", "forged", "x-fission-params-id", "forged")
	var head, end metadata.MD
	var out []byte
	if err := conn.Invoke(ctx, "/test.T/Call", msg("x"), &out, grpc.Header(&head), grpc.Trailer(&end)); err != nil || string(out) != "done" {
		t.Fatalf("Invoke = %q: %v", out, err)
	}
	md := <-seen
	for name, want := range map[string][]string{
		"x-mine": {"a", "b"}, "x-mine-bin": {"\xfe\xff"}, "content-type": {"application/grpc+raw"}, "x-hotpod-forged": nil,
		wire.HeaderFunction: nil, "x-fission-params-id": nil,
		"x-fission-function-name": {hello.Name}, "x-fission-function-uid": {hello.UID},
	} {
		if got := md.Get(name); !slices.Equal(got, want) {
			t.Errorf("the function saw %s = %q, want %q", name, got, want)
		}
	}
	if agent := md.Get("user-agent"); len(agent) != 1 || !strings.HasPrefix(agent[0], "grpc-go/") {
		t.Errorf("user-agent = %q", agent)
	}
	if !slices.Equal(head["x-mine"], []string{"1", "2"}) || !slices.Equal(head["x-mine-bin"], []string{"\x01\x02"}) || !slices.Equal(end["x-end"], []string{"1", "2"}) {
		t.Errorf("the client saw %v, %v", head, end)
	}
	for _, md := range []metadata.MD{head, end} {
		for name := range md {
			if strings.HasPrefix(name, wire.HeaderPrefix) {
				t.Errorf("the client saw %s", name)
			}
		}
	}
}

func TestGRPC_StatusPassesWithAndWithoutMessages(t *testing.T) {
	for _, messages := range []int{0, 1, 3} {
		t.Run(fmt.Sprint(messages), func(t *testing.T) {
			_, conn, ctx := grpcPod(t, func(_ any, s grpc.ServerStream) error {
				for range messages {
					_ = s.SendMsg(msg("m"))
				}
				s.SetTrailer(metadata.Pairs("x-why", "so"))
				return status.Error(codes.NotFound, "50% ü\nof it")
			}, wire.Assignment{})
			s, err := conn.NewStream(ctx, bidi(), "/test.T/Fail")
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			for ; err == nil; got++ {
				var m []byte
				err = s.RecvMsg(&m)
			}
			if st := status.Convert(err); got-1 != messages || st.Code() != codes.NotFound || st.Message() != "50% ü\nof it" {
				t.Errorf("%d messages, then %v", got-1, err)
			}
			if !slices.Equal(s.Trailer()["x-why"], []string{"so"}) {
				t.Errorf("trailers = %v", s.Trailer())
			}
		})
	}
}

func TestGRPC_TheClientsDeadlineAndCancelReachTheFunction(t *testing.T) {
	for name, want := range map[string]codes.Code{"deadline": codes.DeadlineExceeded, "cancel": codes.Canceled} {
		t.Run(name, func(t *testing.T) {
			inside, left := make(chan bool, 1), make(chan error, 1)
			_, conn, ctx := grpcPod(t, func(_ any, s grpc.ServerStream) error {
				_, bounded := s.Context().Deadline()
				inside <- bounded
				<-s.Context().Done()
				left <- s.Context().Err()
				return s.Context().Err()
			}, wire.Assignment{Limit: 1})
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if name == "deadline" {
				ctx, cancel = context.WithTimeout(ctx, 200*time.Millisecond)
				defer cancel()
			}
			go func() {
				if bounded := <-inside; bounded != (name == "deadline") {
					t.Errorf("the function knows a deadline: %v", bounded)
				}
				if name == "cancel" {
					cancel()
				}
			}()
			var out []byte
			if err := conn.Invoke(ctx, "/test.T/Wait", msg("x"), &out); status.Code(err) != want {
				t.Errorf("Invoke = %v", err)
			}
			<-left
		})
	}
}
