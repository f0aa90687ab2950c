package fetcher

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// send makes a control call with a signature that was made for something, and returns the status.
func (p *pod) send(method, path, signature string, body []byte) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.http.URL+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set(sign.Header, signature)
	status, _ := do(p.t, req)
	return status
}

// A function that got hold of a call to its own fetcher, or of one to another pod's, gets nothing by it.
func TestControlCalls_RepeatedOrMovedDoNothing(t *testing.T) {
	p, neighbour := newPod(t), newPod(t)
	sealed := func(to *pod, name string) []byte {
		plain, err := json.Marshal(hello(name, "code"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := sign.Seal(to.server.opener.PublicKey(), plain)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	soon, past := time.Now().Add(sign.TTL), time.Now().Add(-time.Second)
	first, second := sealed(p, "first"), sealed(p, "second")
	signature := p.signer.Sign("pod-1", http.MethodPost, wire.PathSpecialize, first, soon)
	for what, c := range map[string]struct {
		method, path, signature string
		body                    []byte
		want                    int
	}{
		"too late":          {"POST", wire.PathSpecialize, p.signer.Sign("pod-1", "POST", wire.PathSpecialize, first, past), first, http.StatusUnauthorized},
		"for another pod":   {"POST", wire.PathSpecialize, p.signer.Sign("pod-2", "POST", wire.PathSpecialize, first, soon), first, http.StatusUnauthorized},
		"by another key":    {"POST", wire.PathSpecialize, neighbour.signer.Sign("pod-1", "POST", wire.PathSpecialize, first, soon), first, http.StatusUnauthorized},
		"with another body": {"POST", wire.PathSpecialize, signature, second, http.StatusUnauthorized},
		"to another path":   {"GET", wire.PathIdentity, signature, first, http.StatusUnauthorized},
	} {
		if got := p.send(c.method, c.path, c.signature, c.body); got != c.want {
			t.Errorf("%s: %d, want %d", what, got, c.want)
		}
	}
	theirs := sealed(neighbour, "theirs")
	if got := p.send("POST", wire.PathSpecialize, p.signer.Sign("pod-1", "POST", wire.PathSpecialize, theirs, soon), theirs); got != http.StatusBadRequest {
		t.Errorf("what only a neighbour can open: %d", got)
	}
	if p.identity().Held != nil || len(p.loads) > 0 {
		t.Fatal("a refused call specialized the pod")
	}
	for range 2 { // the second is the same call, repeated
		if got := p.send("POST", wire.PathSpecialize, signature, first); got != http.StatusOK {
			t.Errorf("the call itself: %d", got)
		}
	}
	if got := p.send("POST", wire.PathSpecialize, p.signer.Sign("pod-1", "POST", wire.PathSpecialize, second, soon), second); got != http.StatusConflict {
		t.Errorf("another function: %d", got)
	}
	if held := p.identity().Held; held == nil || held.Function.Name != "first" || len(p.loads) != 1 {
		t.Errorf("the pod holds %+v after %d loads", held, len(p.loads))
	}
}
