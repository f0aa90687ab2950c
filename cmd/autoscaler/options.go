package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/pool"
	"hotpod.dev/shard"
	"hotpod.dev/timelines"
	"hotpod.dev/wire"
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	address            string
	kubeconfig         string
	namespace          string
	componentNamespace string
	lease, identity    string
	shard              shard.Shard
	codeDir            string
	codeBytes          int64
	storage            string
	logger             string
	tlsDir             string
	logLevel           string
	profiling          bool
	fissionMetrics     bool
	pool               pool.Config
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	o := options{pool: pool.DefaultConfig()}
	flags := flag.NewFlagSet("autoscaler", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.namespace, "namespace", "", "watch only this namespace; empty means all")
	flags.StringVar(&o.componentNamespace, "component-namespace", envflag.Namespace(getenv), "namespace of the platform's parts and of the control key")
	flags.StringVar(&o.lease, "lease", "", "Lease in the component namespace by which one of several replicas leads; empty means that there is only one")
	flags.StringVar(&o.identity, "identity", getenv("POD_NAME"), "name of this replica on the Lease")
	flags.Func("shard", "part of the functions that this autoscaler serves, i/n: 0/2 is the first of two; empty means all", func(s string) (err error) {
		o.shard, err = shard.Parse(s)
		return err
	})
	flags.StringVar(&o.codeDir, "code-dir", "", "folder that keeps the code of packages")
	flags.Int64Var(&o.codeBytes, "code-bytes", 1<<30, "most bytes to keep in the code folder")
	flags.StringVar(&o.storage, "storage", "", "URL by which pods reach the archive store; empty means that there is none")
	flags.StringVar(&o.logger, "logger", "", "URL of the logger, which keeps what pods tell of slow and failed requests; empty keeps none")
	peers.Flag(flags, &o.tlsDir)
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&o.profiling, "profiling", false, "serve /debug/pprof on the debug port")
	flags.BoolVar(&o.fissionMetrics, "fission-metrics", true, "export the functions' figures under Fission's names too")
	poolFlags(flags, &o.pool)
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	o.pool.ProxyEnv = proxyEnv(getenv)
	return o, o.validate()
}

// proxyEnv hands the variables that switch traces on, and what is slow, to the queue-proxies.
func proxyEnv(getenv func(string) string) []corev1.EnvVar {
	var env []corev1.EnvVar
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SDK_DISABLED",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "HOTPOD_SLOW",
	} {
		if value := getenv(name); value != "" {
			env = append(env, corev1.EnvVar{Name: name, Value: value})
		}
	}
	return env
}

func poolFlags(flags *flag.FlagSet, c *pool.Config) {
	flags.StringVar(&c.FetcherImage, "fetcher-image", "", "image of the fetcher")
	flags.StringVar(&c.ProxyImage, "proxy-image", "", "image of the queue-proxy")
	flags.Func("fetcher-command", "command of the fetcher, words apart by spaces; empty means the image's own", words(&c.FetcherCommand))
	flags.Func("proxy-command", "command of the queue-proxy, words apart by spaces; empty means the image's own", words(&c.ProxyCommand))
	flags.Func("image-pull-policy", "Always, IfNotPresent (default) or Never", func(s string) error {
		switch p := corev1.PullPolicy(s); p {
		case corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever:
			c.ImagePullPolicy = p
			return nil
		}
		return errors.New("want Always, IfNotPresent or Never")
	})
	flags.StringVar(&c.RuntimeHost, "runtime-host", c.RuntimeHost, "where runtimes listen: loopback or pod")
	flags.BoolVar(&c.RunAsNonRoot, "run-as-non-root", c.RunAsNonRoot, "refuse images that run as root")
	flags.Int64Var(&c.RunAsUser, "run-as-user", 0, "user of the pods; 0 means the images' own")
	flags.Int64Var(&c.FSGroup, "fs-group", 0, "group of the pods' volumes; 0 means none")
	flags.StringVar(&c.FunctionNamespace, "function-namespace", "", "namespace of the pods of environments in the namespace default; empty means beside them")
	flags.IntVar(&c.MaxPods, "max-pods", c.MaxPods, "most pods of one environment")
	flags.IntVar(&c.MaxPoolSize, "max-pool-size", c.MaxPoolSize, "most warm pods of one environment that are kept because many are claimed")
	flags.DurationVar(&c.StartTimeout, "start-timeout", c.StartTimeout, "time after which a pod that is not warm counts as broken")
}

func words(to *[]string) func(string) error {
	return func(s string) error {
		*to = strings.Fields(s)
		return nil
	}
}

// validate lists every fault, those of the pool too.
func (o options) validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(o.address == "" || net.ParseIP(o.address) != nil, "--address %q is not an IP address", o.address)
	require(o.componentNamespace != "", "--component-namespace is empty")
	require(o.lease == "" || o.identity != "", "--identity is empty, which --lease needs")
	require(o.codeDir != "", "--code-dir is empty")
	require(o.codeBytes > 0, "--code-bytes %d must be positive", o.codeBytes)
	if err := timelines.Check(o.logger); err != nil {
		faults = append(faults, fmt.Errorf("--logger: %w", err))
	}
	keyed := o.pool
	keyed.ControlKey = "read later"
	return errors.Join(append(faults, keyed.Validate())...)
}

// leaseName is that of the replicas of one shard.
func (o options) leaseName() string {
	if o.shard.Alone() {
		return o.lease
	}
	return o.lease + "-" + strconv.Itoa(o.shard.Index)
}

func (o options) streamAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortAutoscaler))
}

func (o options) debugAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortDebug))
}
