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
	return c.kubernetes(ctx, module{name: "hotpod-kube", pkg: ".", what: "Kubernetes' control plane and etcd", packages: compilePackages})
}

// Node returns hotpod-node, the kubelet and its companions for a node that runs containers. It is compiled from the
// same module as hotpod-kube, so that what both consist of is compiled once.
func Node(ctx context.Context, c Config) (Tool, error) {
	return c.kubernetes(ctx, module{name: "hotpod-node", pkg: "./node", what: "the kubelet, the scheduler and kube-proxy", packages: compilePackages})
}

// kubernetes returns a program of the module local/kube.
func (c Config) kubernetes(ctx context.Context, m module) (Tool, error) {
	m.dir, m.of = filepath.Join(c.Source, "local", "kube"), "k8s.io/kubernetes"
	if err := m.read(); err != nil {
		return Tool{}, fmt.Errorf("find the sources of %s: %w", m.name, err)
	}
	m.ldflags = m.kubernetesVersion()
	return c.module(ctx, "kube", m)
}

// module returns the program that is compiled from the module.
func (c Config) module(ctx context.Context, folder string, m module) (Tool, error) {
	dir := filepath.Join(c.Cache, folder+"-"+m.version+"-"+m.key)
	made, err := c.produce(ctx, dir, m.name, func(ctx context.Context, tmp string) error {
		return c.compile(ctx, m, tmp)
	})
	if err != nil {
		return Tool{}, fmt.Errorf("make %s: %w", m.name, err)
	}
	origin := "cache"
	if made {
		origin = "compiled now"
	}
	return Tool{Path: filepath.Join(dir, m.name), Version: strings.TrimPrefix(m.version, "v"), Origin: origin}, nil
}

// module is a program that is compiled from a nested module.
type module struct {
	name     string // of the program
	pkg      string // of the module that the program is
	what     string // the program is, in words for a person
	packages int64  // that are compiled, roughly
	of       string // is the required module whose version counts
	dir      string
	ldflags  string

	version string // with the leading v
	key     string // changes when the binary would
}

// read finds out version and key.
func (m *module) read() error {
	files, err := filepath.Glob(filepath.Join(m.dir, m.pkg, "*.go"))
	if err != nil {
		return err
	}
	gomod, err := os.ReadFile(filepath.Join(m.dir, "go.mod"))
	if err != nil {
		return err
	}
	version := regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(m.of) + ` (v\S+)`).FindSubmatch(gomod)
	if version == nil {
		return fmt.Errorf("%s/go.mod does not require %s", m.dir, m.of)
	}
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.GOOS, runtime.GOARCH, string(version[1]))
	for _, file := range append(files, filepath.Join(m.dir, "go.mod"), filepath.Join(m.dir, "go.sum")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%s %x\n", filepath.Base(file), sha256.Sum256(text))
	}
	m.version, m.key = string(version[1]), hex.EncodeToString(sum.Sum(nil))[:12]
	return nil
}

// kubernetesVersion links the version in. Without it the programs say v0.0.0, and clients that check the version refuse them.
func (m *module) kubernetesVersion() string {
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
