package contract

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// echoed is what the function echo says of its request.
type echoed struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

func echo(t T, a answer) echoed {
	t.Helper()
	wantStatus(t, a, http.StatusOK)
	var e echoed
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	return e
}

func callMethodPathQueryHeadersAndBodyArrive(t T, l Language) {
	r := serve(t, l, "echo")
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		a := r.do(method, "/some/path?name=v%20w&empty=", []byte("a body"), "X-Fission-Function-Name", "f", "Content-Type", "text/plain")
		e := echo(t, a)
		mustEqual(t, "method", e.Method, method)
		mustEqual(t, "path", e.Path, "/some/path")
		mustEqual(t, "query", e.Query["name"], "v w")
		mustEqual(t, "header", e.Headers["x-fission-function-name"], "f")
		mustEqual(t, "body", e.Body, base64.StdEncoding.EncodeToString([]byte("a body")))
	}
}

func callHeadHasNoBody(t T, l Language) {
	r := serve(t, l, "hello")
	for range 2 { // The connection stays usable.
		a := r.do(http.MethodHead, "/", nil)
		wantStatus(t, a, http.StatusOK)
		mustEqual(t, "Content-Length", a.header.Get("Content-Length"), "14")
		mustEqual(t, "body", a.text(), "")
	}
	wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
}

func callStatusAndHeadersComeBack(t T, l Language) {
	r := serve(t, l, "reply")
	for _, status := range []int{200, 201, 204, 301, 304, 404, 418, 500, 503} {
		r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		a := r.get("/?status=" + strconv.Itoa(status))
		wantStatus(t, a, status)
		mustEqual(t, "X-Custom", a.header.Get("X-Custom"), "yes")
		mustEqual(t, "cookies", strings.Join(a.header.Values("Set-Cookie"), "; "), "a=1; b=2")
		if status != 204 && status != 304 {
			mustEqual(t, "body", a.text(), "as asked\n")
		}
	}
}

func callBinaryBodiesPassUnchangedBothWays(t T, l Language) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	r := serve(t, l, "mirror")
	for _, contentType := range []string{"application/octet-stream", "image/png", ""} {
		a := r.do(http.MethodPost, "/", every, "Content-Type", contentType)
		wantStatus(t, a, http.StatusOK)
		if !bytes.Equal(a.body, every) {
			t.Errorf("body of type %q changed: %x", contentType, a.body)
		}
	}
}

func callBodyOf20MegabytesInAndOut(t T, l Language) {
	r := serve(t, l, "mirror")
	body := make([]byte, 20<<20)
	if _, err := rand.Read(body); err != nil {
		t.Fatal(err)
	}
	a := r.do(http.MethodPost, "/", body, "Content-Type", "application/octet-stream")
	wantStatus(t, a, http.StatusOK)
	if !bytes.Equal(a.body, body) {
		t.Fatalf("%d bytes came back changed", len(a.body))
	}
}

func callBodyBeyondTheLimitIs413(t T, l Language) {
	r := serve(t, l, "mirror", "BODY_PARSER_LIMIT=1kb")
	wantStatus(t, r.do(http.MethodPost, "/", make([]byte, 1024)), http.StatusOK)
	wantText(t, r.do(http.MethodPost, "/", make([]byte, 1025)), http.StatusRequestEntityTooLarge, "BODY_PARSER_LIMIT")
	wantStatus(t, r.do(http.MethodPost, "/", make([]byte, 5<<20)), http.StatusRequestEntityTooLarge)
	wantStatus(t, r.do(http.MethodPost, "/", make([]byte, 10)), http.StatusOK)
}

func callAnswerOf100Megabytes(t T, l Language) {
	const size = 100 << 20
	r := serve(t, l, "big")
	a := r.get("/?bytes=" + strconv.Itoa(size))
	wantStatus(t, a, http.StatusOK)
	mustEqual(t, "size", len(a.body), size)
}

func callErrorIs500WithItsMessageAndTheNextCallWorks(t T, l Language) {
	r := serve(t, l, "throws")
	wantText(t, r.get("/"), http.StatusInternalServerError, "boom at call")
	r.await("logged with its stack", func() bool { return strings.Contains(r.stderr.String(), "explode") })
	wantText(t, r.get("/fine"), http.StatusOK, "fine")
}

func callErrorMessagesCanBeHidden(t T, l Language) {
	r := serve(t, l, "throws", "HOTPOD_SHOW_ERRORS=false")
	a := r.get("/")
	mustEqual(t, "body", a.text(), "Internal server error\n")
	wantStatus(t, a, http.StatusInternalServerError)
}

func callFunctionThatReturnsNothingIsAnEmpty200(t T, l Language) {
	r := serve(t, l, "nothing")
	a := r.get("/")
	wantStatus(t, a, http.StatusOK)
	mustEqual(t, "body", a.text(), "")
}
