package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Push sends the image to the registry as REGISTRY/NAME:TAG, with the credentials of docker login or podman login.
func Push(ctx context.Context, image v1.Image, registry, imageName, tag string) error {
	ref, err := name.ParseReference(strings.TrimSuffix(registry, "/") + "/" + imageName + ":" + tag)
	if err != nil {
		return err
	}
	if err := remote.Write(ref, image, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	return nil
}

// Serve is a registry without rights, for clusters of one's own machine: it offers the archives of the folder until ctx
// ends, each by the name and tag that it was written with, and by the further names in aliases.
func Serve(ctx context.Context, listener net.Listener, dir string, aliases map[string][]string) error {
	archives, err := filepath.Glob(filepath.Join(dir, "*.tar"))
	if err != nil {
		return err
	}
	if len(archives) == 0 {
		return fmt.Errorf("no archives in %s: make images", dir)
	}
	work, err := os.MkdirTemp("", "hotpod-registry-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	blobs := filepath.Join(work, "blobs")
	if err := os.Mkdir(blobs, 0o700); err != nil {
		return err
	}
	server := &http.Server{
		Handler:           registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)), registry.Logger(log.New(io.Discard, "", 0))),
		ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	for _, archive := range archives {
		if err := offer(ctx, archive, work, listener.Addr().String(), aliases); err != nil {
			return errors.Join(err, server.Close(), ignoreClosed(<-ended))
		}
	}
	<-ctx.Done()
	return errors.Join(server.Close(), ignoreClosed(<-ended))
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// offer pushes an archive's images to the registry at the address.
func offer(ctx context.Context, archive, work, address string, aliases map[string][]string) error {
	dir, err := os.MkdirTemp(work, "archive-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := unpackArchive(archive, dir); err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return fmt.Errorf("read %s: %w", archive, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range manifest.Manifests {
		image, err := index.Image(d.Digest)
		if err != nil {
			return err
		}
		repository, tag, _ := strings.Cut(strings.TrimPrefix(d.Annotations[annotationName], "docker.io/"), ":")
		for _, name := range append([]string{repository}, aliases[repository]...) {
			if err := Push(ctx, image, address, name, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

func unpackArchive(file, dir string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	archive := tar.NewReader(in)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("%q leads out of the archive", header.Name)
		}
		target := filepath.Join(dir, header.Name)
		if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
			return err
		}
		if err := unpackTo(target, archive); err != nil {
			return err
		}
	}
}

func unpackTo(file string, r io.Reader) (err error) {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, r)
	return err
}
