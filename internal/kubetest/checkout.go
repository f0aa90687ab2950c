package kubetest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"

	"hotpod.dev/hack/toolchain"
)

// checkout returns the root of the checkout that the test runs in.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(text, []byte("module hotpod.dev\n")) {
			return dir, nil
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		return "", errors.New("the test does not run inside a checkout of Hotpod")
	}
}

func findBinary(ctx context.Context, root string) (string, error) {
	cache, err := toolchain.CacheDir(os.Getenv)
	if err != nil {
		return "", err
	}
	tool, err := toolchain.Kube(ctx, toolchain.Config{Cache: cache, Source: root, Progress: os.Stderr, Getenv: os.Getenv})
	return tool.Path, err
}
