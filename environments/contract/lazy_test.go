package contract

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

const chunkedPost = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"

// lazily runs a test for the languages whose bodies are read as the function asks for them, by a server of our own.
func lazily(t *testing.T, function string, test func(t *testing.T, r *runtime)) {
	t.Helper()
	for _, name := range []string{"ruby", "dotnet"} {
		only(t, name, func(t *testing.T, l Language) { test(t, serve(t, l, function)) })
	}
}

func TestLazyBody_PiecesComeBackBeforeTheNextAreSent(t *testing.T) {
	lazily(t, "pipe", func(t *testing.T, r *runtime) {
		conn, body := openPipe(t, r)
		send(t, conn, "6\r\nsecond\r\n")
		mustRead(t, body, "second")
		send(t, conn, "0\r\n\r\n")
		if rest, err := io.ReadAll(body); err != nil || len(rest) > 0 {
			t.Fatalf("%q %v", rest, err)
		}
	})
}

func TestLazyBody_ContinueComesBeforeTheHeadOfAStream(t *testing.T) {
	lazily(t, "pipe", func(t *testing.T, r *runtime) {
		conn := r.dial()
		send(t, conn, chunkedPost+"Expect: 100-continue\r\n\r\n")
		reader := bufio.NewReader(conn)
		mustRead(t, reader, "HTTP/1.1 100 Continue\r\n\r\n")
		send(t, conn, "4\r\nbody\r\n0\r\n\r\n")
		mustEqual(t, "body", readAnswer(t, reader), "body")
	})
}

func TestLazyBody_UnreadIsReadAwayBeforeTheNextRequest(t *testing.T) {
	lazily(t, "hello", func(t *testing.T, r *runtime) {
		unread := strings.Repeat("GET / HTTP/1.1\r\n\r\n", 1<<18)
		conn := r.dial()
		reader := bufio.NewReader(conn)
		send(t, conn, post(unread)+chunkedPost+"\r\n"+strconv.FormatInt(int64(len(unread)), 16)+"\r\n"+unread+"\r\n0\r\n\r\n")
		for range 2 {
			mustEqual(t, "body", readAnswer(t, reader), "Hello, world!\n")
		}
		send(t, conn, "HEAD /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if rest, err := io.ReadAll(reader); err != nil || strings.Count(string(rest), "HTTP/1.1 ") != 1 {
			t.Fatalf("%q %v", rest, err)
		}
	})
}

func TestLazyBody_AnswerIsNotLostWhenTheConnectionClosesWithSomethingUnread(t *testing.T) {
	lazily(t, "hello", func(t *testing.T, r *runtime) {
		conn := r.dial()
		unread := strings.Repeat("x", 5<<20)
		send(t, conn, strings.Replace(post(unread), "Host: x", "Host: x\r\nConnection: close", 1))
		reader := bufio.NewReader(conn)
		mustEqual(t, "body", readAnswer(t, reader), "Hello, world!\n")
		if _, err := reader.ReadByte(); err != io.EOF {
			t.Fatalf("no clean end: %v", err)
		}
	})
}

func TestLazyBody_ConnectionClosesWhenAnAnnouncedBodyIsNotWanted(t *testing.T) {
	lazily(t, "hello", func(t *testing.T, r *runtime) {
		conn := r.dial()
		send(t, conn, chunkedPost+"Expect: 100-continue\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		mustEqual(t, "status", res.StatusCode, http.StatusOK)
		mustEqual(t, "closes", res.Close, true)
	})
}

func TestLazyBody_ClientThatLeavesInTheMiddleHarmsNobody(t *testing.T) {
	lazily(t, "pipe", func(t *testing.T, r *runtime) {
		for range 3 {
			conn, _ := openPipe(t, r)
			conn.Close()
		}
		wantText(t, r.do(http.MethodPost, "/", []byte("next")), http.StatusOK, "next")
	})
}

func TestLazyBody_MalformedRestCutsTheAnswer(t *testing.T) {
	lazily(t, "pipe", func(t *testing.T, r *runtime) {
		conn, body := openPipe(t, r)
		send(t, conn, "zz\r\n")
		if rest, err := io.ReadAll(body); err == nil {
			t.Fatalf("the client takes it for complete: %q", rest)
		}
	})
}

func TestLazyBody_TerminateFinishesWhatIsInFlight(t *testing.T) {
	lazily(t, "pipe", func(t *testing.T, r *runtime) {
		conn, body := openPipe(t, r)
		r.terminate()
		r.await("closed to new connections", func() bool { return !r.listens() })
		send(t, conn, "4\r\nlast\r\n0\r\n\r\n")
		if rest, err := io.ReadAll(body); err != nil || string(rest) != "last" {
			t.Fatalf("%q %v", rest, err)
		}
		mustEqual(t, "exit code", r.exit(), 0)
	})
}

func TestLazyBody_TerminateDoesNotWaitForABodyThatNobodyReads(t *testing.T) {
	lazily(t, "hello", func(t *testing.T, r *runtime) {
		conn := r.dial()
		send(t, conn, chunkedPost+"\r\n5\r\nfirst\r\n")
		mustEqual(t, "body", readAnswer(t, bufio.NewReader(conn)), "Hello, world!\n")
		r.terminate()
		mustEqual(t, "exit code", r.exit(), 0)
	})
}

func TestLazyBody_CanBeReadAgainWhileItIsSmall(t *testing.T) {
	cases := []struct{ language, entry, gone string }{
		{"ruby", "again", "IOError"},
		{"dotnet", "Again", "NotSupportedException"},
	}
	for _, c := range cases {
		only(t, c.language, func(t *testing.T, l Language) {
			r := start(t, l)
			r.mustLoad(l.place(t, "forms"), c.entry)
			body := []byte("line\n" + strings.Repeat("x", 5000))
			wantText(t, r.do(http.MethodPost, "/", body), http.StatusOK, "5005 5005 ")
			wantText(t, r.do(http.MethodPost, "/", append(body, make([]byte, 3<<20)...)), http.StatusInternalServerError, c.gone)
			wantText(t, r.do(http.MethodPost, "/", body), http.StatusOK, " 5005")
		})
	}
}

// openPipe sends a chunked request to the function pipe, up to a first piece, and reads that of the answer's body.
func openPipe(t *testing.T, r *runtime) (net.Conn, io.Reader) {
	t.Helper()
	conn := r.dial()
	send(t, conn, chunkedPost+"\r\n5\r\nfirst\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	mustEqual(t, "status", res.StatusCode, http.StatusOK)
	mustRead(t, res.Body, "first")
	return conn, res.Body
}
