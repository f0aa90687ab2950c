package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// debianPackage is a package at a version.
type debianPackage struct {
	Name, Version, Arch string
	// file is the package in the cache of archives.
	file string
}

// debian makes trees of Debian packages with the machine's own apt and its sources, without installing anything.
type debian struct {
	// cache is the folder of downloaded packages.
	cache string
	arch  string
}

// apt runs apt-get as if nothing were installed, so that it names all that the packages need.
func (d debian) apt(ctx context.Context, args ...string) ([]byte, error) {
	options := []string{
		"-q", "-y", "--no-install-recommends", "-o", "Dir::State::status=/dev/null", "-o", "Dir::Cache::archives=" + d.cache,
		"-o", "Debug::NoLocking=1", "-o", "APT::Architecture=" + d.arch, "-o", "APT::Sandbox::User=root",
	}
	cmd := exec.CommandContext(ctx, "apt-get", slices.Concat(options, args)...)
	var failure bytes.Buffer
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("apt-get %s (needs a Debian machine, and apt-get update once): %w\n%s", strings.Join(args, " "), err, failure.Bytes())
	}
	return out, nil
}

// resolve returns the packages and all that they depend on, downloaded, in order of their names.
func (d debian) resolve(ctx context.Context, names []string) ([]debianPackage, error) {
	if err := os.MkdirAll(filepath.Join(d.cache, "partial"), 0o750); err != nil {
		return nil, err
	}
	planned, err := d.plan(ctx, names)
	if err != nil {
		return nil, err
	}
	packages := d.parse(planned)
	if slices.ContainsFunc(packages, func(p debianPackage) bool { return !exists(p.file) }) {
		if _, err := d.apt(ctx, slices.Concat([]string{"--download-only", "install"}, names)...); err != nil {
			return nil, err
		}
	}
	for _, p := range packages {
		if !exists(p.file) {
			return nil, fmt.Errorf("apt-get did not download %s", p.file)
		}
	}
	slices.SortFunc(packages, func(a, b debianPackage) int { return strings.Compare(a.Name, b.Name) })
	return packages, nil
}

// plan returns what apt-get would do to install the packages. It takes seconds to find out, so the answer is kept until
// the lists of packages are others.
func (d debian) plan(ctx context.Context, names []string) ([]byte, error) {
	const lists = "/var/lib/apt/lists"
	info, err := os.Stat(lists)
	if err != nil {
		return nil, fmt.Errorf("look at apt's lists (needs a Debian machine, and apt-get update once): %w", err)
	}
	key := sha256.Sum256(fmt.Append(nil, d.arch, names, info.ModTime().UnixNano()))
	file := filepath.Join(d.cache, "plan-"+hex.EncodeToString(key[:8]))
	if text, err := os.ReadFile(file); err == nil {
		return text, nil
	}
	planned, err := d.apt(ctx, slices.Concat([]string{"--simulate", "install"}, names)...)
	if err != nil {
		return nil, err
	}
	temporary := fmt.Sprintf("%s.%d", file, os.Getpid())
	if err := os.WriteFile(temporary, planned, 0o600); err != nil {
		return nil, err
	}
	return planned, os.Rename(temporary, file)
}

// parse reads the lines "Inst NAME (VERSION SOURCE [ARCH])" of a simulated installation.
func (d debian) parse(planned []byte) []debianPackage {
	line := regexp.MustCompile(`(?m)^Inst ([^ :]+)(?::\S+)? \((\S+) [^\[]*\[(\w+)\]`)
	found := line.FindAllSubmatch(planned, -1)
	packages := make([]debianPackage, 0, len(found))
	for _, m := range found {
		p := debianPackage{Name: string(m[1]), Version: string(m[2]), Arch: string(m[3])}
		p.file = filepath.Join(d.cache, fmt.Sprintf("%s_%s_%s.deb", p.Name, strings.ReplaceAll(p.Version, ":", "%3a"), p.Arch))
		packages = append(packages, p)
	}
	return packages
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// unpack adds the packages' files to the tree, without documents, and what their scripts would have made.
func (d debian) unpack(ctx context.Context, packages []debianPackage, t tree) error {
	for _, p := range packages {
		if err := unpackOne(ctx, p.file, t); err != nil {
			return fmt.Errorf("unpack %s: %w", p.file, err)
		}
	}
	t.linkMerged()
	t.certificates()
	t.add("tmp", node{mode: fs.ModeDir | fs.ModeSticky | 0o777})
	t.add("etc/passwd", node{mode: 0o644, data: []byte("root:x:0:0:root:/root:/sbin/nologin\nhotpod:x:65532:0:hotpod:/tmp:/sbin/nologin\n")})
	t.add("etc/group", node{mode: 0o644, data: []byte("root:x:0:\n")})
	t.add("etc/nsswitch.conf", node{mode: 0o644, data: []byte("passwd: files\ngroup: files\nhosts: files dns\n")})
	return nil
}

func unpackOne(ctx context.Context, file string, t tree) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err = t.addTar(out, document)
	_, drained := io.Copy(io.Discard, out)
	return errors.Join(err, drained, cmd.Wait())
}

// document reports whether a package's file is for readers only. Copyright files stay.
func document(name string) bool {
	name = strings.TrimPrefix(name, ".")
	for _, dir := range []string{"/usr/share/man/", "/usr/share/locale/", "/usr/share/info/", "/usr/share/lintian/", "/usr/share/bug/"} {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	return strings.HasPrefix(name, "/usr/share/doc/") && path.Base(name) != "copyright" && !strings.HasSuffix(name, "/")
}

// certificates joins the authorities of the package ca-certificates into the file that programs read.
func (t tree) certificates() {
	var bundle []byte
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if strings.HasPrefix(name, "usr/share/ca-certificates/") && strings.HasSuffix(name, ".crt") {
			bundle = append(bundle, t[name].data...)
		}
	}
	if len(bundle) > 0 {
		t.add("etc/ssl/certs/ca-certificates.crt", node{mode: 0o644, data: bundle})
	}
}
