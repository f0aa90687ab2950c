package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// imageOf is an image of one layer.
func imageOf(t *testing.T, files map[string]string) v1.Image {
	t.Helper()
	img, err := mutate.AppendLayers(empty.Image, layer(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// written writes a layout of what add appends to it.
func written(t *testing.T, add func(ocilayout.Path) error) string {
	t.Helper()
	dir := t.TempDir()
	l, err := ocilayout.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := add(l); err != nil {
		t.Fatal(err)
	}
	return dir
}

// tarred is a tar of a folder, with names as tar -C writes them.
func tarred(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "layout.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

// fromLayout returns the code in a layout.
func fromLayout(path, digest, sub string) ([]byte, error) {
	img, err := Layout(path, digest, sub)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = img.Write(&out, MaxArchive)
	return out.Bytes(), err
}

func TestLayout_GivesTheSameAsARegistry(t *testing.T) {
	img, err := mutate.AppendLayers(empty.Image,
		layer(t, map[string]string{"app/main.js": "old", "app/gone.js": "x", "etc/passwd": "root"}),
		layer(t, map[string]string{"app/main.js": "new", "app/.wh.gone.js": ""}))
	if err != nil {
		t.Fatal(err)
	}
	dir := written(t, func(l ocilayout.Path) error { return errors.Join(l.AppendImage(img), l.AppendImage(img)) })
	for _, path := range []string{dir, tarred(t, dir)} {
		for _, sum := range []string{"", digest(t, img)} {
			data, err := fromLayout(path, sum, "/app/")
			if err != nil {
				t.Fatal(err)
			}
			if got := unpacked(t, data); !maps.Equal(got, map[string]string{"main.js": "new"}) {
				t.Errorf("%s has %v", path, got)
			}
			if file, err := fromLayout(path, sum, "app/main.js"); err != nil || string(file) != "new" {
				t.Errorf("one file is %q: %v", file, err)
			}
		}
		if !IsLayout(path) {
			t.Errorf("%s is no layout", path)
		}
	}
}

func TestLayout_TakesTheImageOfThePlatform(t *testing.T) {
	arm, amd := imageOf(t, map[string]string{"f": "arm64"}), imageOf(t, map[string]string{"f": "amd64"})
	var index v1.ImageIndex = empty.Index
	for _, child := range []struct {
		img  v1.Image
		os   string
		arch string
	}{{imageOf(t, map[string]string{"f": "attested"}), "unknown", "unknown"}, {arm, "linux", "arm64"}, {amd, "linux", "amd64"}} {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: child.img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: child.os, Architecture: child.arch}},
		})
	}
	dir := written(t, func(l ocilayout.Path) error { return l.AppendIndex(index) })
	for sum, want := range map[string]string{"": "amd64", digest(t, index): "amd64", digest(t, arm): "arm64"} {
		if got, err := fromLayout(dir, sum, "f"); err != nil || string(got) != want {
			t.Errorf("%q gives %q, want %s: %v", sum, got, want, err)
		}
	}
	only := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{
		Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}},
	})
	dir = written(t, func(l ocilayout.Path) error { return l.AppendIndex(only) })
	if _, err := fromLayout(dir, "", "f"); err == nil || !strings.Contains(err.Error(), "linux/amd64") {
		t.Errorf("without an image for the platform: %v", err)
	}
}

func TestLayout_SaysWhatItsOwnerCanMend(t *testing.T) {
	one, two := imageOf(t, map[string]string{"f": "1"}), imageOf(t, map[string]string{"f": "2"})
	single := written(t, func(l ocilayout.Path) error { return l.AppendImage(one) })
	several := written(t, func(l ocilayout.Path) error {
		return errors.Join(l.AppendImage(one), l.AppendImage(two, ocilayout.WithAnnotations(map[string]string{annotationRef: "second"})))
	})
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, bytes.Repeat([]byte("no tar "), 200), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct{ path, digest, sub string }{
		"no such file":                            {filepath.Join(single, "none"), "", ""},
		"it has no file oci-layout":               {t.TempDir(), "", ""},
		"neither a folder nor a tar":              {text, "", ""},
		"by --oci-digest: " + digest(t, one):      {several, "", "f"},
		digest(t, two) + " second":                {several, "", "f"},
		"has no image with the digest sha256:000": {single, "sha256:" + strings.Repeat("0", 64), ""},
		"it has " + digest(t, one):                {single, digest(t, two), ""},
		`has nothing at "/none"`:                  {single, "", "none"},
		"has no image":                            {written(t, func(ocilayout.Path) error { return nil }), "", ""},
	} {
		if _, err := fromLayout(c.path, c.digest, c.sub); err == nil || !errors.As(err, new(*TheirsError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if got, err := fromLayout(several, digest(t, two), "f"); err != nil || string(got) != "2" {
		t.Errorf("chosen by its digest: %q, %v", got, err)
	}
}

func TestLayout_RefusesWhatHasAnotherDigest(t *testing.T) {
	img := imageOf(t, map[string]string{"f": "1"})
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]interface{ Digest() (v1.Hash, error) }{"manifest": img, "layer": layers[0]} {
		dir := written(t, func(l ocilayout.Path) error { return l.AppendImage(img) })
		file := filepath.Join(dir, "blobs", "sha256", strings.TrimPrefix(digest(t, of), "sha256:"))
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(f, " ")
		_ = f.Close()
		if _, err := fromLayout(dir, "", "f"); err == nil || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("another %s: %v", name, err)
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if _, err := fromLayout(dir, "", "f"); err == nil || !strings.Contains(err.Error(), "is not complete") {
			t.Errorf("no %s: %v", name, err)
		}
	}
}

func TestImage_IsBounded(t *testing.T) {
	dir := written(t, func(l ocilayout.Path) error { return l.AppendImage(imageOf(t, map[string]string{"app/f": "12345"})) })
	for _, sub := range []string{"app", "app/f"} {
		img, err := Layout(dir, "", sub)
		if err != nil {
			t.Fatal(err)
		}
		if err := img.Write(io.Discard, 4); !errors.As(err, new(*TheirsError)) {
			t.Errorf("%s, larger than allowed: %v", sub, err)
		}
		if err := img.Write(io.Discard, 1<<10); err != nil {
			t.Errorf("%s: %v", sub, err)
		}
	}
}
