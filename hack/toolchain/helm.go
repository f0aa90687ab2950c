package toolchain

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
)

// HelmVersion is the version of Helm that tests render the chart with.
const HelmVersion = "3.22.0"

// Helm returns the program helm, compiled from its module.
func Helm(ctx context.Context, c Config) (Tool, error) {
	const source = "helm.sh/helm/v3"
	dir := c.helmDir()
	made, err := c.produce(ctx, dir, "helm", func(ctx context.Context, tmp string) error {
		return c.install(ctx, source+"/cmd/helm@v"+HelmVersion, tmp, "-ldflags", "-s -w -X "+source+"/internal/version.version=v"+HelmVersion)
	})
	if err != nil {
		return Tool{}, fmt.Errorf("make helm: %w", err)
	}
	origin := "cache"
	if made {
		origin = "compiled now"
	}
	return Tool{Path: filepath.Join(dir, "helm"), Version: HelmVersion, Origin: origin}, nil
}

// helmDir is where Helm's program is kept.
func (c Config) helmDir() string {
	return filepath.Join(c.Cache, "helm-"+HelmVersion+"-"+runtime.GOARCH)
}

// CachedHelm returns the program helm if it was made already.
func CachedHelm(cache string) (path string, ok bool) {
	path = filepath.Join(Config{Cache: cache}.helmDir(), "helm")
	return path, intact(path)
}
