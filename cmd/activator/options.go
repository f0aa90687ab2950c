package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"hotpod.dev/activator"
	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/feed"
	"hotpod.dev/timelines"
	"hotpod.dev/wire"
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	address     string
	autoscaler  string
	depth       int
	hold        time.Duration
	notice      time.Duration
	drain       time.Duration
	replayLimit int64
	logger      string
	tlsDir      string
	slow        time.Duration
	logLevel    string
	profiling   bool
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("activator", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.autoscaler, "autoscaler", "", "host:port of the autoscaler's streams; of several replicas apart by commas, of several shards by semicolons")
	flags.IntVar(&o.depth, "depth", activator.DefaultDepth, "requests of one function that may wait")
	flags.DurationVar(&o.hold, "hold", activator.DefaultHold, "bound of a wait until the function's own is known")
	flags.DurationVar(&o.notice, "notice", 2*time.Second, "time after SIGTERM until every Envoy has heard that requests go elsewhere")
	flags.DurationVar(&o.drain, "drain", 2*time.Minute, "bound of the time that requests are still served after SIGTERM")
	flags.Int64Var(&o.replayLimit, "replay-limit", wire.DefaultReplayLimit, "bytes of a body that are kept to be sent to another pod")
	flags.StringVar(&o.logger, "logger", "", "URL of the logger, which keeps the timelines of slow, cold and failed requests; empty keeps none")
	peers.Flag(flags, &o.tlsDir)
	flags.DurationVar(&o.slow, "slow", activator.DefaultSlow, "time from which on a request counts as slow")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&o.profiling, "profiling", false, "serve /debug/pprof on the debug port")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	return o, o.validate()
}

// validate lists every fault.
func (o options) validate() error {
	var faults []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	require(o.address == "" || net.ParseIP(o.address) != nil, "--address %q is not an IP address", o.address)
	require(feed.CheckShards(o.autoscaler) == nil, "--autoscaler %q is not host:port, nor several of them", o.autoscaler)
	require(o.depth > 0, "--depth %d must be at least 1", o.depth)
	require(o.hold > 0, "--hold %s must be positive", o.hold)
	require(o.notice >= 0 && o.drain >= 0, "--notice %s and --drain %s must not be negative", o.notice, o.drain)
	require(o.replayLimit > 0, "--replay-limit %d must be positive", o.replayLimit)
	require(o.slow > 0, "--slow %s must be positive", o.slow)
	if err := timelines.Check(o.logger); err != nil {
		faults = append(faults, fmt.Errorf("--logger: %w", err))
	}
	return errors.Join(faults...)
}

func (o options) requestAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortRequests))
}

func (o options) debugAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortDebug))
}
