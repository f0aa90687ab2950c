package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// glob is a pattern of slash-separated paths, as path.Match knows them, with "**" for any number of folders. A pattern
// that matches a folder matches all that is in it.
type glob string

type globs []glob

func (g globs) match(name string) bool {
	return slices.ContainsFunc(g, func(p glob) bool { return p.match(name) })
}

func (g glob) match(name string) bool {
	return matchSteps(strings.Split(string(g), "/"), strings.Split(name, "/"))
}

func matchSteps(pattern, name []string) bool {
	if len(pattern) == 0 {
		return true // what is below a match
	}
	if pattern[0] == "**" {
		for i := range len(name) + 1 {
			if matchSteps(pattern[1:], name[i:]) && (len(pattern) > 1 || i < len(name)) {
				return true
			}
		}
		return false
	}
	if len(name) == 0 {
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matchSteps(pattern[1:], name[1:])
}

// below reports whether anything in a folder can match.
func (g globs) below(folder string) bool {
	steps := strings.Split(folder, "/")
	return slices.ContainsFunc(g, func(p glob) bool { return leadsTo(strings.Split(string(p), "/"), steps) })
}

// leadsTo reports whether a pattern can match something in a folder.
func leadsTo(pattern, folder []string) bool {
	if len(folder) == 0 || len(pattern) == 0 || pattern[0] == "**" {
		return true
	}
	ok, err := path.Match(pattern[0], folder[0])
	return ok && err == nil && leadsTo(pattern[1:], folder[1:])
}

// Root returns the folder that the archive's globs are relative to.
func (a *Archive) Root(specDir string) string {
	parent := filepath.Dir(filepath.Clean(specDir))
	switch {
	case a.RootDir == "":
		return parent
	case filepath.IsAbs(a.RootDir):
		return a.RootDir
	default:
		return filepath.Join(parent, a.RootDir)
	}
}

// Files returns the archive's files in order, slash-separated and relative to Root.
func (a *Archive) Files(specDir string) ([]string, error) {
	include, exclude := clean(a.Include), clean(a.Exclude)
	for _, g := range slices.Concat(include, exclude) {
		if _, err := path.Match(string(g), ""); err != nil {
			return nil, fmt.Errorf("%s: archive %s: %q is not a valid pattern", a.at, a.Name, g)
		}
	}
	root := a.Root(specDir)
	var files []string
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil || rel == "." {
			return err
		}
		name := filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (exclude.match(name) || !include.below(name)):
			return fs.SkipDir
		case exclude.match(name) || !d.Type().IsRegular():
			return nil
		case include.match(name):
			files = append(files, name)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(files) == 0 {
		return nil, fmt.Errorf("%s: archive %s is empty: nothing in %s matches %s", a.at, a.Name, root, strings.Join(a.Include, ", "))
	}
	return files, err
}

// clean writes patterns as paths are written; "." is everything.
func clean(patterns []string) globs {
	out := make(globs, 0, len(patterns))
	for _, p := range patterns {
		p = strings.TrimPrefix(path.Clean(filepath.ToSlash(p)), "/")
		if p == "." || p == "" {
			p = "**"
		}
		out = append(out, glob(p))
	}
	return out
}
