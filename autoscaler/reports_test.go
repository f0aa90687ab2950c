package autoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hotpod.dev/autoscaler/law"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// queueProxy serves one pod's reports and returns Reports that reach it.
func queueProxy(t *testing.T, podUID string, answer func(w http.ResponseWriter)) (*HTTPReports, wire.HotPod) {
	t.Helper()
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sign.NewVerifier(podUID, signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, nil, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		answer(w)
	}))
	t.Cleanup(srv.Close)
	host, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := NewHTTPReports(signer)
	r.port = port
	return r, wire.HotPod{UID: "pod-1", Address: net.JoinHostPort(host, "8012")}
}

func TestHTTPReports_ReadsSignedStreamUntilItBreaks(t *testing.T) {
	r, pod := queueProxy(t, "pod-1", func(w http.ResponseWriter) {
		for i := range 3 {
			_ = json.NewEncoder(w).Encode(wire.Report{InFlight: i})
			_ = http.NewResponseController(w).Flush()
		}
	})
	var got []int
	err := r.Watch(t.Context(), pod, func(r wire.Report) { got = append(got, r.InFlight) })
	if len(got) != 3 || got[2] != 2 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestHTTPReports_EndsWithItsContext(t *testing.T) {
	r, pod := queueProxy(t, "pod-1", func(w http.ResponseWriter) {
		_ = json.NewEncoder(w).Encode(wire.Report{})
		rc := http.NewResponseController(w)
		for rc.Flush() == nil {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := r.Watch(ctx, pod, func(wire.Report) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("Watch = %v", err)
	}
}

func TestHTTPReports_SaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		pod    string
		answer string
		want   string
	}{
		"another pod at the address": {"pod-2", "", "status 401"},
		"no report":                  {"pod-1", "hello\n", "read report of pod pod-1"},
		"a line without end":         {"pod-1", strings.Repeat("x", 2*maxReport), "token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			r, pod := queueProxy(t, c.pod, func(w http.ResponseWriter) { _, _ = io.WriteString(w, c.answer) })
			err := r.Watch(t.Context(), pod, func(wire.Report) { t.Error("a report was read") })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Watch = %v, want %q in it", err, c.want)
			}
		})
	}
}

func FuzzRead_TakesAnythingFromAPod(f *testing.F) {
	f.Add([]byte(`{"inFlight":1}` + "\n"))
	f.Add([]byte("{\"requests\":[1,2,3,4,5,6]}\n\n{}"))
	f.Add([]byte(`{"concurrency":1e400}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var l load
		var sum totals
		_ = read(wire.HotPod{UID: "pod"}, strings.NewReader(string(body)), func(r wire.Report) {
			before := sum.requests[2]
			l.take(r, time.Now(), &sum)
			if sum.requests[2] < before {
				t.Fatal("a total fell")
			}
			if c := l.in(law.Concurrency, time.Now()); c < 0 || c != c {
				t.Fatalf("concurrency %v", c)
			}
		})
	})
}
