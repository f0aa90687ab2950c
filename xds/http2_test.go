package xds

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestEnvoy_CarriesGRPCFromEndToEnd(t *testing.T) {
	r := newRig(t)
	activator, pod := newGRPCPod(t, "activator"), newGRPCPod(t, "pod")
	r.activatorAt(activator.ip)
	f := r.grpcFunction("echo")
	conn := r.dial()
	if err := answeredBy(t.Context(), conn, "activator"); err != nil {
		t.Fatalf("a first call: %v", err)
	}
	r.hotAt(f, 1, pod.ip)
	r.eventually("the pod serves", func() error { return answeredBy(t.Context(), conn, "pod") })
	if err := converseWith(t.Context(), conn, "pod", 20); err != nil {
		t.Errorf("a stream: %v", err)
	}
	if id, ok := wire.ParseFunctionID(strings.Join(pod.seen.Load().Get(wire.HeaderFunction), ",")); !ok || id.Name != "echo" {
		t.Errorf("the pod saw %v", pod.seen.Load())
	}
	large := strings.Repeat("0123456789abcdef", 200_000)
	if got, _, err := unary(t.Context(), conn, large[:3_000_000]); err != nil || got != "pod "+large[:3_000_000] {
		t.Errorf("a large message: %d bytes, %v", len(got), err)
	}
	var all sync.WaitGroup
	for range 300 { // more than one connection may have in flight
		all.Go(func() {
			if err := converseWith(t.Context(), conn, "pod", 3); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestEnvoy_SpeaksHTTP2WithClientsOfAnyFunction(t *testing.T) {
	r, _, _ := spillRig(t)
	client := http2Client()
	for _, body := range []int{0, 10, 300_000} {
		got := callWith(client, http.MethodPost, "http://"+r.addr(wire.PortPublic)+"/f/x?y=1", bytes.NewReader(make([]byte, body)))
		if err := got.want(http.StatusOK, "pod"); err != nil || got.seen.Length != body || got.seen.Path != "/x?y=1" {
			t.Errorf("%v, the pod got %+v", err, got.seen)
		}
	}
}

func TestEnvoy_SpeaksHTTP2WithTheFunctionForClientsThatDoNot(t *testing.T) {
	r := newRig(t)
	pod := newBackend(t, "pod")
	r.activator(pod)
	f := &v1.Function{ObjectMeta: r.meta("f")}
	f.Annotations = map[string]string{v1.AnnotationProtocol: string(v1.ProtocolH2C)}
	r.tell(func(s *Server) { s.SetFunction(f) })
	r.route("f", v1.HTTPTriggerSpec{RelativeURL: "/f", Methods: []string{"GET", "POST"}})
	proto := make(chan string, 1)
	answer := http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { proto <- req.Proto })
	pod.answer.Store(&answer)
	if got := r.do("POST", "/f", strings.NewReader("x")); got.status != http.StatusOK {
		t.Fatalf("%d %v %s", got.status, got.err, got.body)
	}
	if p := <-proto; p != "HTTP/2.0" {
		t.Errorf("the pod was spoken to by %s", p)
	}
}

// A client of HTTP/2 does not say how long its body is. What is refused before all of it has come is replayed too.
func TestEnvoy_ReplaysRefusedRequestsOfHTTP2(t *testing.T) {
	r, pod, activator := spillRig(t)
	g := &v1.Function{ObjectMeta: r.meta("g")}
	g.Annotations = map[string]string{v1.AnnotationProtocol: string(v1.ProtocolH2C)}
	r.tell(func(s *Server) { s.SetFunction(g) })
	r.route("g", v1.HTTPTriggerSpec{RelativeURL: "/g", Methods: []string{"GET", "POST"}})
	r.hot(FunctionOf(g).ID, 1, pod)
	client := http2Client()
	url := "http://" + r.addr(wire.PortPublic) + "/g"
	r.eventually("the pod serves", func() error { return callWith(client, "GET", url, nil).want(http.StatusOK, "pod") })
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { // before it has read anything
		w.Header().Set(wire.HeaderBusy, string(wire.BusyLimit))
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	pod.answer.Store(&refuse)
	for _, size := range []int{0, 1, 5000, 100_000, wire.DefaultReplayLimit / 2} {
		t.Run(fmt.Sprintf("%d bytes", size), func(t *testing.T) {
			pod.hits.Store(0)
			activator.hits.Store(0)
			body := io.Reader(struct{ io.Reader }{bytes.NewReader(make([]byte, size))}) // hides the length
			if size == 0 {
				body = nil
			}
			got := callWith(client, "POST", url, body)
			if err := got.want(http.StatusOK, "activator"); err != nil || got.seen.Length != size {
				t.Errorf("%v, the activator got %d bytes", err, got.seen.Length)
			}
			if pod.hits.Load() != 1 || activator.hits.Load() != 1 {
				t.Errorf("%d attempts at the pod, %d at the activator", pod.hits.Load(), activator.hits.Load())
			}
		})
	}
	t.Run("a body that comes slowly", func(t *testing.T) {
		in, out := io.Pipe()
		activator.hits.Store(0)
		go func() {
			_, _ = io.WriteString(out, "first ")
			r.eventually("the refused request is at the activator", func() error {
				if activator.hits.Load() == 0 {
					return fmt.Errorf("not yet")
				}
				return nil
			})
			_, _ = io.WriteString(out, "second")
			_ = out.Close()
		}()
		got := callWith(client, "POST", url, in)
		if err := got.want(http.StatusOK, "activator"); err != nil || got.seen.Length != len("first second") {
			t.Errorf("%v, the activator got %d bytes", err, got.seen.Length)
		}
	})
}

func TestEnvoy_LosesNothingWhenAFunctionChangesItsProtocol(t *testing.T) {
	r := newRig(t)
	pod := newBackend(t, "pod") // speaks both
	r.activator(newBackend(t, "activator"))
	f := &v1.Function{ObjectMeta: r.meta("f")}
	r.tell(func(s *Server) { s.SetFunction(f) })
	r.route("f", v1.HTTPTriggerSpec{RelativeURL: "/f"})
	var last atomic.Pointer[string]
	answer := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		last.Store(&req.Proto)
		_, _ = io.WriteString(w, "{}")
	})
	pod.answer.Store(&answer)
	r.hot(FunctionOf(f).ID, 1, pod)
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := r.get("/f"); got.err != nil || got.status != http.StatusOK {
					t.Errorf("lost: %d %v %s", got.status, got.err, got.body)
				}
			}
		})
	}
	defer clients.Wait()
	defer close(stop)
	for i := range 6 {
		want := []string{"HTTP/1.1", "HTTP/2.0"}[i%2]
		r.eventually("the pod is spoken to by "+want, func() error {
			if p := last.Load(); p == nil || *p != want {
				return fmt.Errorf("it is not")
			}
			return nil
		})
		changed := f.DeepCopy()
		if i%2 == 0 {
			changed.Annotations = map[string]string{v1.AnnotationProtocol: string(v1.ProtocolH2C)}
		}
		r.tell(func(s *Server) { s.SetFunction(changed) })
	}
}

func TestEnvoy_TellsClientsOfGRPCWhatIsWrong(t *testing.T) {
	r := newRig(t)
	r.activatorAt("127.0.0.1")
	r.grpcFunction("echo")
	conn := r.dial()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, _, err := unary(ctx, conn, "x")
	s, _ := status.FromError(err)
	if s.Code() != codes.Unavailable || !strings.Contains(s.Message(), "executor_unavailable") {
		t.Errorf("nobody can be reached: %v", err)
	}
	err = conn.Invoke(ctx, "/test.None/None", nil, nil)
	if code := status.Code(err); code != codes.Unimplemented {
		t.Errorf("no route: %v", err)
	}
}
