package storage

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

func TestImages_BecomeArchivesForThePlatformOnly(t *testing.T) {
	var asked atomic.Int64
	inside := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		inside.ServeHTTP(w, r)
	}))
	defer web.Close()
	tag, err := name.ParseReference(strings.TrimPrefix(web.URL, "http://") + "/code:1")
	if err != nil {
		t.Fatal(err)
	}
	img, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	control, err := sign.NewVerifier(wire.ControlStorage, signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *Config) { c.Keys = func() Keys { return Keys{Control: control} } })
	ask := func(s wire.ImageCode, who string) (int, wire.ImageArchive) {
		t.Helper()
		body, _ := json.Marshal(s)
		status, _, text := r.call("POST", wire.PathImages, bytes.NewReader(body), func(q *http.Request) {
			q.Header.Set(sign.Header, signer.Sign(who, "POST", wire.PathImages, body, time.Now().Add(time.Minute)))
		})
		var out wire.ImageArchive
		if status == 200 {
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(err)
			}
		}
		return status, out
	}
	status, got := ask(wire.ImageCode{Image: tag.String()}, wire.ControlStorage)
	if status != 200 || len(r.list()) != 1 || r.list()[0] != got.ID || !strings.HasPrefix(got.Digest, "sha256:") {
		t.Fatalf("%d %+v, the store has %v", status, got, r.list())
	}
	before := asked.Load()
	if status, again := ask(wire.ImageCode{Image: tag.String(), Digest: got.Digest}, wire.ControlStorage); status != 200 || again != got || asked.Load() != before {
		t.Errorf("by its digest, again: %d %+v after %d calls", status, again, asked.Load()-before)
	}
	if status, _, text := r.call("DELETE", "/v1/archive?id="+got.ID, nil); status != 200 {
		t.Fatalf("delete: %d %s", status, text)
	}
	if status, again := ask(wire.ImageCode{Image: tag.String(), Digest: got.Digest}, wire.ControlStorage); status != 200 || again != got || len(r.list()) != 1 {
		t.Errorf("after the archive was deleted: %d %+v", status, again)
	}
	for name, c := range map[string]struct {
		s    wire.ImageCode
		who  string
		want int
	}{
		"a call that was signed for a pod": {wire.ImageCode{Image: tag.String()}, "pod", 401},
		"an image that is not there":       {wire.ImageCode{Image: tag.String() + "2"}, wire.ControlStorage, 422},
		"a registry that is away":          {wire.ImageCode{Image: "127.0.0.1:1/code"}, wire.ControlStorage, 502},
	} {
		if status, _ := ask(c.s, c.who); status != c.want {
			t.Errorf("%s: %d, want %d", name, status, c.want)
		}
	}
	r.server.config.MaxArchive = 100
	if status, _ := ask(wire.ImageCode{Image: tag.String(), SubPath: "/"}, wire.ControlStorage); status != 422 {
		t.Errorf("an image that is too large: %d", status)
	}
}
