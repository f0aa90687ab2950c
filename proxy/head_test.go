package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// crlf turns the line ends of a test into those of the wire.
func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestParseRequest_RefusesWhatReadersCouldUnderstandDifferently(t *testing.T) {
	for name, c := range map[string]struct {
		raw  string
		want error
	}{
		"both lengths":                  {"POST / HTTP/1.1\nHost: h\nContent-Length: 3\nTransfer-Encoding: chunked\n\n", errBadFraming},
		"two lengths":                   {"POST / HTTP/1.1\nHost: h\nContent-Length: 3\nContent-Length: 4\n\n", errBadFraming},
		"two equal lengths":             {"POST / HTTP/1.1\nHost: h\nContent-Length: 3\nContent-Length: 3\n\n", errBadFraming},
		"a list of lengths":             {"POST / HTTP/1.1\nHost: h\nContent-Length: 3, 3\n\n", errBadFraming},
		"a signed length":               {"POST / HTTP/1.1\nHost: h\nContent-Length: +3\n\n", errBadFraming},
		"an empty length":               {"POST / HTTP/1.1\nHost: h\nContent-Length:\n\n", errBadFraming},
		"a hexadecimal length":          {"POST / HTTP/1.1\nHost: h\nContent-Length: 0x3\n\n", errBadFraming},
		"a huge length":                 {"POST / HTTP/1.1\nHost: h\nContent-Length: 9999999999999999999\n\n", errBadFraming},
		"another coding":                {"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: gzip, chunked\n\n", errBadFraming},
		"identity coding":               {"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: identity\n\n", errBadFraming},
		"two codings":                   {"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n", errBadFraming},
		"a disguised coding":            {"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: \vchunked\n\n", errBadHead},
		"a folded line":                 {"GET / HTTP/1.1\nHost: h\nX: a\n b\n\n", errBadHead},
		"a fold at the beginning":       {"GET / HTTP/1.1\n Host: h\n\n", errBadHead},
		"a space before the colon":      {"GET / HTTP/1.1\nHost: h\nContent-Length : 3\n\n", errBadHead},
		"a name with a space":           {"GET / HTTP/1.1\nHost: h\nX Y: 3\n\n", errBadHead},
		"no colon":                      {"GET / HTTP/1.1\nHost: h\nX\n\n", errBadHead},
		"an empty name":                 {"GET / HTTP/1.1\nHost: h\n: x\n\n", errBadHead},
		"a control byte in a value":     {"GET / HTTP/1.1\nHost: h\nX: a\x00b\n\n", errBadHead},
		"a return inside a value":       {"GET / HTTP/1.1\nHost: h\nX: a\rContent-Length: 3\n\n", errBadHead},
		"no host":                       {"GET / HTTP/1.1\nX: y\n\n", errBadHead},
		"two hosts":                     {"GET / HTTP/1.1\nHost: a\nHost: b\n\n", errBadHead},
		"a host with a path":            {"GET / HTTP/1.1\nHost: a/b\n\n", errBadHead},
		"a host with user information":  {"GET / HTTP/1.1\nHost: a@b\n\n", errBadHead},
		"a space in the target":         {"GET /a b HTTP/1.1\nHost: h\n\n", errBadHead},
		"a tab for a space":             {"GET\t/ HTTP/1.1\nHost: h\n\n", errBadHead},
		"two spaces":                    {"GET  / HTTP/1.1\nHost: h\n\n", errBadHead},
		"an absolute target":            {"GET http://x/ HTTP/1.1\nHost: h\n\n", errBadHead},
		"a tunnel":                      {"CONNECT h:1 HTTP/1.1\nHost: h\n\n", errBadHead},
		"an asterisk without OPTIONS":   {"GET * HTTP/1.1\nHost: h\n\n", errBadHead},
		"no version":                    {"GET /\nHost: h\n\n", errBadHead},
		"an old version":                {"GET / HTTP/1.0\nHost: h\n\n", errVersion},
		"a version that does not exist": {"GET / HTTP/1.9\nHost: h\n\n", errVersion},
		"a lower-case version":          {"GET / http/1.1\nHost: h\n\n", errBadHead},
		"an empty line first":           {"\nGET / HTTP/1.1\nHost: h\n\n", errBadHead},
	} {
		t.Run(name, func(t *testing.T) {
			var h head
			if err := h.parseRequest(crlf(c.raw)); !errors.Is(err, c.want) {
				t.Errorf("parseRequest = %v, want %v", err, c.want)
			}
		})
	}
	for name, raw := range map[string]string{
		"bare line feeds":        "GET / HTTP/1.1\nHost: h\n\n",
		"one bare line feed":     "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
		"a bare feed at the end": "GET / HTTP/1.1\r\nHost: h\r\nX: y\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			var h head
			if err := h.parseRequest([]byte(raw)); !errors.Is(err, errBadHead) {
				t.Errorf("parseRequest = %v", err)
			}
		})
	}
}

func TestParseRequest_KnowsLengthAndConnection(t *testing.T) {
	for name, c := range map[string]struct {
		raw                      string
		length                   int64
		chunked, closes, upgrade bool
	}{
		"no body":          {"GET /a?b HTTP/1.1\nHost: h\n\n", -1, false, false, false},
		"a length":         {"POST / HTTP/1.1\nhOST: h\ncontent-LENGTH: \t42 \n\n", 42, false, false, false},
		"chunks":           {"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: Chunked\n\n", -1, true, false, false},
		"close":            {"GET / HTTP/1.1\nHost: h\nConnection: x, Close\n\n", -1, false, true, false},
		"upgrade":          {"GET / HTTP/1.1\nHost: h\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n\n", -1, false, false, true},
		"half an upgrade":  {"GET / HTTP/1.1\nHost: h\nUpgrade: websocket\n\n", -1, false, false, false},
		"upgrade to HTTP2": {"GET / HTTP/1.1\nHost: h\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk\n\n", -1, false, false, false},
		"an asterisk":      {"OPTIONS * HTTP/1.1\nHost: h\n\n", -1, false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var h head
			if err := h.parseRequest(crlf(c.raw)); err != nil {
				t.Fatal(err)
			}
			if h.length != c.length || h.chunked != c.chunked || h.closes != c.closes || h.upgrade != c.upgrade {
				t.Errorf("length %d, chunked %v, closes %v, upgrade %v", h.length, h.chunked, h.closes, h.upgrade)
			}
		})
	}
}

func TestParseResponse_RefusesBadHTTP(t *testing.T) {
	for name, raw := range map[string]string{
		"no status":        "HTTP/1.1 \n\n",
		"a short status":   "HTTP/1.1 20 OK\n\n",
		"a status of text": "HTTP/1.1 abc OK\n\n",
		"a small status":   "HTTP/1.1 099 x\n\n",
		"another protocol": "ICY 200 OK\nX: y\n\n",
		"both lengths":     "HTTP/1.1 200 OK\nContent-Length: 3\nTransfer-Encoding: chunked\n\n",
		"chunks in 1.0":    "HTTP/1.0 200 OK\nTransfer-Encoding: chunked\n\n",
		"a folded line":    "HTTP/1.1 200 OK\nX: a\n b\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			var h head
			if err := h.parseResponse(crlf(raw)); err == nil {
				t.Error("accepted")
			}
		})
	}
	var h head
	if err := h.parseResponse(crlf("HTTP/1.1 204\n\n")); err != nil || h.status != 204 {
		t.Errorf("an answer without a reason: %d, %v", h.status, err)
	}
}

func TestAppendFields_KeepsWhatBelongsToTheMessage(t *testing.T) {
	var h head
	raw := "GET / HTTP/1.1\nHost: h\nConnection: close, X-Private\nKeep-Alive: 5\nA: 1\nTE: trailers\nX-PRIVATE: 2\nB: 3\nx-hotpod-Wait: 7\n" +
		"Proxy-Connection: x\nUpgrade: websocket\nTransfer-Encoding: chunked\nC: 4\n\n"
	if err := h.parseRequest(crlf(raw)); err != nil {
		t.Fatal(err)
	}
	got := string(appendFields(nil, &h, passing{coding: true}, []string{"x-hotpod-*", "b"}))
	if want := string(crlf("Host: h\nA: 1\nTransfer-Encoding: chunked\nC: 4\n")); got != want {
		t.Errorf("fields = %q, want %q", got, want)
	}
}

// FuzzParseRequest holds the parser against net/http's: what we take, it must take too and see the same.
func FuzzParseRequest(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\nHost: h\n\n", "POST /a?b=c HTTP/1.1\nHost: h:80\nContent-Length: 3\nX: y\n\nabc",
		"POST / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n3\nabc\n0\n\n", "GET / HTTP/1.1\nHost: h\nConnection: close, x\n\n",
		"PUT / HTTP/1.1\nHost: h\nContent-Length: 3\nTransfer-Encoding: chunked\n\n", "GET / HTTP/1.1\nHost: h\nX: a\n b\n\n",
	} {
		f.Add(crlf(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		end := bytes.Index(raw, []byte("\r\n\r\n"))
		if end < 0 {
			return
		}
		var h head
		if h.parseRequest(raw[:end+4]) != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			if !strings.Contains(err.Error(), "malformed Host") && !strings.Contains(err.Error(), "invalid URL") && !strings.Contains(err.Error(), "parse ") {
				t.Fatalf("we take what net/http refuses: %q: %v", raw, err)
			}
			return
		}
		length := h.length
		if length < 0 && !h.chunked {
			length = 0
		}
		if r.Method != string(h.method) || r.RequestURI != string(h.target) || r.ContentLength != length || h.chunked != (len(r.TransferEncoding) > 0) {
			t.Fatalf("%q: we see %q %q %d, net/http %q %q %d", raw, h.method, h.target, length, r.Method, r.RequestURI, r.ContentLength)
		}
		for i := range h.fields {
			n, v := string(h.name(&h.fields[i])), string(h.value(&h.fields[i]))
			if h.fields[i].kind == fieldOther && !contains(r.Header.Values(n), v) {
				t.Fatalf("%q: net/http does not see %s: %q", raw, n, v)
			}
		}
	})
}

func contains(list []string, v string) bool {
	// A name that net/http keeps elsewhere, or in another spelling, has no values.
	return len(list) == 0 || slices.Contains(list, v)
}
