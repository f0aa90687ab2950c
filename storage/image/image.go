// Package image takes code out of OCI images: a folder of the image's file system as a compressed tar, or one file of it as
// it is. The archive store finds images at registries, the command line in OCI layouts. Layers are read as they come, and
// nothing is held in memory.
package image

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"hotpod.dev/wire"
)

// MaxArchive is the largest archive that fetchers take by default.
const MaxArchive = 512 << 20

// TheirsError is a failure that the package's owner can mend.
type TheirsError struct{ message string }

// Error implements error.
func (e *TheirsError) Error() string { return e.message }

func theirs(format string, args ...any) error { return &TheirsError{fmt.Sprintf(format, args...)} }

// Image is code in an image that was found.
type Image struct {
	// Digest of the image, "sha256:…".
	Digest string
	image  v1.Image
	sub    string
}

// Find asks the registry for an image. Registries on this machine are spoken to without TLS.
func Find(ctx context.Context, s wire.ImageCode) (*Image, error) {
	ref, err := name.ParseReference(s.Image)
	if err != nil {
		return nil, theirs("%q is no reference of an image: %v", s.Image, err)
	}
	if s.Digest != "" {
		ref = ref.Context().Digest(s.Digest)
	}
	auth, err := authenticator(ref.Context().RegistryStr(), s.PullSecrets)
	if err != nil {
		return nil, err
	}
	found, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuth(auth))
	if err != nil {
		return nil, explain(ref, err)
	}
	img, err := found.Image()
	if err != nil {
		return nil, theirs("%s holds no image for this platform: %v", ref, err)
	}
	return &Image{Digest: found.Digest.String(), image: img, sub: cleaned(s.SubPath)}, nil
}

// explain tells the owner's faults from the registry's.
func explain(ref name.Reference, err error) error {
	refused, ok := errors.AsType[*transport.Error](err)
	if !ok || refused.StatusCode >= http.StatusInternalServerError || refused.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("read image %s: %w", ref, err)
	}
	if refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden {
		return theirs("the registry does not give image %s: name a Secret with credentials in oci.imagePullSecrets", ref)
	}
	return theirs("image %s is not there: %v", ref, err)
}

// cleaned returns a path as it stands in an image.
func cleaned(file string) string { return strings.TrimPrefix(path.Clean("/"+file), "/") }

// Write writes the code to w: a compressed tar, or the file that the sub-path names, of limit bytes at most. The same image
// gives the same bytes.
func (i *Image) Write(w io.Writer, limit int64) error {
	files := mutate.Extract(i.image)
	defer files.Close()
	out := &writer{raw: &bounded{w: w, limit: limit, left: limit}, sub: i.sub}
	for in := tar.NewReader(files); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, files) // a layer that cannot be read ends the tar too; why is behind its end
			if err == nil {
				return out.finish()
			}
		}
		if err != nil {
			return fmt.Errorf("read image: %w", err)
		}
		if done, err := out.add(h, in); done || err != nil {
			return err
		}
	}
}

// bounded refuses to write more than a limit.
type bounded struct {
	w           io.Writer
	limit, left int64
}

// Write implements io.Writer.
func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, theirs("the archive is larger than the %d bytes allowed", b.limit)
	}
	return b.w.Write(p)
}

// writer writes what lies below a path.
type writer struct {
	raw     io.Writer
	sub     string
	zip     *gzip.Writer
	tar     *tar.Writer
	entries int
}

// add writes an entry of the image; done says that it was the one file that is wanted.
func (w *writer) add(h *tar.Header, content io.Reader) (done bool, err error) {
	file := cleaned(h.Name)
	if w.sub != "" && file == w.sub && h.Typeflag == tar.TypeReg {
		_, err := io.Copy(w.raw, content)
		return true, err
	}
	inside, ok := w.below(file)
	if !ok {
		return false, nil
	}
	out := &tar.Header{Typeflag: h.Typeflag, Name: inside, Mode: 0o644 | h.Mode&0o111, Format: tar.FormatPAX}
	switch h.Typeflag {
	case tar.TypeReg:
		out.Size = h.Size
	case tar.TypeSymlink:
		out.Linkname = h.Linkname
	case tar.TypeLink:
		if out.Linkname, ok = w.below(cleaned(h.Linkname)); !ok {
			return false, theirs("%s in the image is a link to a file outside of %s", file, w.sub)
		}
	default: // folders come with what is in them; devices are no code
		return false, nil
	}
	if w.tar == nil {
		w.zip, _ = gzip.NewWriterLevel(w.raw, gzip.BestSpeed)
		w.tar = tar.NewWriter(w.zip)
	}
	w.entries++
	if err := w.tar.WriteHeader(out); err != nil {
		return false, fmt.Errorf("pack image: %w", err)
	}
	if _, err := io.Copy(w.tar, content); err != nil {
		return false, fmt.Errorf("pack image: %w", err)
	}
	return false, nil
}

// below returns the path below the wanted one.
func (w *writer) below(file string) (string, bool) {
	if w.sub == "" {
		return file, file != ""
	}
	return strings.CutPrefix(file, w.sub+"/")
}

func (w *writer) finish() error {
	if w.entries == 0 {
		return theirs("the image has nothing at %q", "/"+w.sub)
	}
	if err := errors.Join(w.tar.Close(), w.zip.Close()); err != nil {
		return fmt.Errorf("pack image: %w", err)
	}
	return nil
}
