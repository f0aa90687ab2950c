package cli

import (
	"context"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
)

// codeFlags say where code comes from; functions and packages share them.
type codeFlags struct {
	code, deploy, source []string
	deploySum, sourceSum string
	insecure             bool
	buildCommand         string
	oci                  v1.OCIArchive
	ociSecrets           []string
}

func (c *codeFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&c.code, "code", nil, "source file or URL, used as it is")
	f.StringSliceVar(&c.deploy, "deployarchive", nil, "files, globs, folder, archive or URL, ready to be loaded")
	f.StringSliceVar(&c.deploy, "deploy", nil, "same as --deployarchive")
	f.StringSliceVar(&c.source, "sourcearchive", nil, "files, globs, folder, archive or URL, to be built")
	f.StringSliceVar(&c.source, "src", nil, "same as --sourcearchive")
	f.StringVar(&c.deploySum, "deploychecksum", "", "SHA-256 of what the deployment URL answers; computed when missing")
	f.StringVar(&c.sourceSum, "srcchecksum", "", "SHA-256 of what the source URL answers; computed when missing")
	f.BoolVar(&c.insecure, "insecure", false, "take whatever a URL answers, without a checksum")
	f.StringVar(&c.oci.Image, "oci", "", "OCI image that holds the code: at a registry, or an OCI layout (./FOLDER, ./FILE.tar, oci-layout:PATH)")
	f.StringVar(&c.oci.SubPath, "oci-subpath", "", "folder or file in that image; everything when missing")
	f.StringVar(&c.oci.Digest, "oci-digest", "", "digest that the image must have, sha256:…; it chooses one of several in an OCI layout")
	f.StringSliceVar(&c.ociSecrets, "oci-pull-secret", nil, "Secret with credentials for the image's registry")
	f.StringVar(&c.buildCommand, "buildcmd", "", "build command of this package")
}

// given reports whether the user named any code.
func (c *codeFlags) given() bool {
	return len(c.code)+len(c.deploy)+len(c.source) > 0 || c.oci.Image != ""
}

// code is what codeFlags stand for, packed and uploaded where it is large.
type code struct {
	deploy, source *v1.Archive
	buildCommand   string
}

// resolve packs the code, and uploads what is too large for an object. It is done once, before an object is changed.
func (a *app) resolve(ctx context.Context, c *codeFlags) (*code, error) {
	if len(c.code) > 0 && len(c.deploy) > 0 {
		return nil, usagef("give --code or --deployarchive, not both")
	}
	if c.oci.Image != "" && len(c.code)+len(c.deploy)+len(c.source) > 0 {
		return nil, usagef("give --oci or files, not both")
	}
	out := &code{buildCommand: c.buildCommand}
	deploy, err := a.image(ctx, c)
	if err != nil {
		return nil, err
	}
	out.deploy = deploy
	if names := append(append([]string{}, c.code...), c.deploy...); len(names) > 0 {
		archive, err := a.archiveFrom(ctx, names, archiveOptions{sum: c.deploySum, insecure: c.insecure})
		if err != nil {
			return nil, err
		}
		out.deploy = &archive
	}
	if len(c.source) > 0 {
		archive, err := a.archiveFrom(ctx, c.source, archiveOptions{sum: c.sourceSum, insecure: c.insecure, folder: true})
		if err != nil {
			return nil, err
		}
		out.source = &archive
	}
	return out, nil
}

// image is the archive that --oci names, nil without it.
func (a *app) image(ctx context.Context, c *codeFlags) (*v1.Archive, error) {
	if c.oci.Image == "" {
		return nil, nil
	}
	layout, err := c.layout()
	if err != nil {
		return nil, err
	}
	if layout != "" {
		archive, err := a.layoutArchive(ctx, layout, c.oci)
		return &archive, err
	}
	oci := c.oci
	for _, name := range c.ociSecrets {
		oci.ImagePullSecrets = append(oci.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	return &v1.Archive{Type: v1.ArchiveOCI, OCI: &oci}, nil
}

// apply sets the archives of spec.
func (c *code) apply(spec *v1.PackageSpec) {
	if c.deploy != nil {
		spec.Deployment = *c.deploy
	}
	if c.source != nil {
		spec.Source = *c.source // what was built from the last one stays until this one is built
	}
	if c.buildCommand != "" {
		spec.BuildCommand = c.buildCommand
	}
}
