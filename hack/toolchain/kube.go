package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// Kube returns hotpod-kube, and compiles it when the cache does not have it for the sources in Config.Source.
// The first time takes minutes and needs the Go toolchain; HOTPOD_KUBE names a finished binary instead.
func Kube(ctx context.Context, c Config) (Tool, error) {
	if tool, ok, err := c.given("HOTPOD_KUBE"); ok || err != nil {
		return tool, err
	}
	m, err := readModule(filepath.Join(c.Source, "local", "kube"))
	if err != nil {
		return Tool{}, fmt.Errorf("find the sources of hotpod-kube: %w", err)
	}
	dir := filepath.Join(c.Cache, "kube-"+m.version+"-"+m.key)
	made, err := c.produce(ctx, dir, "hotpod-kube", func(ctx context.Context, tmp string) error {
		return c.compile(ctx, m, tmp)
	})
	if err != nil {
		return Tool{}, fmt.Errorf("make hotpod-kube: %w", err)
	}
	origin := "cache"
	if made {
		origin = "compiled now"
	}
	return Tool{Path: filepath.Join(dir, "hotpod-kube"), Version: strings.TrimPrefix(m.version, "v"), Origin: origin}, nil
}

// module is the nested module that hotpod-kube is compiled from.
type module struct {
	dir     string
	version string // of Kubernetes, with the leading v
	key     string // changes when the binary would
}

func readModule(dir string) (module, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return module{}, err
	}
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return module{}, err
	}
	version := regexp.MustCompile(`(?m)\bk8s\.io/kubernetes (v\S+)`).FindSubmatch(gomod)
	if version == nil {
		return module{}, fmt.Errorf("%s/go.mod does not require k8s.io/kubernetes", dir)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH, string(version[1]))
	for _, file := range append(files, filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return module{}, err
		}
		fmt.Fprintf(sum, "%s %x\n", filepath.Base(file), sha256.Sum256(text))
	}
	return module{dir: dir, version: string(version[1]), key: hex.EncodeToString(sum.Sum(nil))[:12]}, nil
}

// ldflags links the version in. Without it the programs say v0.0.0, and clients that check the version refuse them.
func (m module) ldflags() string {
	parts := strings.SplitN(strings.TrimPrefix(m.version, "v"), ".", 3)
	packages := []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"}
	settings := []string{"gitVersion=" + m.version, "gitMajor=" + parts[0], "gitMinor=" + parts[1], "gitTreeState=clean"}
	flags := append(make([]string, 0, 2+2*len(packages)*len(settings)), "-s", "-w")
	for _, pkg := range packages {
		for _, set := range settings {
			flags = append(flags, "-X", pkg+"."+set)
		}
	}
	return strings.Join(flags, " ")
}
