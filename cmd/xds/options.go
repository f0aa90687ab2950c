package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/timelines"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	config             xds.Config
	address            string
	componentNamespace string
	autoscaler         string
	kubeconfig         string
	logger             string
	tlsDir             string
	logLevel           string
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	var public, internal, services string
	flags := flag.NewFlagSet("xds", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "0.0.0.0", "IP to listen on")
	flags.StringVar(&public, "public", everywhere(wire.PortPublic), "addresses of Envoy's public listener, ip:port, separated by commas")
	flags.StringVar(&internal, "internal", everywhere(wire.PortInternal), "addresses of Envoy's internal listener")
	flags.StringVar(&services, "services", everywhere(wire.PortServices), "addresses of Envoy's listener of functions' Services; none: functions have no Services")
	flags.Int64Var(&o.config.ReplayLimit, "replay-limit", wire.DefaultReplayLimit, "largest body in bytes that Envoy keeps for a replay")
	flags.BoolVar(&o.config.AccessLog, "access-log", false, "whether Envoy logs each request")
	flags.StringVar(&o.componentNamespace, "component-namespace", "fission", "namespace of the activators")
	flags.StringVar(&o.autoscaler, "autoscaler", "", "host:port of the autoscaler's streams, which hears of first requests early; of several replicas apart by commas, of several shards by semicolons; empty tells nobody")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.logger, "logger", "", "URL of the logger, which keeps what Envoys tell of slow and failed requests; empty keeps none")
	peers.Flag(flags, &o.tlsDir)
	flags.DurationVar(&o.config.Slow, "slow", time.Second, "time from which on a request counts as slow")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	if net.ParseIP(o.address) == nil {
		return options{}, fmt.Errorf("--address %q is not an IP address", o.address)
	}
	if o.autoscaler != "" {
		if err := feed.CheckShards(o.autoscaler); err != nil {
			return options{}, fmt.Errorf("--autoscaler: %w", err)
		}
	}
	if err := timelines.Check(o.logger); err != nil {
		return options{}, fmt.Errorf("--logger: %w", err)
	}
	o.config.Public, o.config.Internal, o.config.Services = split(public), split(internal), split(services)
	o.config.Version = wire.Version()
	var err error
	o.config.Tracing, err = xds.TracingFromEnv(getenv)
	return o, err
}

// everywhere is the port on all addresses, of both families where this machine has both: Envoys run on others of its kind.
func everywhere(port int) string {
	host := "0.0.0.0"
	if lis, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6unspecified}); err == nil {
		_ = lis.Close()
		host = "::"
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (o options) listen(port int) string { return net.JoinHostPort(o.address, strconv.Itoa(port)) }

func (o options) clients() (*kube.Clients, error) {
	return kube.Connect(o.kubeconfig, "hotpod-xds")
}
