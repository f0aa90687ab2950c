package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Builder makes images. It is not safe for concurrent use.
type Builder struct {
	// Root is the checkout, Cache a folder for packages and layers.
	Root, Cache string
	// Arch is the architecture by Go's and Debian's common names: amd64 or arm64.
	Arch string
	// Programs is a folder of programs that are taken as they are; those that it does not have are compiled.
	Programs string
	// Version goes into programs and labels, Revision into labels.
	Version, Revision string
	// Progress gets a line for each step; nil means silence.
	Progress io.Writer
}

// Built is an image with the list of what is in it.
type Built struct {
	Name  string
	Image v1.Image
	// Bill is the list, in CycloneDX's JSON.
	Bill []byte
}

// Build makes the image of a recipe.
func (b *Builder) Build(ctx context.Context, r Recipe) (Built, error) {
	contents := newBill(r.Name, b.Version)
	layers := make([]v1.Layer, 0, 2)
	if len(r.Packages) > 0 {
		layer, err := b.packages(ctx, r.Packages, contents)
		if err != nil {
			return Built{}, fmt.Errorf("%s: %w", r.Name, err)
		}
		layers = append(layers, layer)
	}
	layer, err := b.files(ctx, r, contents)
	if err != nil {
		return Built{}, fmt.Errorf("%s: %w", r.Name, err)
	}
	image, err := b.assemble(r, append(layers, layer))
	if err != nil {
		return Built{}, fmt.Errorf("%s: %w", r.Name, err)
	}
	text, err := contents.text()
	return Built{Name: r.Name, Image: image, Bill: text}, err
}

// packages returns the layer of the packages, from the cache when their versions are those of last time.
func (b *Builder) packages(ctx context.Context, names []string, contents *bill) (v1.Layer, error) {
	d := debian{cache: filepath.Join(b.Cache, "packages"), arch: b.Arch}
	found, err := d.resolve(ctx, names)
	if err != nil {
		return nil, err
	}
	contents.addPackages(found)
	key := sha256.New()
	fmt.Fprintln(key, layerFormat)
	for _, p := range found {
		fmt.Fprintln(key, p.Name, p.Version, p.Arch)
	}
	file := filepath.Join(b.Cache, "layers", hex.EncodeToString(key.Sum(nil))+".tar.gz")
	if exists(file) {
		return tarball.LayerFromFile(file, tarball.WithMediaType(types.OCILayer))
	}
	b.say("unpacking %d Debian packages for %s", len(found), strings.Join(names, ", "))
	t := tree{}
	if err := d.unpack(ctx, found, t); err != nil {
		return nil, err
	}
	return b.layer(t, file)
}

// layerFormat changes when the same packages shall give another layer.
const layerFormat = 1

// layer writes the tree to the file and returns it as a layer.
func (b *Builder) layer(t tree, file string) (v1.Layer, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	zip, err := gzip.NewWriterLevel(&text, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := t.write(zip); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	temporary := file + fmt.Sprintf(".%d", os.Getpid())
	if err := os.WriteFile(temporary, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, file); err != nil {
		return nil, err
	}
	return tarball.LayerFromFile(file, tarball.WithMediaType(types.OCILayer))
}

// files returns the layer of the recipe's programs and folders.
func (b *Builder) files(ctx context.Context, r Recipe, contents *bill) (v1.Layer, error) {
	t := tree{}
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		if err := t.addPath(name, r.Files[name]); err != nil {
			return nil, err
		}
	}
	for name, target := range r.Links {
		t.add(name, node{mode: fs.ModeSymlink | 0o777, link: target})
	}
	for _, program := range r.Programs {
		binary, err := b.compile(ctx, program)
		if err != nil {
			return nil, err
		}
		if err := contents.addProgram(binary); err != nil {
			return nil, err
		}
		if err := t.addPath(path.Join("/usr/bin", path.Base(program)), binary); err != nil {
			return nil, err
		}
	}
	return b.layer(t, filepath.Join(b.Cache, "layers", path.Base(r.Name)+"-"+b.Arch+".tar.gz"))
}

// compile builds a program as a static binary that depends on its sources only.
func (b *Builder) compile(ctx context.Context, program string) (string, error) {
	if finished := filepath.Join(b.Programs, path.Base(program)); b.Programs != "" && exists(finished) {
		return finished, nil
	}
	out, pkg := filepath.Join(b.Cache, "programs-"+b.Arch, path.Base(program)), program
	if !strings.HasPrefix(pkg, "./") {
		pkg = "./cmd/" + program
	}
	b.say("building %s", program)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X hotpod.dev/wire.version="+b.Version, "-o", out, pkg)
	cmd.Dir = b.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.Arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", program, err, text)
	}
	return out, nil
}

// user is who an image runs as unless the pod says otherwise: nobody in particular, in the group that owns nothing.
const user = "65532:0"

func (b *Builder) assemble(r Recipe, layers []v1.Layer) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(image, layers...)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", b.Arch, v1.Time{Time: time.Unix(0, 0).UTC()}
	file.Config = v1.Config{
		User: user, Entrypoint: r.Entrypoint, WorkingDir: r.WorkDir,
		Env: slices.Concat([]string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp"}, r.Env),
		Labels: map[string]string{
			"org.opencontainers.image.title":    r.Title,
			"org.opencontainers.image.version":  b.Version,
			"org.opencontainers.image.revision": b.Revision,
			"org.opencontainers.image.source":   "https://hotpod.dev",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
	return mutate.ConfigFile(image, file)
}

func (b *Builder) say(format string, args ...any) {
	if b.Progress != nil {
		fmt.Fprintf(b.Progress, format+"\n", args...)
	}
}
