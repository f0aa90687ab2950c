package cli

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	v1 "hotpod.dev/api/v1"
)

// archiveFrom makes an archive of what a user named: a URL, a file, a folder, or several of these and globs,
// which are packed into one zip. sum is the SHA-256 that a URL's answer must have, "" when the user gave none.
func archiveFrom(names []string, sum string) (v1.Archive, error) {
	if len(names) == 1 && isURL(names[0]) {
		return urlArchive(names[0], sum)
	}
	files, err := expand(names)
	if err != nil {
		return v1.Archive{}, err
	}
	data, err := pack(names, files)
	if err != nil {
		return v1.Archive{}, err
	}
	if len(data) == 0 {
		return v1.Archive{}, usagef("%s is empty: a function needs code", strings.Join(names, ", "))
	}
	if len(data) > v1.MaxLiteral {
		return v1.Archive{}, hint(
			fmt.Errorf("%s takes %d kB; code inside a package may take %d kB", strings.Join(names, ", "), len(data)/1024, v1.MaxLiteral/1024),
			"put the archive on a web server and name its URL: --deployarchive https://…")
	}
	return v1.Archive{Type: v1.ArchiveLiteral, Literal: data}, nil
}

func urlArchive(url, sum string) (v1.Archive, error) {
	a := v1.Archive{Type: v1.ArchiveURL, URL: url}
	if sum != "" {
		if len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
			return a, usagef("checksum %q is no SHA-256: give 64 hexadecimal digits, as sha256sum prints them", sum)
		}
		a.Checksum = v1.Checksum{Type: "sha256", Sum: sum}
	}
	return a, nil
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// expand resolves globs; each name must match something.
func expand(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		if isURL(name) {
			return nil, usagef("%s: a URL cannot be packed together with files", name)
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, usagef("%s is not a valid pattern: %v", name, err)
		}
		if len(found) == 0 {
			return nil, &Error{Err: fmt.Errorf("%s: no such file or folder", name), Code: ExitUsage}
		}
		files = append(files, found...)
	}
	return files, nil
}

// pack returns a single file as it is, and anything else as a zip.
func pack(names, files []string) ([]byte, error) {
	if len(files) == 1 && files[0] == names[0] {
		info, err := os.Stat(files[0])
		if err != nil {
			return nil, fmt.Errorf("read code: %w", err)
		}
		if !info.IsDir() {
			return readBounded(files[0], info.Size())
		}
		return zipTrees([]string{files[0]}, files[0])
	}
	return zipTrees(files, ".")
}

// maxUpload bounds what is read into memory; more would be refused anyway.
const maxUpload = 64 << 20

func readBounded(name string, size int64) ([]byte, error) {
	if size > maxUpload {
		return nil, fmt.Errorf("read code: %s takes %d MB, more than %d", name, size>>20, maxUpload>>20)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read code: %w", err)
	}
	return data, nil
}

// zipTrees packs files and folders by their paths below root. The same files give the same bytes.
func zipTrees(roots []string, base string) ([]byte, error) {
	var paths []string
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read code: %w", err)
		}
	}
	slices.Sort(paths)
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, path := range slices.Compact(paths) {
		if err := addFile(zw, path, base); err != nil {
			return nil, fmt.Errorf("pack %s: %w", path, err)
		}
	}
	if err := zw.Close(); err != nil {
		return nil, fmt.Errorf("pack code: %w", err)
	}
	if len(paths) == 0 {
		return nil, nil
	}
	return buf.Bytes(), nil
}

func addFile(zw *zip.Writer, path, base string) error {
	name, err := filepath.Rel(base, path)
	if err != nil {
		return err
	}
	if strings.HasPrefix(name, "..") {
		name = filepath.Base(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate}
	h.SetMode(info.Mode().Perm())
	w, err := zw.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
