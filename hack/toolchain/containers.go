package toolchain

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
)

// ContainerdVersion is the version of containerd that is compiled.
const ContainerdVersion = "2.4.2"

// Containerd returns the containerd, its shim for runc and its client ctr that a node runs containers with. All three
// are in the folder of the first.
func Containerd(ctx context.Context, c Config) (Tool, error) {
	const source = "github.com/containerd/containerd/v2"
	dir := filepath.Join(c.Cache, "containerd-"+ContainerdVersion+"-"+runtime.GOARCH)
	origin := "cache"
	for _, name := range []string{"containerd-shim-runc-v2", "ctr", "containerd"} {
		made, err := c.produce(ctx, dir, name, func(ctx context.Context, tmp string) error {
			return c.install(ctx, source+"/cmd/"+name+"@v"+ContainerdVersion, tmp,
				"-tags", "no_btrfs,no_devmapper,no_zfs", "-ldflags", "-s -w -X "+source+"/version.Version=v"+ContainerdVersion)
		})
		if err != nil {
			return Tool{}, fmt.Errorf("make %s: %w", name, err)
		}
		if made {
			origin = "compiled now"
		}
	}
	return Tool{Path: filepath.Join(dir, "containerd"), Version: ContainerdVersion, Origin: origin}, nil
}

// install compiles a program of a published module.
func (c Config) install(ctx context.Context, pkg, out string, flags ...string) error {
	c.say("%s: compiling", pkg)
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"install", "-trimpath"}, flags...), pkg)...)
	// Outside of every module, so that the program's own requirements hold.
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=", "GOBIN="+path.Dir(out))
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// DNS returns CoreDNS with the few plugins that a cluster of one node needs, compiled from test/cluster/dns.
func DNS(ctx context.Context, c Config) (Tool, error) {
	m := module{
		name: "coredns", pkg: ".", what: "CoreDNS", packages: 800, of: "github.com/coredns/coredns", ldflags: "-s -w",
		dir: filepath.Join(c.Source, "test", "cluster", "dns"),
	}
	if err := m.read(); err != nil {
		return Tool{}, fmt.Errorf("find the sources of coredns: %w", err)
	}
	return c.module(ctx, "dns", m)
}
