package platform

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"hotpod.dev/hack/toolchain"
	"hotpod.dev/local/parts"
)

// Config says what to run and where.
type Config struct {
	// Dir is the data folder; it is created when missing.
	Dir string
	// Manifests is the kustomization of the parts.
	Manifests string
	// Environments is the folder of the runtimes; empty means that there are none.
	Environments string
	// BuilderEnv are variables of all builders: how package registries are reached from here.
	BuilderEnv map[string]string
	// Programs is the folder with Hotpod's own programs.
	Programs string
	// RouterPort and APIServerPort of 127.0.0.1; 0 means the usual port when it is free, else any.
	RouterPort    int
	APIServerPort int
	// Envoys is the number of routers, each with a discovery server of its own; 0 means 1. The others than the first
	// have any free ports of 127.0.0.1.
	Envoys int
	// Path is the PATH of the person who starts the platform: images find node and python3 there.
	Path string
	// Toolchain says how hotpod-kube and Envoy are found.
	Toolchain toolchain.Config
	// Progress receives what a person who waits wants to read. Nil means silence.
	Progress io.Writer
	// Log receives what happens; nil discards it.
	Log *slog.Logger
}

// Validate returns all that is wrong with the configuration.
func (c Config) Validate() error {
	var errs []error
	for name, dir := range map[string]string{"data folder": c.Dir, "folder of programs": c.Programs, "folder of manifests": c.Manifests} {
		if !filepath.IsAbs(dir) {
			errs = append(errs, fmt.Errorf("the %s %q is not an absolute path", name, dir))
		}
	}
	for flag, port := range map[string]int{"router-port": c.RouterPort, "apiserver-port": c.APIServerPort} {
		if port < 0 || port > 65535 {
			errs = append(errs, fmt.Errorf("--%s=%d is not a port", flag, port))
		}
	}
	if c.Envoys < 0 || c.Envoys > parts.MaxTwins {
		errs = append(errs, fmt.Errorf("--envoys=%d is not between 1 and %d", c.Envoys, parts.MaxTwins))
	}
	if c.RouterPort != 0 && c.RouterPort == c.APIServerPort {
		errs = append(errs, fmt.Errorf("--router-port and --apiserver-port are both %d", c.RouterPort))
	}
	if _, err := os.Stat(filepath.Join(c.Manifests, "kustomization.yaml")); err != nil {
		errs = append(errs, fmt.Errorf("there are no manifests in %s: name the checkout's root by --assets", c.Manifests))
	}
	return errors.Join(errs...)
}

func (c Config) say(format string, args ...any) {
	if c.Progress != nil {
		fmt.Fprintf(c.Progress, format+"\n", args...)
	}
}
