package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

// Hosts that runtimes listen on, values of Config.RuntimeHost.
const (
	// RuntimeHostLoopback keeps the runtime out of reach of everything but its own pod.
	RuntimeHostLoopback = "loopback"
	// RuntimeHostPod is for nodes whose pods share one network namespace.
	RuntimeHostPod = "pod"
)

// DefaultMaxPods bounds the pods of an environment when Config.MaxPods is 0.
const DefaultMaxPods = 1000

// DefaultMaxPoolSize bounds a pool that follows its claims when Config.MaxPoolSize is 0.
const DefaultMaxPoolSize = 100

// Config is how pods are made. DefaultConfig fills what has a default.
type Config struct {
	// Own says that every pool belongs to one function instead of an environment (SetTemplate). No pods are kept warm in
	// it: one is made for each claim.
	Own bool
	// FetcherImage and ProxyImage are the images of the sidecars.
	FetcherImage, ProxyImage string
	// FetcherCommand and ProxyCommand replace the images' own commands; nil keeps them.
	FetcherCommand, ProxyCommand []string
	// ProxyEnv are variables of the queue-proxy: where its traces go.
	ProxyEnv []corev1.EnvVar
	// ImagePullPolicy of every container; empty means IfNotPresent.
	ImagePullPolicy corev1.PullPolicy
	// RuntimeHost is RuntimeHostLoopback or RuntimeHostPod; empty means loopback.
	RuntimeHost string
	// RunAsNonRoot refuses images that run as root.
	RunAsNonRoot bool
	// RunAsUser and FSGroup of the pods; 0 leaves the choice to the images, or to OpenShift.
	RunAsUser, FSGroup int64
	// ControlKey is the public key of the Agent's signer.
	ControlKey string
	// FunctionNamespace is where the pods of environments of the namespace "default" live; empty means beside
	// their environment, as all others do.
	FunctionNamespace string
	// Shard is the part of the functions, and of each pool, that is this pool's own; pods and functions of others are not
	// known to it. The zero value has all.
	Shard shard.Shard
	// MaxPods bounds the pods of an environment, hot ones included; 0 means DefaultMaxPods.
	MaxPods int
	// MaxPoolSize bounds the warm pods that are kept for the claims to come; 0 means DefaultMaxPoolSize. A poolsize above
	// it holds all the same.
	MaxPoolSize int
	// StartTimeout is how long a pod may take to become warm before it counts as broken; 0 means five minutes.
	StartTimeout time.Duration
}

// DefaultConfig returns a configuration for clusters, without images and key.
func DefaultConfig() Config {
	return Config{
		ImagePullPolicy: corev1.PullIfNotPresent, RuntimeHost: RuntimeHostLoopback, RunAsNonRoot: true,
		MaxPods: DefaultMaxPods, MaxPoolSize: DefaultMaxPoolSize, StartTimeout: 5 * time.Minute,
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
	require(c.FetcherImage != "", "fetcher image is empty")
	require(c.ProxyImage != "", "queue-proxy image is empty")
	require(c.ControlKey != "", "control key is empty")
	require(c.RuntimeHost == "" || c.RuntimeHost == RuntimeHostLoopback || c.RuntimeHost == RuntimeHostPod,
		"runtime host %q is neither %s nor %s", c.RuntimeHost, RuntimeHostLoopback, RuntimeHostPod)
	require(c.MaxPods >= 0, "maximum of pods %d is negative", c.MaxPods)
	require(c.MaxPoolSize >= 0, "maximum of warm pods %d is negative", c.MaxPoolSize)
	require(c.StartTimeout >= 0, "start timeout %s is negative", c.StartTimeout)
	require(c.RunAsUser >= 0 && c.FSGroup >= 0, "user and group must not be negative")
	return errors.Join(faults...)
}

func (c *Config) fill() {
	d := DefaultConfig()
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = d.ImagePullPolicy
	}
	if c.RuntimeHost == "" {
		c.RuntimeHost = d.RuntimeHost
	}
	if c.MaxPods == 0 {
		c.MaxPods = d.MaxPods
	}
	if c.MaxPoolSize == 0 {
		c.MaxPoolSize = d.MaxPoolSize
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = d.StartTimeout
	}
}

// Deps are what a Pool works with. All but Sure are required.
type Deps struct {
	Cluster    Cluster
	Codes      Codes
	Inputs     Inputs
	Observer   Observer
	Agent      Agent
	Log        *slog.Logger
	Registerer prometheus.Registerer
	// Sure says whether this pool is the only one. While it is not, which is so too while the API server is away, no pod
	// is deleted for being too much. nil means that it is.
	Sure func() bool
}

// Cluster is the Kubernetes API as far as the pool writes to it. Errors keep those of the API in their chain.
type Cluster interface {
	// CreatePod creates a pod that has a name of its own.
	CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error)
	// DeletePod deletes the pod of this UID. It returns nil when that is gone already.
	DeletePod(ctx context.Context, namespace, name, uid string, grace time.Duration) error
	// PatchPodLabels merges labels into those of the pod of this UID. It returns nil when that is gone.
	PatchPodLabels(ctx context.Context, namespace, name, uid string, labels map[string]string) error
	// Anchor finds or makes the object in namespace that owns the environment's pods there.
	Anchor(ctx context.Context, namespace string, e *v1.Environment) (metav1.OwnerReference, error)
}

// Codes knows the code of packages.
type Codes interface {
	// Code returns the deployable code of the package "namespace/name", at resourceVersion or newer where that is
	// not empty. The error is a *wire.Failure when the package's owner can do something about it.
	Code(ctx context.Context, packageKey, resourceVersion string) (wire.Code, error)
}

// Inputs knows Secrets and ConfigMaps.
type Inputs interface {
	// Inputs returns what f gets of the Secrets and ConfigMaps that it names, and its variables. The error is a
	// *wire.Failure when the function's owner can do something about it.
	Inputs(ctx context.Context, f *v1.Function) (wire.Inputs, error)
}

// Observer is told what becomes of pods. Its methods are called one at a time, in order and without the pool's
// lock, so they may call the pool; they must not block for long.
type Observer interface {
	// PodHot says that a pod takes a function's requests. It comes once for a pod: after its claim (before or
	// after Claim returned), or after it was found already hot.
	PodHot(held wire.Held, pod wire.HotPod)
	// PodGone says that a pod takes nothing new. It comes once for each PodHot, as soon as the pod begins to
	// drain, is deleted or ends.
	PodGone(podUID string)
	// PodsOutdated names all hot pods of a function that are made of what their environment does not say any more; pods
	// of what it says now start well. They take requests until somebody drains them.
	PodsOutdated(podUIDs []string)
	// PodReady says that a hot pod's own probes fail, so that it should get no new requests, or that they succeed again.
	PodReady(podUID string, ready bool)
	// PoolChanged tells the numbers of an environment ("namespace/name") and why it has no more pods, nil when
	// all is well.
	PoolChanged(environment string, warm, starting int, failure *wire.Failure)
}
