package buildmgr

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/pool"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// Config is how packages are built. DefaultConfig fills what has a default.
type Config struct {
	// Pod is how builder pods are made; of it count the fetcher, the security settings, the namespace of functions, the
	// control key and the pull policy.
	Pod pool.Config
	// BuilderCommand replaces the builder image's own command; nil keeps that.
	BuilderCommand []string
	// Idle is how long a builder pod is kept that nothing is built in.
	Idle time.Duration
	// Timeout bounds a build command, StartTimeout the wait for a builder pod.
	Timeout, StartTimeout time.Duration
	// Builds is how many builds run at a time.
	Builds int
	// MaxLog bounds a package's build log in bytes.
	MaxLog int
}

// DefaultConfig returns a configuration for clusters, without images and key.
func DefaultConfig() Config {
	return Config{
		Pod: pool.DefaultConfig(), BuilderCommand: []string{"/builder", "/packages"},
		Idle: 5 * time.Minute, Timeout: 15 * time.Minute, StartTimeout: 5 * time.Minute, Builds: 4, MaxLog: 64 << 10,
	}
}

// Validate returns every fault of the configuration, joined.
func (c *Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(c.Pod.FetcherImage != "", "fetcher image is empty")
	require(c.Pod.ControlKey != "", "control key is empty")
	require(c.Idle > 0 && c.Timeout > 0 && c.StartTimeout > 0, "times of builders and builds must be positive")
	require(c.Builds > 0, "%d builds at a time are none", c.Builds)
	require(c.MaxLog >= 1<<10, "a build log of %d bytes is too short", c.MaxLog)
	return errors.Join(faults...)
}

// Deps are what a Manager works with. All but Archives are needed.
type Deps struct {
	Clients    *kube.Clients
	Cache      *kube.Cache
	Signer     *sign.Signer
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Archives is the archive store; without one, what is built must fit into its Package.
	Archives Archives
}

// Archives is the archive store as far as builds need it.
type Archives interface {
	// Source returns the code of a source archive, so that a pod without credentials can fetch it.
	Source(a *v1.Archive) wire.Code
	// Upload returns where an archive of this digest and size can be sent to, for a Package of the namespace.
	Upload(namespace, digest string, size int64) Upload
}

// Upload is leave to send one archive to the store.
type Upload struct {
	// Method and URL of the call that takes the archive as its body, from somebody without credentials.
	Method, URL string
	// Archive is what a Package says of it.
	Archive v1.Archive
}
