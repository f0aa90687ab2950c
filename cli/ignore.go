package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	gitignore "github.com/sabhiram/go-gitignore"
)

// ignoreFile lies in a folder and lists what is not packed with it, as a .gitignore does.
const ignoreFile = ".hotpodignore"

// ignored returns what tells which paths below a folder (a file has none), slash-separated and with a slash at the end of a folder's, are
// left out. Beside what the folder's list says these are the list itself and what git keeps.
func ignored(folder string) (func(path string) bool, error) {
	text, err := os.ReadFile(filepath.Join(folder, ignoreFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("read what to leave out: %w", err)
	}
	lines := slices.Concat([]string{".git/", "/" + ignoreFile}, strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"))
	return gitignore.CompileIgnoreLines(lines...).MatchesPath, nil
}
