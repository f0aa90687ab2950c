package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// tree is the contents of a layer by path, without a leading slash.
type tree map[string]node

// node is a file, a folder or a symbolic link.
type node struct {
	mode fs.FileMode
	link string
	data []byte
}

// add puts the node at the path and makes the folders above it. Folders of old names below the root (/bin, /lib, …) are
// those below /usr, as in every merged system, so that programs find them by either name.
func (t tree) add(name string, n node) {
	name = merged(strings.Trim(path.Clean("/"+name), "/"))
	if name == "" || n.mode.IsDir() && t[name].mode.IsDir() {
		return
	}
	for dir := path.Dir(name); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, ok := t[dir]; !ok {
			t[dir] = node{mode: fs.ModeDir | 0o755}
		}
	}
	t[name] = n
}

func mergedFolders() []string { return []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} }

func merged(name string) string {
	first, _, _ := strings.Cut(name, "/")
	if slices.Contains(mergedFolders(), first) {
		return "usr/" + name
	}
	return name
}

// linkMerged adds /bin and its like as links into /usr.
func (t tree) linkMerged() {
	for _, name := range mergedFolders() {
		if _, ok := t["usr/"+name]; ok {
			t[name] = node{mode: fs.ModeSymlink | 0o777, link: "usr/" + name}
		}
	}
}

// addTar adds what a tar stream holds, but what skip rejects.
func (t tree) addTar(r io.Reader, skip func(name string) bool) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if skip(header.Name) {
			continue
		}
		n := node{mode: header.FileInfo().Mode(), link: header.Linkname}
		switch header.Typeflag {
		case tar.TypeReg:
			if n.data, err = io.ReadAll(archive); err != nil {
				return fmt.Errorf("read %s: %w", header.Name, err)
			}
		case tar.TypeLink:
			n = t[merged(strings.Trim(path.Clean("/"+header.Linkname), "/"))]
		case tar.TypeDir, tar.TypeSymlink:
		default:
			continue // devices have no place in an image
		}
		t.add(header.Name, n)
	}
}

// addPath adds a file or a folder of this machine.
func (t tree) addPath(name, source string) error {
	return filepath.WalkDir(source, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == "__pycache__" {
			return fs.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		n := node{mode: info.Mode()}
		switch {
		case n.mode.IsRegular():
			n.data, err = os.ReadFile(file)
		case n.mode&fs.ModeSymlink != 0:
			n.link, err = os.Readlink(file)
		}
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		t.add(path.Join(name, filepath.ToSlash(relative)), n)
		return nil
	})
}

// write writes the tree as a tar stream: sorted, of one time, owned by root, readable by everybody and by nobody's
// special rights.
func (t tree) write(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		n := t[name]
		header := &tar.Header{Name: name, Format: tar.FormatPAX}
		switch {
		case n.mode.IsDir():
			header.Typeflag, header.Name, header.Mode = tar.TypeDir, name+"/", 0o755
		case n.mode&fs.ModeSymlink != 0:
			header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, n.link, 0o777
		default:
			header.Typeflag, header.Size, header.Mode = tar.TypeReg, int64(len(n.data)), 0o444|int64(n.mode&0o111)
			if n.mode&0o100 != 0 {
				header.Mode = 0o555
			}
		}
		if n.mode&fs.ModeSticky != 0 {
			header.Mode = 0o1777 // /tmp and its like
		}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(n.data); err != nil {
			return err
		}
	}
	return archive.Close()
}
