package fetcher

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"strconv"
	"time"

	"hotpod.dev/wire"
)

// Config is how a fetcher is set up. Flags fills it with defaults.
type Config struct {
	// Address is the host to listen on; empty means every address of the pod.
	Address string
	// Port to listen on.
	Port int
	// PodUID is the UID of the pod, that control calls must be signed for.
	PodUID string
	// ControlKey is the public key that control calls are signed by, as sign.Signer.PublicKey returns it.
	ControlKey string
	// RuntimeAddress is the "host:port" that the runtime listens on.
	RuntimeAddress string
	// CodeDir, SecretDir and ConfigDir are the volumes shared with the runtime.
	CodeDir, SecretDir, ConfigDir string
	// PackagesDir is the volume shared with the builder, in a builder pod; empty in every other.
	PackagesDir string
	// MaxCall is the largest control call in bytes.
	MaxCall int64
	// DownloadTimeout bounds the wait for the headers and for each part of a download; the call's own timeout
	// bounds the whole.
	DownloadTimeout time.Duration
	// Limits of archives.
	Limits Limits
}

// Limits bound what an archive may ask of the pod. Every field must be positive.
type Limits struct {
	// Archive is the largest archive in bytes.
	Archive int64
	// Unpacked is the largest sum of unpacked files in bytes.
	Unpacked int64
	// Files is the largest number of entries.
	Files int
	// Ratio is how many times larger than the archive the unpacked files may be. It is not applied below
	// 16 MiB, where small text files compress well for good reasons.
	Ratio int64
}

// DefaultLimits are generous for functions and small for a node.
func DefaultLimits() Limits {
	return Limits{Archive: 512 << 20, Unpacked: 2 << 30, Files: 100_000, Ratio: 100}
}

// Flags registers the fetcher's flags in fs. The pod's identity comes from POD_UID, read by getenv.
func (c *Config) Flags(fs *flag.FlagSet, getenv func(string) string) {
	runtime := net.JoinHostPort("127.0.0.1", strconv.Itoa(wire.PortRuntime))
	limits := DefaultLimits()
	fs.StringVar(&c.Address, "address", "", "host to listen on; empty means every address")
	fs.IntVar(&c.Port, "port", wire.PortFetcher, "port to listen on")
	fs.StringVar(&c.PodUID, "pod-uid", getenv("POD_UID"), "UID of the pod")
	fs.StringVar(&c.ControlKey, "control-key", "", "public key that control calls are signed by")
	fs.StringVar(&c.RuntimeAddress, "runtime-address", runtime, "host:port of the runtime")
	fs.StringVar(&c.CodeDir, "code-dir", "/userfunc", "volume for code")
	fs.StringVar(&c.SecretDir, "secret-dir", "/secrets", "volume for Secrets")
	fs.StringVar(&c.ConfigDir, "config-dir", "/configs", "volume for ConfigMaps")
	fs.StringVar(&c.PackagesDir, "packages-dir", "", "volume for sources and what is built; empty but in a builder pod")
	fs.Int64Var(&c.MaxCall, "max-call", 16<<20, "largest control call in bytes")
	fs.DurationVar(&c.DownloadTimeout, "download-timeout", 30*time.Second, "how long a download may stand still")
	fs.Int64Var(&c.Limits.Archive, "max-archive", limits.Archive, "largest archive in bytes")
	fs.Int64Var(&c.Limits.Unpacked, "max-unpacked", limits.Unpacked, "largest sum of unpacked files in bytes")
	fs.IntVar(&c.Limits.Files, "max-files", limits.Files, "largest number of entries of an archive")
	fs.Int64Var(&c.Limits.Ratio, "max-ratio", limits.Ratio, "how many times larger than the archive its files may be")
}

// Validate returns every fault of the configuration, joined.
func (c *Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(c.PodUID != "", "pod-uid is empty: set POD_UID from the downward API")
	require(c.ControlKey != "", "control-key is empty")
	require(c.Port > 0 && c.Port < 1<<16, "port %d is not within 1-65535", c.Port)
	require(c.MaxCall > 0, "max-call %d is not positive", c.MaxCall)
	require(c.DownloadTimeout > 0, "download-timeout %s is not positive", c.DownloadTimeout)
	if _, _, err := net.SplitHostPort(c.RuntimeAddress); err != nil {
		faults = append(faults, fmt.Errorf("runtime-address: %w", err))
	}
	for name, dir := range map[string]string{"code-dir": c.CodeDir, "secret-dir": c.SecretDir, "config-dir": c.ConfigDir} {
		require(dir != "", "%s is empty", name)
	}
	require(c.Limits.Archive > 0 && c.Limits.Unpacked > 0 && c.Limits.Files > 0 && c.Limits.Ratio > 0,
		"max-archive, max-unpacked, max-files and max-ratio must be positive")
	return errors.Join(faults...)
}
