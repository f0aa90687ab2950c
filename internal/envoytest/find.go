package envoytest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"hotpod.dev/hack/toolchain"
)

// lookup finds Envoy once per test binary: checking the cached file reads all of it.
var lookup = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // a cache
	cache, err := toolchain.CacheDir(os.Getenv)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	tool, err := toolchain.Envoy(ctx, toolchain.Config{Cache: cache, Getenv: os.Getenv, Progress: os.Stderr})
	return tool.Path, err
})

// Path returns the path of Envoy, or skips the test.
func Path(tb testing.TB) string {
	tb.Helper()
	path, err := lookup()
	if err != nil {
		tb.Skipf("no Envoy: %v\nSet HOTPOD_ENVOY to its path, or run `make setup`.", err)
	}
	return path
}
