package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"hotpod.dev/hack/toolchain"
	"hotpod.dev/local/platform"
)

type upFlags struct {
	detach                    bool
	routerPort, apiserverPort int
	envoys                    int
	assets, manifests         string
	programs                  string
}

func up(env Env, folder folderFunc) *cobra.Command {
	var f upFlags
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Start the platform and keep it running until Ctrl-C",
		Long: "Starts etcd, kube-apiserver, controllers, a node and Hotpod's parts on this machine, and keeps them running.\n" +
			"What was there when the platform was stopped is there again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := folder()
			if err != nil {
				return err
			}
			c, err := f.config(env, dir)
			if err != nil {
				return err
			}
			if f.detach {
				return detach(cmd.Context(), env, c)
			}
			return run(cmd.Context(), env, c)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&f.detach, "detach", "d", false, "return when the platform is ready, and leave it running")
	flags.IntVar(&f.routerPort, "router-port", 0, "port of 127.0.0.1 where functions are called (default 8888, or a free one)")
	flags.IntVar(&f.apiserverPort, "apiserver-port", 0, "port of 127.0.0.1 of the Kubernetes API (default 6443, or a free one)")
	flags.IntVar(&f.envoys, "envoys", 1, "number of routers, each at an address of its own; clients choose")
	flags.StringVar(&f.assets, "assets", env.Getenv("HOTPOD_ASSETS"), "root of the checkout, with manifests and environments (default: found beside the program)")
	flags.StringVar(&f.manifests, "manifests", "", "kustomization of the parts (default ASSETS/manifests/embedded)")
	flags.StringVar(&f.programs, "programs", filepath.Dir(env.Program), "folder with Hotpod's programs")
	return cmd
}

func (f upFlags) config(env Env, dir string) (platform.Config, error) {
	assets, err := findAssets(f.assets, env.Program)
	if err != nil {
		return platform.Config{}, err
	}
	cache, err := toolchain.CacheDir(env.Getenv)
	if err != nil {
		return platform.Config{}, err
	}
	manifests := f.manifests
	if manifests == "" {
		manifests = filepath.Join(assets, "manifests", "embedded")
	}
	if manifests, err = filepath.Abs(manifests); err != nil {
		return platform.Config{}, err
	}
	programs, err := filepath.Abs(f.programs)
	c := platform.Config{
		Dir: dir, Manifests: manifests, Environments: environments(assets), Programs: programs,
		RouterPort: f.routerPort, APIServerPort: f.apiserverPort, Envoys: f.envoys, Path: env.Getenv("PATH"), Progress: env.Err,
		BuilderEnv: builderEnv(env.Getenv),
		Toolchain:  toolchain.Config{Cache: cache, Source: assets, Progress: env.Err, Getenv: env.Getenv},
	}
	return c, errors.Join(err, c.Validate())
}

// findAssets looks for the manifests beside the program and in the folders above it.
func findAssets(named, program string) (string, error) {
	if named != "" {
		return filepath.Abs(named)
	}
	for dir := filepath.Dir(program); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "manifests", "embedded")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no manifests beside %s: name the root of the checkout by --assets", program)
		}
	}
}

// environments is where a checkout has its images.
func environments(assets string) string { return filepath.Join(assets, "environments") }

// run keeps the platform running in this process.
func run(ctx context.Context, env Env, c platform.Config) error {
	if err := os.MkdirAll(platform.Layout(c.Dir).Logs(), 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	file, err := os.OpenFile(platform.Layout(c.Dir).Log("hotpod-local"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	// A person reads of what went wrong; the file tells all. The client library talks much when the API server restarts.
	full := slog.NewJSONHandler(file, nil)
	klog.SetSlogLogger(slog.New(full).With("part", "client"))
	c.Log = slog.New(slog.NewMultiHandler(
		full,
		slog.NewTextHandler(env.Err, &slog.HandlerOptions{Level: slog.LevelWarn}),
	))
	err = platform.Run(ctx, c, func(s platform.Summary) { tell(env.Err, s) })
	if err == nil {
		fmt.Fprintln(env.Err, "stopped; the data stays in", c.Dir)
	}
	return err
}

func detach(ctx context.Context, env Env, c platform.Config) error {
	args := []string{
		"up", "--dir", c.Dir, "--manifests", c.Manifests, "--assets", c.Toolchain.Source, "--programs", c.Programs,
		"--router-port", fmt.Sprint(c.RouterPort), "--apiserver-port", fmt.Sprint(c.APIServerPort),
		"--envoys", fmt.Sprint(c.Envoys),
	}
	return platform.Detach(ctx, c.Dir, env.Program, slices.Clip(args), env.Err)
}

// tell prints what a person needs after the start.
func tell(w io.Writer, s platform.Summary) {
	fmt.Fprintf(w, `
Hotpod is ready.
  functions   http://%s
  Kubernetes  export KUBECONFIG=%s
  shell       eval "$(%s env --dir %s)"

`, strings.Join(s.Routers, ", http://"), s.Kubeconfig, filepath.Join(s.Programs, "hotpod-local"), s.Dir)
}

// builderEnv returns the variables by which package managers reach their registries from this machine.
func builderEnv(getenv func(string) string) map[string]string {
	env := map[string]string{}
	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
		"NPM_CONFIG_REGISTRY", "npm_config_registry",
		"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_TRUSTED_HOST",
		"GOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOFLAGS",
	} {
		if value := getenv(name); value != "" {
			env[name] = value
		}
	}
	return env
}
