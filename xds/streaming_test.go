package xds

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// streamRig has a route /f to a function that speaks HTTP/1.1 and a route /g to one that speaks HTTP/2, both with the
// same pod, which answers by h.
func streamRig(t *testing.T, h http.HandlerFunc) *rig {
	t.Helper()
	r, pod, _ := spillRig(t)
	g := &v1.Function{ObjectMeta: r.meta("g")}
	g.Annotations = map[string]string{v1.AnnotationProtocol: string(v1.ProtocolH2C)}
	r.tell(func(s *Server) { s.SetFunction(g) })
	r.route("g", v1.HTTPTriggerSpec{Prefix: new("/g"), Methods: []string{"GET", "POST"}})
	r.hot(FunctionOf(g).ID, 1, pod)
	r.eventually("the pod serves", func() error { return r.get("/g").want(http.StatusOK, "pod") })
	pod.answer.Store(&h)
	return r
}

// exchange opens a request whose body is written, and whose answer is read, while it runs.
func (r *rig) exchange(client *http.Client, method, path string, body io.Reader) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.addr(wire.PortPublic)+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// clients are those of both versions of HTTP, by name.
func clients() map[string]*http.Client {
	return map[string]*http.Client{"HTTP/1.1": client(), "HTTP/2": http2Client()}
}

// Each event is written when the client has read the one before: whoever buffers stops both for ever.
func TestEnvoy_PassesEventsOnAsTheyCome(t *testing.T) {
	read := make(chan struct{})
	r := streamRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			_, _ = fmt.Fprintf(w, "data: %d\n", i)
			_ = http.NewResponseController(w).Flush()
			<-read
		}
	})
	for name, client := range clients() {
		for _, path := range []string{"/f", "/g"} {
			t.Run(name+path, func(t *testing.T) {
				lines := bufio.NewReader(r.exchange(client, http.MethodGet, path, nil).Body) //nolint:bodyclose // exchange sees to it
				for i := range 5 {
					if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
						t.Fatalf("event %d: %q, %v", i, line, err)
					}
					read <- struct{}{}
				}
			})
		}
	}
}

// A client says a word when it has read the answer to the one before, in one request.
func TestEnvoy_PassesBothDirectionsOnAtOnce(t *testing.T) {
	r := streamRig(t, func(w http.ResponseWriter, req *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		words := bufio.NewReader(req.Body)
		for {
			word, err := words.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "you said "+word)
			_ = control.Flush()
		}
	})
	for name, client := range clients() {
		for _, path := range []string{"/f", "/g"} {
			t.Run(name+path, func(t *testing.T) {
				in, out := io.Pipe()
				go func() { _, _ = io.WriteString(out, "0\n") }()
				lines := bufio.NewReader(r.exchange(client, http.MethodPost, path, in).Body) //nolint:bodyclose // exchange sees to it
				for i := range 5 {
					if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("you said %d\n", i) {
						t.Fatalf("word %d: %q, %v", i, line, err)
					}
					_, _ = fmt.Fprintln(out, i+1)
				}
				_ = out.Close()
			})
		}
	}
}

const gigabyte = 1 << 30

// much answers with as many bytes as the query says, after it has read the whole body, and tells how many were written.
func much(written *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		n, err := io.Copy(io.Discard, req.Body)
		w.Header().Set("X-Length", strconv.FormatInt(n, 10))
		size, _ := strconv.ParseInt(req.URL.RawQuery, 10, 64)
		if err != nil || size == 0 {
			return
		}
		chunk := make([]byte, 64<<10)
		for left := size; left > 0; left -= int64(len(chunk)) {
			if _, err := w.Write(chunk[:min(left, int64(len(chunk)))]); err != nil {
				return
			}
			written.Add(int64(len(chunk)))
		}
	}
}

func TestEnvoy_PassesAGigabyteInConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	r := streamRig(t, much(&atomic.Int64{}))
	before := resident(t, r.envoy.PID())
	for name, client := range clients() {
		client.Timeout = time.Minute
		res := r.exchange(client, http.MethodPost, "/f", io.LimitReader(zeros{}, gigabyte)) //nolint:bodyclose // exchange sees to it
		if got := res.Header.Get("X-Length"); got != strconv.Itoa(gigabyte) {
			t.Errorf("%s: the pod got %s bytes", name, got)
		}
		res = r.exchange(client, http.MethodGet, fmt.Sprintf("/g?%d", gigabyte), nil) //nolint:bodyclose // exchange sees to it
		if n, err := io.Copy(io.Discard, res.Body); n != gigabyte {
			t.Errorf("%s: the client got %d bytes, %v", name, n, err)
		}
	}
	if after := resident(t, r.envoy.PID()); after > before+40 {
		t.Errorf("Envoy has grown from %.0f to %.0f MB", before, after)
	}
}

func TestEnvoy_HoldsBackAPodWhoseClientReadsSlowly(t *testing.T) {
	var written atomic.Int64
	r := streamRig(t, much(&written))
	const size, most = 128 << 20, 40 << 20 // the kernel's buffers are most of it
	for name, client := range clients() {
		for _, path := range []string{"/f", "/g"} {
			t.Run(name+path, func(t *testing.T) {
				written.Store(0)
				body := r.exchange(client, http.MethodGet, fmt.Sprintf("%s?%d", path, size), nil).Body //nolint:bodyclose // exchange sees to it
				var read int64
				for chunk := make([]byte, 1<<20); ; {
					n, err := io.ReadFull(body, chunk)
					read += int64(n)
					if err != nil {
						break
					}
					if ahead := written.Load() - read; ahead > most {
						t.Fatalf("the pod is %d MB ahead of its client", ahead>>20)
					}
				}
				if read != size {
					t.Errorf("%d bytes", read)
				}
			})
		}
	}
}

func TestEnvoy_WaitsForARequestThatComesSlowly(t *testing.T) {
	r, _, _ := spillRig(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr(wire.PortPublic))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	for _, c := range "POST /f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" {
		if _, err := io.WriteString(conn, string(c)); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%+v, %v", res, err)
	}
	defer func() { _ = res.Body.Close() }()
	if text, _ := io.ReadAll(res.Body); !strings.Contains(string(text), `"Length":4`) {
		t.Errorf("%s", text)
	}
}

func TestEnvoy_AsksForTheBodyThatAClientHoldsBack(t *testing.T) {
	r, pod, activator := spillRig(t)
	for _, busy := range []bool{false, true} {
		pod.busy.Store(busy)
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", r.addr(wire.PortPublic))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		_, _ = io.WriteString(conn, "POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
		in := bufio.NewReader(conn)
		if line, err := in.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("%q %v", line, err)
		}
		_, _ = in.ReadString('\n')
		_, _ = io.WriteString(conn, "body")
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%+v, %v", res, err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		want := map[bool]string{false: pod.name, true: activator.name}[busy]
		if !strings.Contains(string(text), `"Length":4`) || !strings.Contains(string(text), `"Backend":"`+want+`"`) {
			t.Errorf("busy %v: %s", busy, text)
		}
	}
}

func TestEnvoy_PassesBodiesWithEveryMethod(t *testing.T) {
	r, _, _ := spillRig(t)
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		for _, known := range []bool{true, false} {
			var body io.Reader = strings.NewReader("body")
			if !known {
				body = struct{ io.Reader }{body}
			}
			got := r.do(method, "/f", body)
			if err := got.want(http.StatusOK, "pod"); err != nil || got.seen.Method != method || got.seen.Length != 4 {
				t.Errorf("%s, length known %v: %v %+v", method, known, err, got.seen)
			}
		}
	}
}

func TestEnvoy_EndsTheRequestThatItsClientLeft(t *testing.T) {
	left := make(chan struct{}, 8)
	r := streamRig(t, func(w http.ResponseWriter, req *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-req.Context().Done()
		left <- struct{}{}
	})
	for name, client := range clients() {
		for _, path := range []string{"/f", "/g"} {
			_ = r.exchange(client, http.MethodGet, path, nil).Body.Close()
			select {
			case <-left:
			case <-time.After(30 * time.Second):
				t.Errorf("%s%s: the pod still works for it", name, path)
			}
		}
	}
}

// resident is the memory of a process in MB.
func resident(tb testing.TB, pid int) float64 {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "VmRSS:")
	var kb float64
	if _, err := fmt.Sscan(rest, &kb); err != nil || !found {
		tb.Fatal(errors.Join(err, errors.New("no VmRSS")))
	}
	return kb / 1024
}
