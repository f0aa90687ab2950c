package generic

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Executable returns a path by which the program at path can be started. A program that came as an archive's only file has
// lost its executable bit; then it is a copy with the bit in the temporary folder, when the file itself cannot be changed.
func Executable(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	const runs = 0o111
	if info.Mode()&runs != 0 || os.Chmod(path, info.Mode().Perm()|runs) == nil {
		return path, nil
	}
	copied, err := copyProgram(path)
	if err != nil {
		return "", fmt.Errorf("make %s executable: %w", path, err)
	}
	return copied, nil
}

func copyProgram(path string) (string, error) {
	dir, err := os.MkdirTemp("", "program-")
	if err != nil {
		return "", err
	}
	from, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer from.Close()
	name := filepath.Join(dir, filepath.Base(path))
	to, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700) //nolint:gosec // a program
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		return "", err
	}
	return name, to.Close()
}
