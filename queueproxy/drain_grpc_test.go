package queueproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/wire"
)

func TestGRPC_StreamsOutliveTheDrain(t *testing.T) {
	p, conn, ctx := grpcPod(t, dialect, wire.Assignment{})
	var open []grpc.ClientStream
	talk := func(s grpc.ClientStream, text string) {
		t.Helper()
		var m []byte
		if err := s.SendMsg(msg(text)); err != nil {
			t.Error(err)
		}
		if err := s.RecvMsg(&m); err != nil || string(m) != strings.ToUpper(text) {
			t.Errorf("%s came back as %q: %v", text, m, err)
		}
	}
	for i := range 5 {
		s, err := conn.NewStream(ctx, bidi(), "/test.T/Bidi")
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, s)
		talk(s, fmt.Sprint("before ", i))
	}
	p.stop()
	testproxy.Eventually(t, "the pod refuses", func() bool {
		var out []byte
		err := conn.Invoke(ctx, "/test.T/Unary", msg("new"), &out)
		if err != nil && (status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "refused")) {
			t.Errorf("a new call: %v", err)
		}
		return err != nil
	})
	for i, s := range open {
		talk(s, fmt.Sprint("after ", i))
		_ = s.CloseSend()
		var m []byte
		if err := s.RecvMsg(&m); !errors.Is(err, io.EOF) || len(s.Trailer()["x-end"]) != 1 {
			t.Errorf("stream %d ends with %v, %v", i, err, s.Trailer())
		}
		if i < len(open)-1 {
			select {
			case <-p.done:
				t.Fatal("the pod ended with streams inside")
			default:
			}
		}
	}
	p.end()
}

// TestRun_EndsWithoutLossUnderStreams lets clients with many streams on a connection go on until the pod refuses.
func TestRun_EndsWithoutLossUnderStreams(t *testing.T) {
	p := start(t, testproxy.Backend(t, &testproxy.Overlap{Work: time.Millisecond}), nil)
	p.assign(wire.Assignment{QueueTimeoutMillis: 5000})
	var served, refused atomic.Int32
	go func() {
		for served.Load() < 100 {
			time.Sleep(time.Millisecond)
		}
		p.stop()
	}()
	var all sync.WaitGroup
	for range 4 {
		tr := &http.Transport{Protocols: new(http.Protocols)}
		tr.Protocols.SetUnencryptedHTTP2(true)
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for p.untilRefused(tr, &served) {
				}
				refused.Add(1)
			})
		}
		all.Go(func() { // Envoy closes its connections when it has heard that the pod goes
			clients.Wait()
			tr.CloseIdleConnections()
		})
	}
	all.Wait()
	p.end()
	if refused.Load() != 32 {
		t.Errorf("%d of 32 clients were refused", refused.Load())
	}
}

// untilRefused sends a request as gRPC does, and reports whether it was served.
func (p *pod) untilRefused(tr *http.Transport, served *atomic.Int32) bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), 10*time.Second)
	defer cancel()
	req := p.request("POST", "", "").WithContext(ctx)
	req.Body, req.ContentLength = io.NopCloser(strings.NewReader("body")), -1
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("body")), nil }
	resp, err := tr.RoundTrip(req)
	if errors.Is(err, syscall.ECONNREFUSED) { // it came a second after its first try, which is this client's way
		return false
	}
	if err != nil {
		p.t.Errorf("a request was lost: %v", err)
		return false
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err == nil && resp.StatusCode == http.StatusOK && string(body) == "done":
		served.Add(1)
		return true
	case err != nil || resp.Header.Get(wire.HeaderBusy) != "draining":
		p.t.Errorf("answer = %d %v %q: %v", resp.StatusCode, resp.Header, body, err)
	}
	return false
}
