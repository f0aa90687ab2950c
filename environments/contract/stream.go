package contract

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

func concurrencyRequestsRunBesideEachOther(t T, l Language) {
	const parallel = 20
	r := serve(t, l, "latch")
	waits := make([]<-chan result, 0, parallel)
	for range parallel {
		waits = append(waits, r.goGet("/wait"))
	}
	r.await("waiting", func() bool { return r.get("/count").text() == fmt.Sprint(parallel) })
	for range parallel {
		wantStatus(t, r.get("/release"), http.StatusOK)
	}
	for _, wait := range waits {
		got := <-wait
		if got.err != nil {
			t.Fatal(got.err)
		}
		wantText(t, got.answer, http.StatusOK, "waited")
	}
}

func streamPiecesArriveAsTheyAreWritten(t T, l Language) {
	r := serve(t, l, "stream")
	res := r.open("/stream")
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	mustRead(t, body, "first\n")
	wantStatus(t, r.get("/release"), http.StatusOK)
	mustRead(t, body, "second\n")
	if _, err := body.ReadByte(); err != io.EOF {
		t.Fatalf("no clean end: %v", err)
	}
}

func streamAnErrorInTheMiddleCutsTheConnection(t T, l Language) {
	r := serve(t, l, "stream")
	res := r.open("/broken")
	defer res.Body.Close()
	body := bufio.NewReader(res.Body)
	mustRead(t, body, "first\n")
	wantStatus(t, r.get("/release"), http.StatusOK)
	if rest, err := io.ReadAll(body); err == nil {
		t.Fatalf("the client takes it for complete: %q", rest)
	}
	r.await("logged", func() bool { return strings.Contains(r.stderr.String(), "broken in the middle") })
}

func clientThatGoesAwayHarmsNobody(t T, l Language) {
	r := serve(t, l, "latch")
	ctx, cancel := context.WithCancel(context.Background())
	var gone sync.WaitGroup
	for range 5 {
		gone.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/wait", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if res, err := r.client.Do(req); err == nil {
				res.Body.Close()
				t.Error("answered")
			}
		})
	}
	r.await("waiting", func() bool { return r.get("/count").text() == "5" })
	cancel()
	gone.Wait()
	for range 5 {
		wantStatus(t, r.get("/release"), http.StatusOK)
	}
	wantText(t, r.get("/count"), http.StatusOK, "0")
}

func clientThatLeavesInTheMiddleOfABigAnswer(t T, l Language) {
	r := serve(t, l, "big")
	for range 3 {
		res := r.open("/?bytes=50000000")
		if _, err := io.CopyN(io.Discard, res.Body, 1000); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	mustEqual(t, "size", len(r.get("/?bytes=10").body), 10)
}

func clientThatLeavesInTheMiddleOfItsBody(t T, l Language) {
	r := serve(t, l, "mirror")
	conn := r.dial()
	send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nonly this")
	conn.Close()
	wantText(t, r.do(http.MethodPost, "/", []byte("next")), http.StatusOK, "next")
}

func logLinesAppearWhenTheyArePrinted(t T, l Language) {
	r := serve(t, l, "prints")
	answered := r.goGet("/")
	r.await("printed", func() bool {
		return strings.Contains(r.stdout.String()+r.stderr.String(), "a line of the function\n")
	})
	wantStatus(t, r.get("/release"), http.StatusOK)
	wantText(t, (<-answered).answer, http.StatusOK, "printed")
}

func logLinesCarryTheIDOfTheirRequest(t T, l Language) {
	r := serve(t, l, "prints")
	const traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for want, header := range map[string]http.Header{
		"[req check-1] a line of the function\n":                                        {"X-Fission-Request-Id": {"check-1"}},
		"[req a__b_c] a line of the function\n":                                         {"X-Fission-Request-Id": {"a] b\"c"}},
		"[req check-2 trace 4bf92f3577b34da6a3ce929d0e0e4736] a line of the function\n": {"X-Fission-Request-Id": {"check-2"}, "Traceparent": {traced}},
	} {
		r.prints(header, want)
	}
}

func logLinesCarryNoIDWhereThatIsOff(t T, l Language) {
	r := serve(t, l, "prints", "HOTPOD_LOG_TAGS=false")
	r.prints(http.Header{"X-Fission-Request-Id": {"check-1"}}, "\na line of the function\n")
}

// prints calls the function that prints, and awaits what it prints.
func (r *runtime) prints(header http.Header, want string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = header
	answered := make(chan error, 1)
	go func() {
		res, err := r.client.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}()
	r.await("printed: "+want, func() bool { return strings.Contains("\n"+r.stdout.String()+"\n"+r.stderr.String(), want) })
	wantStatus(r.t, r.get("/release"), http.StatusOK)
	if err := <-answered; err != nil {
		r.t.Fatal(err)
	}
}

// open sends a GET and returns its answer with the body unread.
func (r *runtime) open(path string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, r.url+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return res
}

func (r *runtime) dial() net.Conn {
	r.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func send(t T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q %v, want %q", got, err, want)
	}
}
