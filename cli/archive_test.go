package cli

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// entries returns the names in a zip.
func entries(t *testing.T, p *packed) (names []string) {
	t.Helper()
	zr, err := zip.NewReader(p.file, p.size)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		names = append(names, f.Name)
	}
	return names
}

func pack(t *testing.T, folder bool, names ...string) *packed {
	t.Helper()
	p, err := packer().pack(names, names, folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p
}

func TestPack_LeavesOutWhatTheIgnoreFileSays(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"main.js", "lib/a.js", "lib/a.log", "keep.log", "node_modules/x/index.js", "lib/node_modules/y.js", "build/out.js", "src/build/in.js",
		".git/config", ".env",
	} {
		write(t, dir, name, name)
	}
	write(t, dir, ignoreFile, "# what is not code\nnode_modules/\n*.log\n!keep.log\n/build\n.env\n")
	want := []string{"keep.log", "lib/a.js", "main.js", "src/build/in.js"}
	if got := entries(t, pack(t, false, dir)); !slices.Equal(got, want) {
		t.Errorf("packed are %v, want %v", got, want)
	}
}

func TestPack_LeavesLinksOut(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "main.js", "1")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "passwd")); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, pack(t, false, dir)); !slices.Equal(got, []string{"main.js"}) {
		t.Errorf("packed are %v", got)
	}
}

func TestPack_GivesTheSameDigestOnAnyMachine(t *testing.T) {
	digest := func(mode os.FileMode, at time.Time) string {
		dir := t.TempDir()
		for _, name := range []string{"b.sh", "a/c.js"} {
			path := write(t, dir, name, name)
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, at, at); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := pack(t, false, dir).digest()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	one := digest(0o600, time.Unix(1e9, 0))
	if other := digest(0o664, time.Unix(2e9, 0)); other != one {
		t.Error("times or rights changed the digest")
	}
	if other := digest(0o755, time.Unix(1e9, 0)); other == one {
		t.Error("whether a file can be executed is lost")
	}
}

func TestPack_MakesAFolderOfWhatIsBuilt(t *testing.T) {
	dir := t.TempDir()
	plain := write(t, dir, "func.go", "package main")
	if got := entries(t, pack(t, true, plain)); !slices.Equal(got, []string{"func.go"}) {
		t.Errorf("a source file is packed as %v", got)
	}
	if p := pack(t, false, plain); p.made || p.size != 12 {
		t.Errorf("a file to be loaded became %+v", p)
	}
	archive := pack(t, false, dir)
	if p := pack(t, true, archive.file.Name()); p.made || p.size != archive.size {
		t.Errorf("an archive was packed again")
	}
}
