package perf

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

func TestSimulatedIP_IsEachPodsOwn(t *testing.T) {
	seen := map[netip.Addr]bool{}
	for n := range uint32(70_000) {
		ip := simulatedIP(n)
		if seen[ip] || !ip.IsLoopback() {
			t.Fatalf("address %s of pod %d", ip, n)
		}
		seen[ip] = true
	}
}

func TestSimulatedPods_FetcherTakesOneFunctionInSignedCalls(t *testing.T) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	s := &simulatedPods{
		key: signer.PublicKey(), pods: map[netip.Addr]*simulatedPod{}, hot: map[string][]*simulatedPod{}, arrived: make(chan struct{}),
	}
	server := httptest.NewServer(s.dispatch((*simulatedPod).serveFetcher))
	defer server.Close()
	call := func(method, path, pod string, body []byte, out any) int {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), method, server.URL+path, bytes.NewReader(body))
		req.Header.Set(sign.Header, signer.Sign(pod, method, path, body, time.Now().Add(sign.TTL)))
		res, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		if out != nil && res.StatusCode == http.StatusOK {
			if err := json.Unmarshal(text, out); err != nil {
				t.Errorf("%s: %v in %s", path, err, text)
			}
		}
		return res.StatusCode
	}
	self := podUIDOf(netip.MustParseAddr("127.0.0.1"))
	if status := call(http.MethodGet, wire.PathIdentity, "pod-127.0.0.2", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("a call for another pod: %d", status)
	}
	var id wire.Identity
	if status := call(http.MethodGet, wire.PathIdentity, self, nil, &id); status != http.StatusOK || id.PodUID != self || id.Held != nil {
		t.Fatalf("identity: %d %+v", status, id)
	}
	specialize := func(n int) int {
		plain, _ := json.Marshal(wire.SpecializeRequest{Held: wire.Held{Function: simulatedID(n), Generation: 1}, TimeoutMillis: 1000})
		sealed, err := sign.Seal(id.SealKey, plain)
		if err != nil {
			t.Fatal(err)
		}
		return call(http.MethodPost, wire.PathSpecialize, self, sealed, nil)
	}
	for i, want := range []int{http.StatusOK, http.StatusConflict, http.StatusOK} {
		if status := specialize(1 + i%2); status != want {
			t.Errorf("call %d: %d, want %d", i, status, want)
		}
	}
	if pods, _ := s.podsOf(simulatedID(1).UID); len(pods) != 1 {
		t.Errorf("%d pods hold the function", len(pods))
	}
}
