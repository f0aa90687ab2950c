package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	v1 "hotpod.dev/api/v1"
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

// A tag means one image for all pods of a generation.
func TestArchives_TakeCodeOutOfImages(t *testing.T) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	var asked []wire.ImageCode
	status := http.StatusOK
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var code wire.ImageCode
		if err := json.NewDecoder(r.Body).Decode(&code); err != nil || r.URL.Path != wire.PathImages {
			t.Errorf("%s: %v", r.URL, err)
		}
		asked = append(asked, code)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"id":"abc","digest":"sha256:1"}`))
	}))
	defer store.Close()
	o := options{storage: store.URL, componentNamespace: "fission"}
	source := wire.Code{Image: &wire.ImageCode{Image: "registry/code:1", Package: "uid/1"}}
	all := o.archives(codes(source), signer)
	for range 2 {
		got, err := all.Code(t.Context(), "ns/p", "")
		if err != nil || got.Digest != "abc" || !strings.HasPrefix(got.URL, store.URL) {
			t.Fatalf("code is %+v, %v", got, err)
		}
	}
	if len(asked) != 2 || asked[0].Digest != "" || asked[1].Digest != "sha256:1" {
		t.Errorf("asked for %+v", asked)
	}
	for status = range map[int]bool{http.StatusUnprocessableEntity: true, http.StatusBadGateway: true} {
		_, err := all.Code(t.Context(), "ns/p", "")
		if f, ok := errors.AsType[*wire.Failure](err); !ok || f.Reason != v1.ReasonCodeUnavailable {
			t.Errorf("%d: %v", status, err)
		}
	}
	o.storage = ""
	_, err = o.archives(codes(source), signer).Code(t.Context(), "ns/p", "")
	if f, ok := errors.AsType[*wire.Failure](err); !ok || f.Reason != v1.ReasonArchiveUnsupported {
		t.Errorf("without a store: %v", err)
	}
}
