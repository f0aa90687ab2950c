package main

import (
	"context"
	"net/url"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// codes answers every package with one code.
type codes wire.Code

func (c codes) Code(context.Context, string, string) (wire.Code, error) { return wire.Code(c), nil }

func TestArchives_SignWhatLiesInTheStoreAndNothingElse(t *testing.T) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sign.NewArchiveVerifier(signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	o := options{storage: "http://127.9.0.7:8000", componentNamespace: "fission"}
	get := func(c wire.Code) wire.Code {
		t.Helper()
		got, err := o.archives(codes(c), signer).Code(t.Context(), "ns/p", "")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := get(wire.Code{URL: "http://storagesvc.fission/v1/archive?id=abc"})
	u, err := url.Parse(got.URL)
	if err != nil || u.Host != "127.9.0.7:8000" || got.Digest != "abc" {
		t.Fatalf("code is %+v, %v", got, err)
	}
	if id, err := verifier.Download(u.Query(), time.Now().Add(archiveTime-time.Second)); id != "abc" || err != nil {
		t.Errorf("the URL is for %q: %v", id, err)
	}
	for _, c := range []wire.Code{
		{URL: "https://example.com/v1/archive?id=abc"},
		{Digest: "def", URL: "http://example.com/hello.js"},
		{Digest: "def", Literal: []byte("code")},
	} {
		if got := get(c); got.URL != c.URL || got.Digest != c.Digest {
			t.Errorf("%+v became %+v", c, got)
		}
	}
	o.storage = ""
	if got := get(wire.Code{URL: "http://storagesvc.fission/v1/archive?id=abc"}); got.Digest != "" {
		t.Errorf("without a store: %+v", got)
	}
}
