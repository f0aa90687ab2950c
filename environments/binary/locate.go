package binary

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"hotpod.dev/environments/generic"
)

// program is what to start for a request.
type program struct {
	// command is the program with its first arguments.
	command []string
	// dir is the folder of the function's code.
	dir string
	// script is the file when it is read by an interpreter; empty for an executable.
	script string
}

// locate finds the program that a load call means.
func locate(l generic.Load) (program, error) {
	path, err := filepath.Abs(l.Path)
	if err != nil {
		return program{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return program{}, fmt.Errorf("find the function: %w", err)
	}
	dir := filepath.Dir(path)
	if info.IsDir() {
		dir = path
		if path, err = inFolder(dir, l.Function); err != nil {
			return program{}, err
		}
	}
	return interpret(path, dir)
}

// inFolder finds the named file of a folder. Without a name, it is the only one there.
func inFolder(dir, name string) (string, error) {
	var files []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("read the function's folder: %w", err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			files = append(files, e.Name())
		}
	}
	if name == "" && len(files) == 1 {
		name = files[0]
	}
	if name == "" {
		return "", fmt.Errorf("the function name must be a file of the folder, which has %s", strings.Join(files, ", "))
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("the function name %q leads out of the folder", name)
	}
	path := filepath.Join(dir, name)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("there is no file %s in the folder, which has %s", name, strings.Join(files, ", "))
	}
	return path, nil
}

// interpret says how a file is started: an executable by itself, a script by the interpreter of its first line or else by sh.
func interpret(path, dir string) (program, error) {
	file, err := os.Open(path)
	if err != nil {
		return program{}, fmt.Errorf("read the function: %w", err)
	}
	defer file.Close()
	first, err := bufio.NewReaderSize(file, 4096).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return program{}, fmt.Errorf("read the function: %w", err)
	}
	if bytes.HasPrefix(first, []byte("\x7fELF")) {
		path, err = generic.Executable(path)
		return program{command: []string{path}, dir: dir}, err
	}
	command := []string{"/bin/sh"}
	if line, ok := bytes.CutPrefix(first, []byte("#!")); ok {
		name, argument, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		command = append(make([]string, 0, 3), name)
		if argument = strings.TrimSpace(argument); argument != "" {
			command = append(command, argument) // One argument with its spaces, as the kernel passes it.
		}
	}
	return program{command: append(command, path), dir: dir, script: path}, nil
}
