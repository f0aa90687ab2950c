package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/storage/image"
)

// layoutScheme says that what --oci names is no image at a registry.
const layoutScheme = "oci-layout:"

// layout returns the OCI layout that --oci names, "" when it names an image at a registry or nothing. No reference begins
// as a path does; a bare name is never taken for a file's.
func (c *codeFlags) layout() (string, error) {
	name := c.oci.Image
	file, ok := strings.CutPrefix(name, layoutScheme)
	switch {
	case ok && file == "":
		return "", usagef("--oci %s: which folder or tar?", name)
	case ok:
	case strings.HasPrefix(name, ".") || filepath.IsAbs(name):
		file = name
	case name != "" && image.IsLayout(name):
		return "", usagef("--oci %s: an OCI layout of that name is here: write ./%s, or name the image with its registry", name, name)
	default:
		return "", nil
	}
	if len(c.ociSecrets) > 0 {
		return "", usagef("--oci-pull-secret is for a registry: %s is a folder or a tar", file)
	}
	return file, nil
}

// layoutArchive makes an archive of the code that is in an OCI layout.
func (a *app) layoutArchive(ctx context.Context, file string, oci v1.OCIArchive) (v1.Archive, error) {
	img, err := image.Layout(file, oci.Digest, oci.SubPath)
	if err != nil {
		return v1.Archive{}, layoutFault(err)
	}
	f, err := os.CreateTemp("", "hotpod-*.archive")
	if err != nil {
		return v1.Archive{}, fmt.Errorf("pack code: %w", err)
	}
	p := &packed{file: f, made: true}
	defer p.close()
	if err := img.Write(f, image.MaxArchive); err != nil {
		return v1.Archive{}, layoutFault(err)
	}
	if p.size, err = f.Seek(0, io.SeekCurrent); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return v1.Archive{}, fmt.Errorf("pack code: %w", err)
	}
	return a.placed(ctx, p, strings.TrimSpace(file+" "+oci.SubPath))
}

// layoutFault tells what is wrong with what the user named from the rest.
func layoutFault(err error) error {
	if e, ok := errors.AsType[*image.TheirsError](err); ok {
		return &Error{Err: e, Code: ExitUsage}
	}
	return err
}
