package builder

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"hotpod.dev/wire"
)

// Config is how a Server is set up. Flags fills it with defaults.
type Config struct {
	// Dir is the volume shared with the fetcher: sources and what is made of them.
	Dir string
	// CacheDir is where package managers keep what they have downloaded; empty means a folder of the system's for
	// temporary files.
	CacheDir string
	// Address is the host to listen on; empty means every address of the pod.
	Address string
	// Port to listen on.
	Port int
	// PodUID and ControlKey are whom control calls must be signed for and by. Without a key, calls need no signature.
	PodUID, ControlKey string
	// Timeout bounds a build.
	Timeout time.Duration
	// MaxLog bounds what is kept of a command's output, in bytes.
	MaxLog int
	// Env is the environment of the commands, as os.Environ returns it.
	Env []string
	// Log is needed.
	Log *slog.Logger
}

// Flags registers the builder's flags in fs. The pod's identity comes from POD_UID, read by getenv.
func (c *Config) Flags(fs *flag.FlagSet, getenv func(string) string) {
	fs.StringVar(&c.CacheDir, "cache-dir", "", "folder for what package managers download; empty means one for temporary files")
	fs.StringVar(&c.Address, "address", "", "host to listen on; empty means every address")
	fs.IntVar(&c.Port, "port", wire.PortBuilder, "port to listen on")
	fs.StringVar(&c.PodUID, "pod-uid", getenv("POD_UID"), "UID of the pod")
	fs.StringVar(&c.ControlKey, "control-key", "", "public key that calls are signed by; empty means that they are not signed")
	fs.DurationVar(&c.Timeout, "timeout", 30*time.Minute, "longest time of a build")
	fs.IntVar(&c.MaxLog, "max-log", 128<<10, "most bytes that are kept of what a build prints")
}

// Validate returns every fault of the configuration, joined.
func (c *Config) Validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(c.Dir != "", "the folder of sources is not named")
	require(c.Port >= 0 && c.Port < 1<<16, "port %d is not within 0-65535", c.Port)
	require(c.ControlKey == "" || c.PodUID != "", "pod-uid is empty: set POD_UID from the downward API")
	require(c.Timeout > 0, "timeout %s is not positive", c.Timeout)
	require(c.MaxLog >= 1<<10, "max-log %d is less than 1024", c.MaxLog)
	require(c.Log != nil, "there is no logger")
	return errors.Join(faults...)
}
