package xds

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpod.dev/wire"
)

// raw sends bytes to the public listener and returns what comes back; the connection is closed by Envoy or by the end of
// the first answer.
func (r *rig) raw(text string) answered {
	r.t.Helper()
	conn, err := (&net.Dialer{}).DialContext(r.t.Context(), "tcp", r.addr(wire.PortPublic))
	if err != nil {
		return answered{err: err}
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return answered{err: err}
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answered{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	a := answered{err: err, status: res.StatusCode, header: res.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.seen)
	return a
}

// wantError checks the form that all errors of the platform have.
func (a answered) wantError(status int, component, reason string) error {
	var e map[string]any
	err := json.Unmarshal([]byte(a.body), &e)
	switch {
	case a.err != nil:
		return a.err
	case err != nil:
		return fmt.Errorf("%d with the body %.200q: %w", a.status, a.body, err)
	case a.status != status || e["component"] != component || e["reason"] != reason || e["message"] == "":
		return fmt.Errorf("got %d %s, want %d %s/%s", a.status, a.body, status, component, reason)
	case a.header.Get("Content-Type") != "application/json" || a.header.Get(wire.HeaderComponent) != component:
		return fmt.Errorf("headers %v", a.header)
	case a.header.Get(wire.HeaderRequestID) != fmt.Sprint(cmp.Or(e["requestId"], any(""))):
		return fmt.Errorf("the request's ID is %q in the headers, %q in the body", a.header.Get(wire.HeaderRequestID), e["requestId"])
	case slices.Contains(slices.Collect(maps.Values(e)), nil) || slices.Contains(slices.Collect(maps.Values(e)), any("-")):
		return fmt.Errorf("a key without a value: %s", a.body)
	}
	return nil
}

func TestEnvoy_AnswersMalformedRequestsInTheFormOfAllErrors(t *testing.T) {
	r, _, _ := spillRig(t)
	for name, c := range map[string]struct {
		text   string
		status int
		reason string
	}{
		"no host":                 {"GET /f HTTP/1.1\r\n\r\n", 400, "bad_request"},
		"garbage":                 {"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400, "bad_request"},
		"a word alone":            {"hello\r\n\r\n", 400, "bad_request"},
		"negative Content-Length": {"POST /f HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"},
		"a path without a slash":  {"GET f HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"},
		"too large a header":      {"GET /f HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 97<<10) + "\r\n\r\n", 431, "headers_too_large"},
		"too many headers":        {"GET /f HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-A: a\r\n", 1001) + "\r\n", 431, "headers_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.raw(c.text); got.wantError(c.status, "router", c.reason) != nil {
				t.Errorf("%v\nheaders %v", got.wantError(c.status, "router", c.reason), got.header)
			}
		})
	}
	t.Run("the client's own ID comes back", func(t *testing.T) {
		got := r.raw("POST /f HTTP/1.1\r\nHost: x\r\nX-Fission-Request-ID: mine\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
		if err := got.wantError(http.StatusBadRequest, "router", "bad_request"); err != nil || !strings.Contains(got.body, `"requestId":"mine"`) {
			t.Errorf("%v, %s", err, got.body)
		}
	})
}

func TestEnvoy_TakesLargeHeadersUpToItsLimit(t *testing.T) {
	r, _, _ := spillRig(t)
	large := strings.Repeat("a", 90<<10)
	got := r.get("/f", "X-Large", large)
	if err := got.want(http.StatusOK, "pod"); err != nil || got.seen.Header.Get("X-Large") != large {
		t.Errorf("%v, %d bytes arrived", err, len(got.seen.Header.Get("X-Large")))
	}
	many := make([]string, 0, 1800)
	for i := range 900 {
		many = append(many, fmt.Sprintf("X-Many-%d", i), "y")
	}
	if got := r.get("/f", many...); got.want(http.StatusOK, "pod") != nil || got.seen.Header.Get("X-Many-899") != "y" {
		t.Error(got.want(http.StatusOK, "pod"))
	}
}
