package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"hotpod.dev/wire"
)

// layer is a layer of files by their paths; what begins with "-> " is a symbolic link.
func layer(t *testing.T, files map[string]string) v1.Layer {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for file, content := range files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: file, Mode: 0o755, Size: int64(len(content))}
		if to, ok := strings.CutPrefix(content, "-> "); ok {
			h, content = &tar.Header{Typeflag: tar.TypeSymlink, Name: file, Linkname: to}, ""
		}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, content); err != nil {
			t.Fatal(err)
		}
	}
	_ = tw.Close()
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// pushed puts an image into a registry of its own and returns its reference and digest.
func pushed(t *testing.T, guard func(http.Handler) http.Handler) (ref, digest string) {
	t.Helper()
	inside := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	open := httptest.NewServer(inside)
	guarded := httptest.NewServer(guard(inside))
	t.Cleanup(open.Close)
	t.Cleanup(guarded.Close)
	img, err := mutate.AppendLayers(empty.Image,
		layer(t, map[string]string{"app/main.js": "old", "app/gone.js": "x", "etc/passwd": "root"}),
		layer(t, map[string]string{"app/main.js": "new", "app/.wh.gone.js": "", "app/lib/a.js": "a", "app/link.js": "-> main.js"}))
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.ParseReference(strings.TrimPrefix(open.URL, "http://") + "/code:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	sum, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(guarded.URL, "http://") + "/code:1", sum.String()
}

func anybody(h http.Handler) http.Handler { return h }

func code(t *testing.T, s wire.ImageCode) (*Image, []byte) {
	t.Helper()
	img, err := Find(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := img.Write(&out, MaxArchive); err != nil {
		t.Fatal(err)
	}
	return img, out.Bytes()
}

// unpacked returns the files of a compressed tar.
func unpacked(t *testing.T, data []byte) map[string]string {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, _ := io.ReadAll(tr)
		files[h.Name] = string(content)
		if h.Linkname != "" {
			files[h.Name] = "-> " + h.Linkname
		}
	}
}

func TestImage_GivesTheFolderThatTheLayersMake(t *testing.T) {
	ref, digest := pushed(t, anybody)
	img, data := code(t, wire.ImageCode{Image: ref, SubPath: "/app/"})
	want := map[string]string{"main.js": "new", "lib/a.js": "a", "link.js": "-> main.js"}
	if got := unpacked(t, data); img.Digest != digest || !maps.Equal(got, want) {
		t.Errorf("image %s has %v, want %s with %v", img.Digest, got, digest, want)
	}
	if _, again := code(t, wire.ImageCode{Image: ref, Digest: digest, SubPath: "app"}); !bytes.Equal(again, data) {
		t.Error("the same image gave another archive")
	}
	if _, all := code(t, wire.ImageCode{Image: ref}); unpacked(t, all)["etc/passwd"] != "root" {
		t.Error("without a sub-path something is missing")
	}
	if _, file := code(t, wire.ImageCode{Image: ref, SubPath: "app/main.js"}); string(file) != "new" {
		t.Errorf("one file is %q", file)
	}
}

func TestImage_SaysWhatTheOwnerCanMend(t *testing.T) {
	ref, _ := pushed(t, anybody)
	for want, s := range map[string]wire.ImageCode{
		"is no reference":         {Image: "!!"},
		"is not there":            {Image: strings.TrimSuffix(ref, "1") + "2"},
		`has nothing at "/none"`:  {Image: ref, SubPath: "none"},
		"is no .dockerconfigjson": {Image: ref, PullSecrets: [][]byte{[]byte("x")}},
		"0000 is not there: ":     {Image: ref, Digest: "sha256:" + strings.Repeat("0", 64)},
	} {
		img, err := Find(t.Context(), s)
		if err == nil {
			err = img.Write(io.Discard, MaxArchive)
		}
		if _, ok := errors.AsType[*TheirsError](err); !ok || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	if _, err := Find(t.Context(), wire.ImageCode{Image: "127.0.0.1:1/code:1"}); err == nil || errors.As(err, new(*TheirsError)) {
		t.Errorf("a registry that is away: %v", err)
	}
}

func TestImage_TakesCredentialsFromPullSecrets(t *testing.T) {
	ref, _ := pushed(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
				w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		})
	})
	if _, err := Find(t.Context(), wire.ImageCode{Image: ref}); err == nil || !strings.Contains(err.Error(), "imagePullSecrets") {
		t.Errorf("without credentials: %v", err)
	}
	registry, _, _ := strings.Cut(ref, "/")
	for _, secret := range []string{
		`{"auths":{"https://` + registry + `/v1/":{"username":"me","password":"secret"}}}`,
		`{"auths":{"` + registry + `":{"auth":"bWU6c2VjcmV0"}}}`,
	} {
		code(t, wire.ImageCode{Image: ref, SubPath: "app", PullSecrets: [][]byte{[]byte(`{"auths":{"other":{"username":"x"}}}`), []byte(secret)}})
	}
}
