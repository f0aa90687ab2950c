package generic

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
)

// loadLimit bounds the body of a load call.
const loadLimit = 1 << 20

// Load is what a load call asks for.
type Load struct {
	// Path is the file or folder with the code.
	Path string
	// Function names what of it to call; its meaning is the language's, and empty is its default.
	Function string
	// Env are the function's own environment variables.
	Env map[string]string
}

// loadBody is the body of a load call: that of version 2, and of version 1 when there are variables.
type loadBody struct {
	FilePath     string            `json:"filepath"`
	FunctionName string            `json:"functionName"`
	Env          map[string]string `json:"env"`
}

// readLoad reads a load call. Version 1 has a fixed path and a body only when there are variables.
func readLoad(w http.ResponseWriter, r *http.Request, codePath string) (Load, error) {
	first := r.URL.Path == "/specialize"
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, loadLimit))
	if err != nil {
		return Load{}, fmt.Errorf("read the load call: %w", err)
	}
	var body loadBody
	if err := json.Unmarshal(raw, &body); err != nil && !first {
		return Load{}, fmt.Errorf("the load call's body must be JSON with a filepath: %w", err)
	}
	if first {
		return Load{Path: codePath, Env: body.Env}, nil
	}
	if body.FilePath == "" {
		return Load{}, errors.New("the load call's body must be JSON with a filepath")
	}
	return Load{Path: body.FilePath, Function: body.FunctionName, Env: body.Env}, nil
}

// setenv gives the function's variables to this process, and so to those that it starts.
func (l Load) setenv() error {
	for name, value := range l.Env {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set the variable %q: %w", name, err)
		}
	}
	return nil
}
