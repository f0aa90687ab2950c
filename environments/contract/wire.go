package contract

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func wireKeepsConnectionsOpenAndAnswersInOrder(t T, l Language) {
	r := serve(t, l, "mirror")
	conn := r.dial()
	send(t, conn, post("one")+post("two")) // Pipelined.
	reader := bufio.NewReader(conn)
	for _, want := range []string{"one", "two"} {
		mustEqual(t, "body", readAnswer(t, reader), want)
	}
	send(t, conn, post("three"))
	mustEqual(t, "body", readAnswer(t, reader), "three")
}

func wireChunkedBodiesAndSplitPackets(t T, l Language) {
	r := serve(t, l, "mirror")
	conn := r.dial()
	head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, piece := range []string{head[:10], head[10:], "3\r\nabc\r", "\n4;ext=1\r\nde", "fg\r\n0\r\n", "Trailer: x\r\n\r\n"} {
		send(t, conn, piece)
	}
	reader := bufio.NewReader(conn)
	mustEqual(t, "body", readAnswer(t, reader), "abcdefg")
	send(t, conn, post("next"))
	mustEqual(t, "body", readAnswer(t, reader), "next")
}

func wireExpectContinueIsAnswered(t T, l Language) {
	r := serve(t, l, "mirror")
	conn := r.dial()
	send(t, conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	reader := bufio.NewReader(conn)
	mustRead(t, reader, "HTTP/1.1 100 Continue\r\n\r\n")
	send(t, conn, "body")
	mustEqual(t, "body", readAnswer(t, reader), "body")
}

func wireConnectionCloseAndHTTP10(t T, l Language) {
	closesConnections(serve(t, l, "hello"))
}

// closesConnections checks that a runtime with the function hello closes connections when it is told to.
func closesConnections(r *runtime) {
	t := r.t
	t.Helper()
	for _, request := range []string{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"} {
		conn := r.dial()
		send(t, conn, request)
		reader := bufio.NewReader(conn)
		mustEqual(t, "body", readAnswer(t, reader), "Hello, world!\n")
		if _, err := reader.ReadByte(); err == nil {
			t.Fatal("connection stays open")
		}
	}
}

func wireMalformedRequestsAreRefused(t T, l Language) {
	requests := map[string]string{
		"not HTTP":              "\x16\x03\x01\x02\r\n\r\n",
		"no colon":              "GET / HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
		"space before colon":    "GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello",
		"negative length":       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"two lengths":           "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"unknown coding":        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
		"bad chunk":             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
		"control byte in field": "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
		"head without end":      "GET / HTTP/1.1\r\nX-A: " + strings.Repeat("a", 200<<10),
	}
	refuses(t, serve(t, l, "mirror"), requests)
}

func wireLengthBesideChunksIsRefused(t T, l Language) {
	refuses(t, serve(t, l, "mirror"), map[string]string{
		"length and chunked": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	})
}

// refuses sends requests that are not HTTP, and then one that is.
func refuses(t T, r *runtime, requests map[string]string) {
	t.Helper()
	for name, request := range requests {
		conn := r.dial()
		_, _ = conn.Write([]byte(request)) // The refusal may come before the end of a long head.
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			continue // Cut without an answer, which refuses it too.
		}
		res.Body.Close()
		if res.StatusCode < 400 || res.StatusCode == http.StatusInternalServerError {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	wantText(t, r.do(http.MethodPost, "/", []byte("alive")), http.StatusOK, "alive")
}

func wireHeadersOf60Kilobytes(t T, l Language) {
	r := serve(t, l, "echo")
	long := strings.Repeat("a", 60<<10)
	mustEqual(t, "header", echo(t, r.do(http.MethodGet, "/", nil, "X-Long", long)).Headers["x-long"], long)
}

func post(body string) string {
	return "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// readAnswer reads one answer that must be a 200, and returns its body.
func readAnswer(t T, reader *bufio.Reader) string {
	t.Helper()
	res, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "status", res.StatusCode, http.StatusOK)
	return string(body)
}
