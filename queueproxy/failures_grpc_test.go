package queueproxy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/wire"
)

// resets is a function whose streams are reset, after a message or before the answer's head.
func resets(first string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if first != "" {
			w.Header().Set("Content-Type", "application/grpc+raw")
			_, _ = w.Write(append([]byte{0, 0, 0, 0, byte(len(first))}, first...))
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	})
}

func TestGRPC_AFunctionThatResetsIsNoSuccess(t *testing.T) {
	for name, first := range map[string]string{"before its answer": "", "in its answer": "m"} {
		t.Run(name, func(t *testing.T) {
			runtime := testproxy.Backend(t, resets(first))
			p := start(t, runtime, nil)
			p.assign(wire.Assignment{Limit: 1})
			conn := testproxy.GRPCClient(t, before(t, p))
			for range 3 { // the slot is free again
				s, err := conn.NewStream(called(t.Context()), bidi(), "/test.T/Reset")
				if err != nil {
					t.Fatal(err)
				}
				_ = s.CloseSend()
				for err == nil {
					var m []byte
					err = s.RecvMsg(&m)
				}
				if code := status.Code(err); errors.Is(err, io.EOF) || code != codes.Internal && code != codes.Unavailable {
					t.Errorf("end = %v", err)
				}
			}
		})
	}
}

func TestGRPC_ErrorsOfThePlatformAreStatuses(t *testing.T) {
	g := make(chan struct{})
	t.Cleanup(func() { close(g) })
	inside := make(chan struct{}, 100)
	h := func(_ any, s grpc.ServerStream) error {
		inside <- struct{}{}
		select {
		case <-g:
		case <-s.Context().Done():
		}
		return errors.New("let go")
	}
	p := start(t, testproxy.GRPC(t, h), func(c *queueproxy.Config) { c.MaxWaiting = 1 })
	p.assign(wire.Assignment{Limit: 1, QueueTimeoutMillis: 500, RunTimeoutMillis: 3000})
	conn := testproxy.GRPCClient(t, p.requests)
	big := bytes.Repeat([]byte("x"), int(wire.DefaultReplayLimit)+1)
	call := func(m []byte) (metadata.MD, error) {
		var out []byte
		var head, end metadata.MD
		err := conn.Invoke(called(t.Context()), "/test.T/Wait", &m, &out, grpc.Header(&head), grpc.Trailer(&end))
		return metadata.Join(head, end), err
	}
	first := make(chan error, 1)
	go func() {
		_, err := call([]byte("x"))
		first <- err
	}()
	<-inside
	// These cannot be replayed: one waits in vain, the other finds the queue full.
	codesSeen := map[codes.Code]string{}
	answers := make(chan error, 2)
	for range cap(answers) {
		go func() {
			md, err := call(big)
			if len(md.Get(wire.HeaderComponent)) != 1 {
				t.Errorf("no component in %v", md)
			}
			answers <- err
		}()
	}
	for range cap(answers) {
		st := status.Convert(<-answers)
		codesSeen[st.Code()] = st.Message()
	}
	if !strings.Contains(codesSeen[codes.DeadlineExceeded], "limit") || !strings.Contains(codesSeen[codes.ResourceExhausted], "too many") {
		t.Errorf("answers: %v", codesSeen)
	}
	if err := <-first; status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("ran for too long: %v", err)
	}
}

func TestGRPC_ARefusalIsPlain(t *testing.T) {
	inside := make(chan struct{}, 1)
	h := func(_ any, s grpc.ServerStream) error {
		inside <- struct{}{}
		<-s.Context().Done()
		return s.Context().Err()
	}
	p := start(t, testproxy.GRPC(t, h), nil)
	p.assign(wire.Assignment{Limit: 1})
	conn := testproxy.GRPCClient(t, p.requests)
	ctx, cancel := context.WithCancel(called(t.Context()))
	defer cancel()
	go func() {
		var out []byte
		_ = conn.Invoke(ctx, "/test.T/Wait", msg("x"), &out)
	}()
	<-inside
	req := p.request("POST", "", "Content-Type: application/grpc")
	resp, err := testproxy.HTTP2(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get(wire.HeaderBusy) != "limit" || resp.ProtoMajor != 2 {
		t.Errorf("refusal = %d %v", resp.StatusCode, resp.Header)
	}
}
