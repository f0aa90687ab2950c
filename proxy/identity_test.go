package proxy_test

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hotpod.dev/internal/testproxy"
	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

var uuid = regexp.MustCompile("^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")

// identities are what clients send, and what the request is known by then; "" is one that is made up.
func identities() map[string]struct {
	sent             http.Header
	fission, request string
} {
	long := strings.Repeat("x", 193)
	return map[string]struct {
		sent             http.Header
		fission, request string
	}{
		"none":                 {http.Header{}, "", ""},
		"fission's":            {http.Header{"X-Fission-Request-Id": {"a b~"}}, "a b~", "a b~"},
		"the usual one":        {http.Header{"X-Request-Id": {"usual"}}, "usual", "usual"},
		"both":                 {http.Header{"X-Request-Id": {"usual"}, "X-Fission-Request-Id": {"mine"}}, "mine", "usual"},
		"as long as it may be": {http.Header{"X-Fission-Request-Id": {long[:192]}}, long[:192], long[:192]},
		"too long":             {http.Header{"X-Fission-Request-Id": {long}}, "", ""},
		"not ASCII":            {http.Header{"X-Fission-Request-Id": {"caf\u00e9"}}, "", ""},
		"bad, and a good one":  {http.Header{"X-Request-Id": {"usual"}, "X-Fission-Request-Id": {long}}, "usual", "usual"},
		"two":                  {http.Header{"X-Fission-Request-Id": {"one", "two"}}, "one", "one"},
		"a bad usual one":      {http.Header{"X-Request-Id": {long}}, "", long},
		"empty":                {http.Header{"X-Fission-Request-Id": {""}}, "", ""},
	}
}

func TestExchange_KnowsEachRequestByOneID(t *testing.T) {
	seen := make(chan http.Header, 1)
	upstream := testproxy.Backend(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header
		w.Header().Set(wire.HeaderRequestID, "the function's own")
		_, _ = io.WriteString(w, "hi")
	}))
	for protocol, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2": testproxy.HTTP2(t)} {
		address := through(t, upstream, &proxy.Options{})
		for name, c := range identities() {
			t.Run(protocol+" "+name, func(t *testing.T) {
				res := ask(t, client, address, c.sent)
				header := <-seen
				id := header.Get(wire.HeaderRequestID)
				if len(header[http.CanonicalHeaderKey(wire.HeaderRequestID)]) != 1 || !known(id, c.fission) {
					t.Errorf("the function got %q, want %q", header, c.fission)
				}
				if want := c.request; want != "" && header.Get("X-Request-Id") != want || want == "" && header.Get("X-Request-Id") != id {
					t.Errorf("the function got X-Request-Id %q, want %q", header.Get("X-Request-Id"), want)
				}
				if got := res.Header.Values(wire.HeaderRequestID); !slices.Equal(got, []string{id}) {
					t.Errorf("the client got %q, the function %q", got, id)
				}
			})
		}
	}
}

func TestExchange_KeepsTheIDThatAClientWouldHaveRemoved(t *testing.T) {
	seen := make(chan string, 1)
	upstream := answers(t, func(request string) string { seen <- request; return emptyAnswer })
	c := testproxy.Dial(t, through(t, upstream, &proxy.Options{}))
	c.Send("GET / HTTP/1.1\nHost: h\nX-Fission-Request-ID: mine\nConnection: X-Fission-Request-ID, X-Request-Id\n\n")
	c.Answer("GET")
	if got, want := <-seen, "GET / HTTP/1.1\nHost: h\nX-Fission-Request-ID: mine\nX-Request-Id: mine\n\n"; got != want {
		t.Errorf("request = %q, want %q", got, want)
	}
}

// Who asks because of an error needs the ID most.
func TestExchange_TellsTheIDOfWhatFailed(t *testing.T) {
	address := serve(t, func(x proxy.Exchange) { x.Fail(wire.ErrCapacity("full")) })
	for protocol, client := range map[string]*http.Client{"HTTP/1.1": http1(t), "HTTP/2": testproxy.HTTP2(t)} {
		res := ask(t, client, address, http.Header{})
		body, _ := io.ReadAll(res.Body)
		id := res.Header.Get(wire.HeaderRequestID)
		if !uuid.MatchString(id) || !strings.Contains(string(body), `"requestId":"`+id+`"`) {
			t.Errorf("%s: ID %q, body %s", protocol, id, body)
		}
	}
}

func known(id, want string) bool {
	if want == "" {
		return uuid.MatchString(id)
	}
	return id == want
}

func http1(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func ask(t *testing.T, client *http.Client, address string, header http.Header) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}
