package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// annotationRef is under which an index of a layout names an image.
const annotationRef = "org.opencontainers.image.ref.name"

// maxManifest is the largest manifest, index or configuration of an image that is read.
const maxManifest = 4 << 20

// IsLayout reports whether a folder or a file is an OCI layout.
func IsLayout(path string) bool {
	_, err := openLayout(path)
	return err == nil
}

// Layout finds an image in an OCI layout: a folder, or a tar of one. The digest is that of an image or of an index of one
// image for several platforms; "" takes the only one that there is.
func Layout(path, digest, subPath string) (*Image, error) {
	l, err := openLayout(path)
	if err != nil {
		return nil, err
	}
	all, err := l.index()
	if err != nil {
		return nil, err
	}
	chosen, err := l.choose(all, digest)
	if err != nil {
		return nil, err
	}
	core, err := l.image(chosen)
	if err != nil {
		return nil, err
	}
	img, err := partial.CompressedToImage(core)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &Image{Digest: chosen.Digest.String(), image: img, sub: cleaned(subPath)}, nil
}

// layout reads the files of an OCI layout. What it reads by a digest has that digest.
type layout struct {
	path string
	open func(name string) (io.ReadSeekCloser, error)
}

func openLayout(path string) (*layout, error) {
	open, err := opener(path)
	if err != nil {
		return nil, err
	}
	l := &layout{path: path, open: open}
	for _, name := range []string{"oci-layout", "index.json"} {
		f, err := open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, theirs("%s is no OCI layout: it has no file %s", path, name)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		_ = f.Close()
	}
	return l, nil
}

// index returns what the layout says is in it.
func (l *layout) index() ([]v1.Descriptor, error) {
	f, err := l.open("index.json")
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", l.path, err)
	}
	text, err := l.small(f)
	if err != nil {
		return nil, err
	}
	return l.manifests("index.json", text)
}

// manifests returns the images and indexes that an index names. What builders attest of an image is none.
func (l *layout) manifests(name string, text []byte) ([]v1.Descriptor, error) {
	var index v1.IndexManifest
	if err := json.Unmarshal(text, &index); err != nil {
		return nil, theirs("%s: %s is no index of images: %v", l.path, name, err)
	}
	return slices.DeleteFunc(index.Manifests, func(d v1.Descriptor) bool {
		return !d.MediaType.IsImage() && !d.MediaType.IsIndex() || d.Platform != nil && d.Platform.OS == "unknown"
	}), nil
}

// choose returns what has the digest, or the only one.
func (l *layout) choose(all []v1.Descriptor, digest string) (v1.Descriptor, error) {
	var names []string
	distinct := map[v1.Hash]bool{}
	for _, d := range all {
		if d.Digest.String() == digest {
			return d, nil
		}
		distinct[d.Digest] = true
		names = append(names, strings.TrimSpace(d.Digest.String()+" "+d.Annotations[annotationRef]))
	}
	switch {
	case digest != "":
		if d, ok, err := l.nested(all, digest); ok || err != nil {
			return d, err
		}
		return v1.Descriptor{}, theirs("%s has no image with the digest %s; it has %s", l.path, digest, listed(names))
	case len(distinct) == 0:
		return v1.Descriptor{}, theirs("%s has no image", l.path)
	case len(distinct) > 1:
		return v1.Descriptor{}, theirs("%s has several images, choose one by --oci-digest: %s", l.path, listed(names))
	}
	return all[0], nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// nested looks for a digest one level down: the image for one of several platforms.
func (l *layout) nested(all []v1.Descriptor, digest string) (d v1.Descriptor, ok bool, err error) {
	for _, above := range all {
		if !above.MediaType.IsIndex() {
			continue
		}
		below, err := l.below(above.Digest)
		if err != nil {
			return d, false, err
		}
		if i := slices.IndexFunc(below, func(d v1.Descriptor) bool { return d.Digest.String() == digest }); i >= 0 {
			return below[i], true, nil
		}
	}
	return d, false, nil
}

func (l *layout) below(index v1.Hash) ([]v1.Descriptor, error) {
	text, err := l.read(index)
	if err != nil {
		return nil, err
	}
	return l.manifests(index.String(), text)
}

// image reads the manifest of an image; of an index it takes the same platform as a registry's client does.
func (l *layout) image(d v1.Descriptor) (*layoutImage, error) {
	text, err := l.read(d.Digest)
	if err != nil {
		return nil, err
	}
	if d.MediaType.IsImage() {
		return &layoutImage{layout: l, mediaType: d.MediaType, manifest: text}, nil
	}
	below, err := l.manifests(d.Digest.String(), text)
	if err != nil {
		return nil, err
	}
	for _, d := range below {
		if p := d.Platform; p == nil || p.OS == "linux" && p.Architecture == "amd64" {
			return l.image(d)
		}
	}
	return nil, theirs("%s holds no image for this platform, linux/amd64", l.path)
}

// layoutImage is an image of a layout.
type layoutImage struct {
	*layout
	mediaType types.MediaType
	manifest  []byte
}

// RawManifest implements partial.CompressedImageCore.
func (i *layoutImage) RawManifest() ([]byte, error) { return i.manifest, nil }

// MediaType implements partial.CompressedImageCore.
func (i *layoutImage) MediaType() (types.MediaType, error) { return i.mediaType, nil }

// RawConfigFile implements partial.CompressedImageCore.
func (i *layoutImage) RawConfigFile() ([]byte, error) {
	m, err := partial.Manifest(i)
	if err != nil {
		return nil, err
	}
	return i.read(m.Config.Digest)
}

// LayerByDigest implements partial.CompressedImageCore.
func (i *layoutImage) LayerByDigest(digest v1.Hash) (partial.CompressedLayer, error) {
	m, err := partial.Manifest(i)
	if err != nil {
		return nil, err
	}
	for _, d := range m.Layers {
		if d.Digest == digest {
			return &layoutLayer{layout: i.layout, d: d}, nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s", digest)
}

// layoutLayer is a layer of an image of a layout.
type layoutLayer struct {
	*layout
	d v1.Descriptor
}

// Digest implements partial.CompressedLayer.
func (l *layoutLayer) Digest() (v1.Hash, error) { return l.d.Digest, nil }

// Compressed implements partial.CompressedLayer.
func (l *layoutLayer) Compressed() (io.ReadCloser, error) { return l.blob(l.d.Digest) }

// Size implements partial.CompressedLayer.
func (l *layoutLayer) Size() (int64, error) { return l.d.Size, nil }

// MediaType implements partial.CompressedLayer.
func (l *layoutLayer) MediaType() (types.MediaType, error) { return l.d.MediaType, nil }
