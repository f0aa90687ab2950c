package testproxy

import (
	"fmt"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Raw is a gRPC codec whose messages are bytes as they are: *[]byte.
type Raw struct{}

// Marshal implements encoding.Codec.
func (Raw) Marshal(v any) ([]byte, error) {
	b, ok := v.(*[]byte)
	if !ok {
		return nil, fmt.Errorf("%T is no message", v)
	}
	return *b, nil
}

// Unmarshal implements encoding.Codec.
func (Raw) Unmarshal(data []byte, v any) error {
	b, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("%T is no message", v)
	}
	*b = append((*b)[:0], data...)
	return nil
}

// Name implements encoding.Codec.
func (Raw) Name() string { return "raw" }

// GRPC serves every gRPC method by h until the test ends, and returns the address.
func GRPC(tb testing.TB, h grpc.StreamHandler, more ...grpc.ServerOption) string {
	tb.Helper()
	lis := Listen(tb)
	srv := grpc.NewServer(append(more, grpc.ForceServerCodec(Raw{}), grpc.UnknownServiceHandler(h))...)
	go func() { _ = srv.Serve(lis) }()
	tb.Cleanup(srv.Stop)
	return lis.Addr().String()
}

// GRPCClient returns a connection, made with the first call, that is closed when the test ends.
func GRPCClient(tb testing.TB, address string) *grpc.ClientConn {
	tb.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableRetry(), grpc.WithDefaultCallOptions(grpc.ForceCodec(Raw{})))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}
