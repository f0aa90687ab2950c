package fetcher

import (
	"path"
	"strings"
)

// maxName bounds the length of a name in an archive.
const maxName = 1024

// cleanName returns the name of an archive's entry as a path inside the tree. Names that lead elsewhere are
// refused rather than bent: an archive that has them is broken or hostile.
func cleanName(name string) (string, error) {
	switch {
	case name == "" || len(name) > maxName:
		return "", theirs("the package's archive has an entry whose name is empty or longer than %d bytes", maxName)
	case path.IsAbs(name), strings.ContainsAny(name, "\\\x00"), hasParent(name):
		return "", theirs("the package's archive has an entry outside of it: %q", name)
	}
	return path.Clean(name), nil
}

func hasParent(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// outside reports whether a clean relative path leaves where it starts.
func outside(clean string) bool {
	return clean == ".." || strings.HasPrefix(clean, "../")
}
