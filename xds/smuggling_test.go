package xds

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"hotpod.dev/wire"
)

// hidden is what an attacker would have a pod read as a request of its own.
const hidden = "GET /f/hidden HTTP/1.1\r\nHost: x\r\n\r\n"

func post(header, body string) string {
	return "POST /f HTTP/1.1\r\nHost: x\r\n" + header + "\r\n" + body
}

// framing is what a pod got of a request.
type framing struct {
	path, host, coding string
	lengths            []string
	header             http.Header
}

// framings notes what reaches the pods.
func framings(backends ...*backend8012) chan framing {
	seen := make(chan framing, 1000)
	note := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		seen <- framing{req.RequestURI, req.Host, strings.Join(req.TransferEncoding, ","), req.Header.Values("Content-Length"), req.Header}
		_, _ = io.Copy(io.Discard, req.Body)
		w.WriteHeader(http.StatusNoContent)
	})
	for _, b := range backends {
		b.answer.Store(&note)
	}
	return seen
}

// What two readers could frame in two ways is refused.
func TestEnvoy_RefusesWhatCouldHideASecondRequest(t *testing.T) {
	r, pod, activator := spillRig(t)
	seen := framings(pod, activator)
	for name, text := range map[string]string{
		"both lengths":                       post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"+hidden),
		"both lengths, the other way":        post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"+hidden),
		"two different lengths":              post("Content-Length: 0\r\nContent-Length: 44\r\n", hidden),
		"a list of lengths":                  post("Content-Length: 0, 44\r\n", hidden),
		"a length with a sign":               post("Content-Length: +4\r\n", "abcd"),
		"a length that is none":              post("Content-Length: 4x\r\n", "abcd"),
		"a length in hexadecimal":            post("Content-Length: 0x4\r\n", "abcd"),
		"an enormous length":                 post("Content-Length: 99999999999999999999\r\n", "abcd"),
		"an unknown coding":                  post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"+hidden),
		"chunked and something else":         post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"+hidden),
		"gzip without chunked":               post("Transfer-Encoding: gzip\r\n", "0\r\n\r\n"+hidden),
		"chunked twice":                      post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n"+hidden),
		"a coding after a vertical tab":      post("Transfer-Encoding: \x0bchunked\r\n", "0\r\n\r\n"+hidden),
		"a coding in quotes":                 post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"+hidden),
		"a space before the colon":           post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"+hidden),
		"a space before the colon of length": post("Content-Length : 4\r\n", "abcd"),
		"a null in a value":                  post("X-A: a\x00b\r\n", ""),
		"a name with a space":                post("X A: b\r\n", ""),
		"a line without a colon":             post("Transfer-Encoding\r\n", ""),
		"a negative chunk":                   post("Transfer-Encoding: chunked\r\n", "-1\r\n"+hidden),
		"a chunk that is no number":          post("Transfer-Encoding: chunked\r\n", "zz\r\n"+hidden),
		"a chunk with a prefix":              post("Transfer-Encoding: chunked\r\n", "0x4\r\nabcd\r\n0\r\n\r\n"),
		"a chunk longer than it says":        post("Transfer-Encoding: chunked\r\n", "2\r\nabcd\r\n0\r\n\r\n"),
		"an enormous chunk":                  post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabcd\r\n0\r\n\r\n"),
		"a space in the path":                "GET /f /g HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := r.raw(text)
			if got.err == nil && (got.status < 400 || got.status >= 500 && got.status != http.StatusNotImplemented) {
				t.Errorf("answered %d %q", got.status, got.body)
			}
		})
	}
	if got := r.get("/f/last"); got.status != http.StatusNoContent {
		t.Errorf("afterwards: %+v", got)
	}
	for f := (framing{}); f.path != "/last"; {
		if f = <-seen; f.path == "/hidden" || f.path == "/" && f.coding != "chunked" { // a bad chunk is found when the request is on its way
			t.Errorf("a pod got %+v", f)
		}
	}
}

// Some of what is old or odd Envoy takes, and writes anew: a pod gets one request that can be read in one way.
func TestEnvoy_WritesAnewWhatItTakes(t *testing.T) {
	r, pod, activator := spillRig(t)
	seen := framings(pod, activator)
	for name, text := range map[string]string{
		"a folded line":                post("X-A: b\r\n Transfer-Encoding: chunked\r\n", ""),
		"a folded coding":              post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
		"a carriage return in a value": post("X-A: a\rTransfer-Encoding: chunked\r\n", ""),
		"a coding with HTTP/1.0":       "POST /f HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two hosts":                    "GET /f HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"HTTP/0.9":                     "GET /f\r\n\r\n",
		"HTTP/3.7":                     "GET /f HTTP/3.7\r\nHost: x\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			got := r.raw(text)
			if got.err != nil || got.status != http.StatusNoContent {
				return // refused: as well
			}
			f := <-seen
			lengths := len(f.lengths)
			if f.coding != "" {
				lengths++
			}
			if f.path != "/" || lengths > 1 {
				t.Errorf("the pod got %+v", f)
			}
			for name, values := range f.header {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n") {
					t.Errorf("the pod got %s: %q", name, values)
				}
			}
		})
	}
}

// An upgrade to HTTP/2 is the client's wish only: the request is answered as it came.
func TestEnvoy_DoesNotPassOnAnUpgradeToHTTP2(t *testing.T) {
	r, pod, _ := spillRig(t)
	for name, header := range map[string]string{
		"asked for":  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
		"in a list":  "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
		"h2 as well": "Connection: Upgrade\r\nUpgrade: h2\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			before := pod.hits.Load()
			got := r.raw("GET /f HTTP/1.1\r\nHost: x\r\n" + header + "\r\n")
			if got.err != nil || got.status == http.StatusSwitchingProtocols {
				t.Fatalf("%d %v", got.status, got.err)
			}
			if pod.hits.Load() > before && got.seen.Header.Get("Upgrade")+got.seen.Header.Get("Http2-Settings") != "" {
				t.Errorf("the pod got %v", got.seen.Header)
			}
		})
	}
}

func TestEnvoy_KeepsHopByHopHeadersToItself(t *testing.T) {
	r, _, _ := spillRig(t)
	got := r.raw("GET /f HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nProxy-Connection: keep-alive\r\nX-Mine: yes\r\n\r\n")
	if err := got.want(http.StatusOK, "pod"); err != nil || got.seen.Header.Get("X-Mine") != "yes" {
		t.Fatalf("%v %v", err, got.seen.Header)
	}
	for _, name := range []string{"Connection", "Keep-Alive", "Te", "Proxy-Connection", "Transfer-Encoding", "Upgrade"} {
		if value := got.seen.Header.Get(name); value != "" {
			t.Errorf("the pod got %s: %s", name, value)
		}
	}
	for _, name := range []string{wire.HeaderFunction, "Host"} { // nobody takes away what is ours
		got := r.raw("GET /f HTTP/1.1\r\nHost: x\r\nConnection: " + name + "\r\n\r\n")
		if got.status == http.StatusOK && got.seen.Header.Get(name) == "" {
			t.Errorf("a client had %s removed", name)
		}
	}
}

func TestEnvoy_MatchesEscapesInEitherCase(t *testing.T) {
	r, pod, _ := spillRig(t)
	_ = pod
	for _, name := range []string{"exact", "tree", "template"} {
		r.function(name)
	}
	r.route("exact", routeTo("exact", "/caf\u00e9/a%2fb", false))
	r.route("tree", routeTo("tree", "/tr\u00e9e", true))
	r.route("template", routeTo("template", "/\u00e9/{id}", false))
	for path, want := range map[string][2]string{
		"/caf%C3%A9/a%2Fb": {"exact", "/"}, "/caf%c3%a9/a%2fb": {"exact", "/"}, "/caf%c3%A9/a%2Fb": {"exact", "/"},
		"/tr%C3%A9e/x%2fy": {"tree", "/x%2fy"}, "/tr%c3%a9e/x%2Fy": {"tree", "/x%2Fy"}, "/tr%c3%a9e": {"tree", "/"},
		"/%C3%A9/7": {"template", "/"}, "/%c3%a9/7": {"template", "/"},
	} {
		if err := wantFunction(r.get(path), http.StatusOK, want[0], want[1]); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
