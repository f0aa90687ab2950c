package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

// AddressAnnotation on a pod asks for a certain address of the node's range.
const AddressAnnotation = "local.hotpod.dev/address"

// Config says what an agent needs.
type Config struct {
	// NodeName is the name of the Node object.
	NodeName string
	// Client is the connection to the API server as the node.
	Client *rest.Config
	// Scheduler is the connection with which pods are bound; without one nobody binds.
	Scheduler *rest.Config
	// Dir is a directory of the agent's own, for pods and logs.
	Dir string
	// Hide lists the host's directories that pods must not see; it may contain Dir.
	Hide []string
	// CIDR is the IPv4 range of which pods get addresses: from .1.0 upwards; the
	// first 256 are left for pods that ask by annotation.
	CIDR netip.Prefix
	// Images finds the images that containers name.
	Images ImageResolver
	// PodInit is the path of the hotpod-pod-init program.
	PodInit string
	// StreamAddr is the address of the server for logs, exec and port-forward.
	// Its host is the node's own address. Empty means no server.
	StreamAddr string
	// ServerCert and ServerKey are files with the server's certificate; empty
	// means one that the agent signs itself.
	ServerCert, ServerKey string
	// ClientCA is a file with the authority whose clients the server admits.
	ClientCA string
	// Env is put in front of every container's environment.
	Env []corev1.EnvVar
	// Path is the host's PATH, by which the programs that images require are found.
	Path string
	// Version is what the node says of itself; empty is DefaultVersion.
	Version string
	// StaticPods run without being asked by the API server; see SetStatic.
	StaticPods []*corev1.Pod
	// Log receives what happens; nil discards it.
	Log *slog.Logger
}

// DefaultVersion is the node's version unless one is given.
const DefaultVersion = "v1.37.2-hotpod"

// ImageResolver finds images. It may be used concurrently.
type ImageResolver interface {
	// Resolve returns the image; the error of an unknown one names those that are known.
	Resolve(image string) (Image, error)
}

// Image is a folder whose programs run in place of a container image.
type Image struct {
	// Command is what runs when the container names no command.
	Command []string
	// Env is the environment below the container's own.
	Env map[string]string
	// WorkDir is the working directory when the container names none.
	WorkDir string
	// Dir is the folder on the host; the pod sees it at the same path. Empty
	// for an image that consists of the host's programs only.
	Dir string
	// Path are further folders of the host that the pod sees and that begin its PATH.
	Path []string
	// Cache is a folder of the host that the pod sees and may change; CacheVariable tells it where. Empty means none.
	Cache string
	// Requires are programs, such as node, that the pod must find on its PATH.
	Requires []string
	// Optional are programs that the pod finds on its PATH when they are installed.
	Optional []string
}

// CacheVariable is the variable that has the folder of Image.Cache.
const CacheVariable = "HOTPOD_CACHE_DIR"

// withDefaults checks the configuration and fills in what may be left out.
func (c Config) withDefaults() (Config, error) {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	need(c.NodeName != "", "NodeName is empty")
	need(c.Dir != "", "Dir is empty")
	need(c.Images != nil, "Images is nil")
	need(c.CIDR.IsValid() && c.CIDR.Addr().Is4() && c.CIDR.Bits() <= 22, "CIDR must be an IPv4 range of at least 1024 addresses")
	need(c.StreamAddr == "" || c.ClientCA != "", "StreamAddr needs ClientCA")
	if info, err := os.Stat(c.PodInit); err != nil || info.IsDir() {
		faults = append(faults, fmt.Errorf("PodInit %q is not a program", c.PodInit))
	}
	if err := errors.Join(faults...); err != nil {
		return c, fmt.Errorf("check node configuration: %w", err)
	}
	c.Path = cmp.Or(c.Path, "/usr/local/bin:/usr/bin:/bin")
	c.Version = cmp.Or(c.Version, DefaultVersion)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return c, fmt.Errorf("make node directory: %w", err)
	}
	dir, err := filepath.EvalSymlinks(c.Dir)
	if err != nil {
		return c, fmt.Errorf("find node directory: %w", err)
	}
	c.Dir, err = filepath.Abs(dir)
	return c, err
}
