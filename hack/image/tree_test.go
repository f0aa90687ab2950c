package image

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// headers reads a tar stream back as path → mode and link.
func headers(t *testing.T, text []byte) map[string]string {
	t.Helper()
	found := map[string]string{}
	archive := tar.NewReader(bytes.NewReader(text))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
			t.Errorf("%s: owner %d:%d, time %v", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		found[h.Name] = fs.FileMode(h.Mode).String() + " " + h.Linkname
	}
}

func TestTree_MergesFoldersAndLetsAnyUserRead(t *testing.T) {
	var packed bytes.Buffer
	in := tar.NewWriter(&packed)
	for _, h := range []tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./lib/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "./lib/x.so", Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "./bin/su", Typeflag: tar.TypeReg, Mode: 0o4750},
		{Name: "./bin/same", Typeflag: tar.TypeLink, Linkname: "./bin/su"},
		{Name: "./usr/bin/short", Typeflag: tar.TypeSymlink, Linkname: "su"},
		{Name: "./dev/null", Typeflag: tar.TypeChar},
		{Name: "./skipped", Typeflag: tar.TypeReg},
	} {
		if err := in.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	layer := tree{}
	if err := layer.addTar(&packed, func(name string) bool { return name == "./skipped" }); err != nil {
		t.Fatal(err)
	}
	layer.linkMerged()
	layer.add("tmp", node{mode: fs.ModeDir | fs.ModeSticky | 0o777})
	var out bytes.Buffer
	if err := layer.write(&out); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"usr/": "-rwxr-xr-x ", "usr/lib/": "-rwxr-xr-x ", "usr/bin/": "-rwxr-xr-x ", "usr/lib/x.so": "-r--r--r-- ",
		"usr/bin/su": "-r-xr-xr-x ", "usr/bin/same": "-r-xr-xr-x ", "usr/bin/short": "-rwxrwxrwx su",
		"bin": "-rwxrwxrwx usr/bin", "lib": "-rwxrwxrwx usr/lib", "tmp/": fs.FileMode(0o1777).String() + " ",
	}
	if diff := cmp.Diff(want, headers(t, out.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestTree_TakesFoldersWithoutWhatPythonLeftThere(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/b.py", "a/__pycache__/b.pyc", "c"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	layer := tree{}
	if err := layer.addPath("/opt/x", dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"opt/x/a/b.py": true, "opt/x/c": true, "opt/x/a/__pycache__": false, "opt/x/a/__pycache__/b.pyc": false} {
		if _, got := layer[name]; got != want {
			t.Errorf("%s: in the layer %v, want %v", name, got, want)
		}
	}
}
