package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strconv"
	"strings"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

const debugPort = wire.PortDebug

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	config             xds.Config
	address            string
	componentNamespace string
	kubeconfig         string
	logLevel           string
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	var public, internal, replay, accessLog string
	err := readFlags("xds", args, getenv, stderr, []stringFlag{
		{&o.address, "address", "0.0.0.0", "IP to listen on"},
		{&public, "public", everywhere(wire.PortPublic), "addresses of Envoy's public listener, ip:port, separated by commas"},
		{&internal, "internal", everywhere(wire.PortInternal), "addresses of Envoy's internal listener"},
		{&replay, "replay-limit", strconv.Itoa(wire.DefaultReplayLimit), "largest body in bytes that Envoy keeps for a replay"},
		{&accessLog, "access-log", "false", "whether Envoy logs each request"},
		{&o.componentNamespace, "component-namespace", "fission", "namespace of the activators"},
		{&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account"},
		{&o.logLevel, "log-level", "info", "debug, info, warn or error"},
	})
	if err != nil {
		return options{}, err
	}
	var errs [3]error
	o.config = xds.Config{Public: split(public), Internal: split(internal), Version: version()}
	o.config.ReplayLimit, errs[0] = strconv.ParseInt(replay, 10, 64)
	o.config.AccessLog, errs[1] = strconv.ParseBool(accessLog)
	o.config.Tracing, errs[2] = xds.TracingFromEnv(getenv)
	if net.ParseIP(o.address) == nil {
		err = fmt.Errorf("--address %q is not an IP address", o.address)
	}
	return o, errors.Join(append(errs[:], err)...)
}

// stringFlag is a flag whose default is the variable HOTPOD_<NAME>.
type stringFlag struct {
	value            *string
	name, def, usage string
}

func readFlags(command string, args []string, getenv func(string) string, stderr io.Writer, all []stringFlag) error {
	flags := flag.NewFlagSet(command, flag.ContinueOnError)
	flags.SetOutput(stderr)
	for _, f := range all {
		flags.StringVar(f.value, f.name, f.def, f.usage)
	}
	return envflag.Parse(flags, args, getenv)
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

// version is what the binary was built from.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}

func (o options) listen(port int) string { return net.JoinHostPort(o.address, strconv.Itoa(port)) }

func (o options) clients() (*kube.Clients, error) {
	config, _, err := kube.Load(kube.LoadOptions{Kubeconfig: o.kubeconfig, UserAgent: "hotpod-xds"})
	if err != nil {
		return nil, err
	}
	return kube.NewClients(config)
}
