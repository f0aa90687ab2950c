package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// What the platform calls a refusal is one only when the platform says it: real Envoy, real queue-proxy.
func TestEnvoy_NeverReplaysAFunctionsOwnBusyAnswer(t *testing.T) {
	envoytest.Path(t)
	host := envoytest.Address(t)
	var calls, spills atomic.Int64
	function := serveAt(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set(wire.HeaderBusy, string(wire.BusyLimit))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, r.URL.Query().Get("body"))
	})
	activator := envoytest.Address(t)
	serveAt(t, net.JoinHostPort(activator, fmt.Sprint(wire.PortRequests)), func(http.ResponseWriter, *http.Request) { spills.Add(1) })
	pod := startPod(t, function)
	discover(t, host, pod, activator)
	for _, c := range []struct{ method, query, send string }{
		{"GET", "?body=mine", ""}, {"GET", "", ""}, {"POST", "?body=mine", "something"}, {"POST", "", "something"},
	} {
		before := calls.Load()
		status, body, header := callOnce(t, c.method, "http://"+host+":8888/f"+c.query, strings.NewReader(c.send))
		if want := strings.TrimPrefix(c.query, "?body="); status != http.StatusServiceUnavailable || body != want || header.Get(wire.HeaderBusy) != "" {
			t.Errorf("%s %q: %d %q %v", c.method, c.query, status, body, header)
		}
		if n := calls.Load() - before; n != 1 || spills.Load() != 0 {
			t.Errorf("%s %q: the function was called %d times, the activator %d times", c.method, c.query, n, spills.Load())
		}
	}
}

// A pod that cannot serve says so before it takes anything of a body, and the kernels hold less of it than Envoy keeps.
func TestEnvoy_ReplaysABodyOfAnySizeThatNobodyTook(t *testing.T) {
	envoytest.Path(t)
	host, activator := envoytest.Address(t), envoytest.Address(t)
	serveAt(t, net.JoinHostPort(activator, fmt.Sprint(wire.PortRequests)), func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n)
	})
	discover(t, host, startPod(t, "127.0.0.1:1"), activator)
	const size = 8 << 20
	for i := range 40 {
		body := io.Reader(bytes.NewReader(make([]byte, size)))
		if i%2 == 0 { // of unknown length
			body = struct{ io.Reader }{body}
		}
		if status, answer, _ := callOnce(t, "POST", "http://"+host+":8888/f", body); status != http.StatusOK || answer != fmt.Sprint(size) {
			t.Errorf("request %d: %d %q", i, status, answer)
		}
	}
}

func serveAt(t *testing.T, address string, h http.HandlerFunc) string {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(func() { _ = srv.Close() })
	return lis.Addr().String()
}

func held() wire.FunctionID {
	return wire.FunctionID{Namespace: "default", Name: "f", UID: "uid-f"}
}

// startPod runs a queue-proxy that holds the function, and returns its IP.
func startPod(t *testing.T, runtime string) string {
	t.Helper()
	ip := envoytest.Address(t)
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	at := func(port int) string { return net.JoinHostPort(ip, fmt.Sprint(port)) }
	q, err := queueproxy.New(queueproxy.Config{
		RequestAddress: at(wire.PortRequests), ControlAddress: at(wire.PortQueueControl), RuntimeAddress: runtime,
		PodUID: "pod", ControlKey: signer.PublicKey(), ReplayLimit: wire.DefaultReplayLimit, MaxWaiting: 10,
		Grace: time.Second, Farewell: 100 * time.Millisecond,
	}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	body, err := json.Marshal(wire.Assignment{Held: wire.Held{Function: held(), Generation: 1}, Limit: 1, RunTimeoutMillis: 60_000})
	if err != nil {
		t.Fatal(err)
	}
	envoytest.Eventually(t, "the queue-proxy is assigned", func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at(wire.PortQueueControl)+wire.PathAssign, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set(sign.Header, signer.Sign("pod", http.MethodPost, wire.PathAssign, body, time.Now().Add(sign.TTL)))
		res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode >= http.StatusMultipleChoices {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
	return ip
}

// discover starts a discovery server and an Envoy that has one route, to the pod, with an activator behind it.
func discover(t *testing.T, host, pod, activator string) {
	t.Helper()
	discoverGuarded(t, host, pod, activator, "")
}

// discoverGuarded has the Envoy ask a guard about calls of the internal listener.
func discoverGuarded(t *testing.T, host, pod, activator, guard string) {
	t.Helper()
	server, err := xds.New(xds.Config{Public: []string{host + ":8888"}, Internal: []string{host + ":8889"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Namespace: "default", Name: "f", UID: "uid-f", Generation: 1}
	server.SetFunction(&v1.Function{ObjectMeta: meta})
	server.SetRoute(&v1.HTTPTrigger{ObjectMeta: meta, Spec: v1.HTTPTriggerSpec{
		RelativeURL: "/f", Methods: []string{"GET", "POST"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "f"},
	}})
	server.SetPod(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod", Labels: map[string]string{
		wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: held().UID, wire.LabelFunctionGeneration: "1",
	}}, Status: corev1.PodStatus{PodIP: pod}})
	server.SetPod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "activator", Labels: map[string]string{wire.LabelComponent: "activator"}},
		Status: corev1.PodStatus{
			PodIP: activator, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	})
	server.Synced()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", host+":18000")
	if err != nil {
		t.Fatal(err)
	}
	g := feed.NewServer()
	server.Register(g)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = server.Run(ctx); close(done) }()
	go func() { _ = g.Serve(lis) }()
	t.Cleanup(func() { cancel(); g.Stop(); <-done })
	text, err := xds.Bootstrap(xds.BootstrapConfig{XDS: host + ":18000", Admin: host + ":9901", Guard: guard})
	if err != nil {
		t.Fatal(err)
	}
	envoytest.Start(t, host+":9901", text)
	envoytest.Eventually(t, "Envoy has the route", func() error {
		if status := get(t, "http://"+host+":8888/f"); status == 0 || status == http.StatusNotFound {
			return fmt.Errorf("status %d", status)
		}
		return nil
	})
}

func callOnce(t *testing.T, method, url string, body io.Reader) (status int, answer string, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header
}
