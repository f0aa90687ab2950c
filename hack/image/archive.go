package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Annotations by which tools that load an archive learn the image's name.
const (
	annotationRef  = "org.opencontainers.image.ref.name"
	annotationName = "io.containerd.image.name"
)

// Archive writes the image to dir as an OCI archive, NAME.tar, and the list of its contents beside it, NAME.cdx.json.
// It returns the path of the archive.
func Archive(b Built, tag, dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(dir, ".making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	target, err := layout.Write(work, empty.Index)
	if err != nil {
		return "", err
	}
	err = target.AppendImage(b.Image, layout.WithAnnotations(map[string]string{
		annotationRef: tag, annotationName: "docker.io/" + b.Name + ":" + tag,
	}))
	if err != nil {
		return "", fmt.Errorf("write %s: %w", b.Name, err)
	}
	base := filepath.Join(dir, strings.ReplaceAll(path.Base(b.Name), ":", "-"))
	if err := pack(work, base+".tar.new"); err != nil {
		return "", err
	}
	if err := os.WriteFile(base+".cdx.json", b.Bill, 0o600); err != nil {
		return "", err
	}
	return base + ".tar", os.Rename(base+".tar.new", base+".tar")
}

// pack writes the files of a folder into a tar archive, in order of their names and of one time.
func pack(dir, file string) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	archive := tar.NewWriter(out)
	err = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		return packFile(archive, name, filepath.ToSlash(relative))
	})
	if err != nil {
		return err
	}
	return archive.Close()
}

func packFile(archive *tar.Writer, file, name string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: info.Size(), Typeflag: tar.TypeReg}); err != nil {
		return err
	}
	_, err = io.Copy(archive, in)
	return err
}
