package probe

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// Program is a function's code.
type Program struct {
	// Version is told in every answer.
	Version int `json:"version"`
	// Limit is the number of requests that may be inside at a time; 0 means any.
	Limit int `json:"limit,omitempty"`
}

// Encode returns the program as a package has it.
func (p Program) Encode() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		panic(err) // two numbers
	}
	return text
}

// maxProgram bounds the code and the call that loads it.
const maxProgram = 1 << 20

// specialize loads the program, once.
func (r *Runtime) specialize(w http.ResponseWriter, req *http.Request) {
	path := "/userfunc/user"
	if req.URL.Path == "/v2/specialize" {
		var load struct {
			FilePath string `json:"filepath"`
		}
		if err := json.NewDecoder(io.LimitReader(req.Body, maxProgram)).Decode(&load); err != nil || load.FilePath == "" {
			http.Error(w, "specialize: the body must be JSON with a filepath", http.StatusBadRequest)
			return
		}
		path = load.FilePath
	}
	p, err := readProgram(path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if !r.program.CompareAndSwap(nil, p) {
		http.Error(w, "Not a generic container", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// readProgram reads a file, or the only file of a folder.
func readProgram(path string) (*Program, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		files, err := os.ReadDir(path)
		if err != nil {
			return nil, fmt.Errorf("read program: %w", err)
		}
		if len(files) != 1 {
			return nil, fmt.Errorf("%s has %d files, a program is one", path, len(files))
		}
		path = filepath.Join(path, files[0].Name())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	p := &Program{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	return p, nil
}
