package fetcher

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func small() Limits { return Limits{Archive: 1 << 20, Unpacked: 1 << 20, Files: 20, Ratio: 100} }

func TestUnpack_MakesTheTreeOfZipAndTar(t *testing.T) {
	entries := []entry{
		{name: "bin/", mode: fs.ModeDir | 0o700},
		{name: "bin/run", content: "#!/bin/sh", mode: 0o4755},
		{name: "lib/a/b.js", content: "deep"},
		{name: "./top.js", content: "top"},
		{name: "link.js", content: "lib/a/b.js", mode: fs.ModeSymlink | 0o777},
		{name: "lib/up.js", content: "../top.js", mode: fs.ModeSymlink | 0o777},
		{name: "empty"},
	}
	for kind, packed := range map[string][]byte{"zip": zipOf(t, entries...), "tar.gz": tarOf(t, entries...)} {
		t.Run(kind, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tree")
			if _, err := unpack(t.Context(), inMemory(packed), dir, small()); err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"bin/run": "#!/bin/sh", "lib/a/b.js": "deep", "top.js": "top", "link.js": "deep", "lib/up.js": "top", "empty": "",
			} {
				if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
					t.Errorf("%s = %q, %v", name, got, err)
				}
			}
			for name, want := range map[string]fs.FileMode{"bin/run": 0o755, "top.js": 0o644, "bin": fs.ModeDir | 0o755} {
				if info, _ := os.Stat(filepath.Join(dir, name)); info.Mode() != want {
					t.Errorf("mode of %s = %v, want %v", name, info.Mode(), want)
				}
			}
		})
	}
}

func TestUnpack_HardLinksToFilesBefore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tree")
	packed := tarOf(t, entry{name: "a", content: "x"}, entry{name: "d/b", link: "a"})
	if _, err := unpack(t.Context(), inMemory(packed), dir, small()); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "d/b")); string(got) != "x" {
		t.Errorf("linked file = %q", got)
	}
}

func TestUnpack_RefusesWhatIsBrokenOrHostile(t *testing.T) {
	symlink, file := fs.ModeSymlink|0o777, func(name string) entry { return entry{name: name, content: "x"} }
	many := make([]entry, 0, 30)
	for i := range 30 {
		many = append(many, file(fmt.Sprint(i)))
	}
	both := map[string][]entry{
		"parent in name":              {file("../evil")},
		"parent inside name":          {file("a/../../evil")},
		"parent that comes back":      {file("a/../b")},
		"absolute name":               {file("/etc/passwd")},
		"backslashes":                 {file(`..\evil`)},
		"link out":                    {{name: "l", content: "../evil", mode: symlink}},
		"link to an absolute path":    {{name: "l", content: "/etc", mode: symlink}},
		"link out by way of a folder": {{name: "d/l", content: "../../evil", mode: symlink}},
		"file through a link":         {{name: "l", content: ".", mode: symlink}, file("l/x")},
		"file twice":                  {file("a"), file("a")},
		"file twice, spelt apart":     {file("a"), file("./a")},
		"file and folder":             {file("a"), file("a/b")},
		"folder and file":             {file("a/b"), file("a")},
		"link over a file":            {file("a"), {name: "a", content: "b", mode: symlink}},
		"too many entries":            many,
		"too large":                   {{name: "a", content: strings.Repeat("abc", 400_000)}},
		"too large in parts":          {{name: "a", content: strings.Repeat("a", 600_000)}, {name: "b", content: strings.Repeat("b", 600_000)}},
		"a name too long":             {file(strings.Repeat("a", 300))},
		"a path too long":             {file(strings.Repeat("a/", 600) + "b")},
		"a device":                    {{name: "null", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}},
		"a pipe":                      {{name: "p", mode: fs.ModeNamedPipe | 0o666}},
	}
	check := func(name string, packed []byte) {
		t.Run(name, func(t *testing.T) {
			outer := t.TempDir()
			_, err := unpack(t.Context(), inMemory(packed), filepath.Join(outer, "tree"), small())
			var f *fault
			if !errors.As(err, &f) || f.status != http.StatusUnprocessableEntity {
				t.Errorf("unpack = %v", err)
			}
			if left, _ := os.ReadDir(outer); len(left) != 1 {
				t.Errorf("something lies beside the tree: %v", left)
			}
		})
	}
	for name, entries := range both {
		if name == "a device" {
			entries[0].mode = fs.ModeCharDevice | 0o666
			check("tar: "+name, tarOf(t, entries...))
			entries[0].mode |= fs.ModeDevice
			check("zip: "+name, zipOf(t, entries...))
			continue
		}
		check("zip: "+name, zipOf(t, entries...))
		check("tar: "+name, tarOf(t, entries...))
	}
	check("tar: hard link out", tarOf(t, entry{name: "l", link: "../evil"}))
	check("tar: hard link to nothing", tarOf(t, entry{name: "l", link: "later"}, file("later")))
	check("tar: hard link to a link", tarOf(t, entry{name: "s", content: "x", mode: symlink}, entry{name: "l", link: "s"}))
	good := zipOf(t, file("a"), file("b"))
	check("zip: cut off", good[:len(good)-10])
	damaged := zipOf(t, entry{name: "a", content: strings.Repeat("hello", 100)})
	damaged[40] ^= 0xff
	check("zip: damaged", damaged)
	cut := tarOf(t, entry{name: "a", content: strings.Repeat("hello", 1000)})
	check("tar: cut off", cut[:len(cut)-12])
}

func TestUnpack_LinksThatPassThroughLinksStayInside(t *testing.T) {
	link := func(name, target string) entry {
		return entry{name: name, content: target, mode: fs.ModeSymlink | 0o777}
	}
	entries := []entry{{name: "a/b/file", content: "x"}, link("a/b/up", "../.."), link("l", "a/b/up/../evil"), link("m", "a/b/up/../../.."), link("n", "l/../m")}
	for kind, packed := range map[string][]byte{"zip": zipOf(t, entries...), "tar": tarOf(t, entries...)} {
		dir := filepath.Join(t.TempDir(), "tree")
		if _, err := unpack(t.Context(), inMemory(packed), dir, small()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		inspect(t, dir, small())
	}
}

func TestTree_LimitsTheRatioOfLargeArchivesOnly(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ archive, unpacked, want int64 }{
		{archive: 100, unpacked: 1 << 30, want: 16 * mib},
		{archive: 10 * mib, unpacked: 1 << 30, want: 100 * mib},
		{archive: 10 * mib, unpacked: 50 * mib, want: 50 * mib},
		{archive: 100, unpacked: 1 * mib, want: 1 * mib},
	} {
		tree, err := newTree(filepath.Join(t.TempDir(), "tree"), c.archive, Limits{Unpacked: c.unpacked, Ratio: 10, Files: 1})
		if err != nil {
			t.Fatal(err)
		}
		if tree.close(); tree.left != c.want {
			t.Errorf("an archive of %d bytes may unpack to %d, want %d", c.archive, tree.left, c.want)
		}
	}
}

func TestPacked_LeavesOtherFilesAlone(t *testing.T) {
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = w.Write(bytes.Repeat([]byte("no tar "), 200))
	_ = w.Close()
	for name, content := range map[string][]byte{
		"a script": []byte("module.exports = 1"), "nothing": {}, "gzip of something else": gz.Bytes(), "half a magic": []byte("PK"),
		"an ELF file": []byte("\x7fELF"),
	} {
		if packed(inMemory(content)) {
			t.Errorf("%s is taken for an archive", name)
		}
	}
}

func TestUnpack_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := unpack(ctx, inMemory(zipOf(t, entry{name: "a", content: "x"})), filepath.Join(t.TempDir(), "tree"), small())
	var f *fault
	if !errors.As(err, &f) || f.status != http.StatusGatewayTimeout {
		t.Errorf("unpack = %v", err)
	}
}

// FuzzUnpack looks for archives that write outside their tree, leave links that lead out of it, or get past a limit.
func FuzzUnpack(f *testing.F) {
	seeds := []entry{{name: "a/b", content: "x"}, {name: "l", content: "a/b", mode: fs.ModeSymlink | 0o777}, {name: "d/", mode: fs.ModeDir}}
	f.Add(zipOf(f, seeds...))
	f.Add(tarOf(f, seeds...))
	f.Add(tarOf(f, entry{name: "a", content: "x"}, entry{name: "b", link: "a"}))
	f.Add(zipOf(f, entry{name: "../x", content: "x"}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, content []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "tree")
		limits := small()
		limits.Unpacked = 1 << 16
		if !packed(inMemory(content)) {
			return
		}
		_, err := unpack(t.Context(), inMemory(content), dir, limits)
		if left, _ := os.ReadDir(outer); len(left) > 1 {
			t.Fatalf("something lies beside the tree: %v", left)
		}
		if err != nil {
			return
		}
		inspect(t, dir, limits)
	})
}

// inspect fails the test if the tree holds more than it may, or something that leads out of it.
func inspect(t *testing.T, dir string, limits Limits) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	size, files := int64(0), 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			t.Fatal(err)
		}
		info, _ := d.Info()
		switch {
		case d.Type() == fs.ModeSymlink:
			rel, _ := filepath.Rel(dir, path)
			if _, err := root.Stat(rel); err != nil && strings.Contains(err.Error(), "escapes") {
				t.Fatalf("%s leads out: %v", rel, err)
			}
		case d.Type().IsRegular():
			size += info.Size()
			files++
			if info.Mode().Perm()&^0o755 != 0 {
				t.Fatalf("%s has mode %v", path, info.Mode())
			}
		case !d.IsDir():
			t.Fatalf("%s is a %v", path, d.Type())
		}
		return nil
	})
	if size > limits.Unpacked+int64(files) || files > limits.Files {
		t.Fatalf("%d files of %d bytes", files, size)
	}
}
