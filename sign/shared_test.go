package sign

import (
	"crypto/sha256"
	"errors"
	"net/http"
	"testing"
	"time"
)

func sharedKey(t *testing.T, master, service, namespace string) SharedKey {
	t.Helper()
	k, err := NewSharedKey([]byte(master), service, namespace)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// The value was computed apart from this code, by the description of the scheme.
func TestSharedKey_SignsAsFissionDoes(t *testing.T) {
	h := http.Header{}
	sharedKey(t, "master", "storagesvc", "").Sign(h, "POST", "/v1/archive?id=a", sha256.Sum256([]byte("body")), time.Unix(1_700_000_030, 0))
	const want = "aa2c9ad07f2eff3ea7be596446f7c73a71aca8803114c6a2c5627b3ee75ce622"
	if got := h.Get(HeaderSharedSignature); got != want || h.Get(HeaderSharedTime) != "1700000030" {
		t.Errorf("signature is %s at %s, want %s", got, h.Get(HeaderSharedTime), want)
	}
}

func TestSharedKey_AcceptsOnlyTheCallThatWasSigned(t *testing.T) {
	key := sharedKey(t, "master", "storagesvc", "")
	now := time.Unix(1_700_000_000, 0)
	sum := sha256.Sum256([]byte("body"))
	h := http.Header{}
	key.Sign(h, "PUT", "/v1/archive", sum, now)
	for name, c := range map[string]struct {
		key         SharedKey
		method, uri string
		sum         [sha256.Size]byte
		now         time.Time
		want        error
	}{
		"the call itself":   {key, "PUT", "/v1/archive", sum, now, nil},
		"a minute later":    {key, "PUT", "/v1/archive", sum, now.Add(time.Minute), nil},
		"two minutes later": {key, "PUT", "/v1/archive", sum, now.Add(2 * time.Minute), ErrExpired},
		"two minutes early": {key, "PUT", "/v1/archive", sum, now.Add(-2 * time.Minute), ErrExpired},
		"another method":    {key, "GET", "/v1/archive", sum, now, ErrSignature},
		"another query":     {key, "PUT", "/v1/archive?id=x", sum, now, ErrSignature},
		"another body":      {key, "PUT", "/v1/archive", sha256.Sum256(nil), now, ErrSignature},
		"another service":   {sharedKey(t, "master", "fetcher", ""), "PUT", "/v1/archive", sum, now, ErrSignature},
		"a tenant's key":    {sharedKey(t, "master", "storagesvc", "team"), "PUT", "/v1/archive", sum, now, ErrSignature},
		"another master":    {sharedKey(t, "other", "storagesvc", ""), "PUT", "/v1/archive", sum, now, ErrSignature},
	} {
		if err := c.key.Check(h, c.method, c.uri, c.sum, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := key.Check(http.Header{}, "PUT", "/v1/archive", sum, now); !errors.Is(err, ErrSignature) {
		t.Errorf("no signature: %v", err)
	}
}
