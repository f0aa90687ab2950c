package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/kube"
	"hotpod.dev/logger"
	"hotpod.dev/logstore"
	"hotpod.dev/wire"
)

const (
	portLogger = wire.PortLogger
	portDebug  = wire.PortDebug
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	address            string
	database           string
	dir                string
	keep               logstore.Retention
	timelines          int64
	pruneInterval      time.Duration
	maxStreams         int
	requireAuth        bool
	tlsDir             string
	componentNamespace string
	kubeconfig         string
	logLevel           string
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("logger", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.database, "database", "",
		`where lines are kept: "sqlite:PATH" or "postgres://USER:PASSWORD@HOST/NAME"; empty means SQLite in --dir`)
	flags.StringVar(&o.dir, "dir", "", "folder of the SQLite database when --database is empty")
	flags.DurationVar(&o.keep.Age, "keep-age", 7*24*time.Hour, "how long lines are kept; 0 is no bound")
	flags.Int64Var(&o.keep.Bytes, "keep-bytes", 2_000_000_000, "about what lines may take in the database, indexes included; 0 is no bound")
	flags.Int64Var(&o.timelines, "timelines", 100_000, "timelines of slow, cold and failed requests that are kept, for no longer than lines; 0 is no bound")
	flags.DurationVar(&o.pruneInterval, "prune-interval", time.Minute, "time between two looks for lines that are too old or too many")
	flags.IntVar(&o.maxStreams, "max-streams", logger.DefaultMaxStreams, "logs that are followed at once; those beyond are read every few seconds")
	flags.BoolVar(&o.requireAuth, "require-auth", false, "refuse questions that are not signed; the shared secret is made when there is none")
	peers.Flag(flags, &o.tlsDir)
	flags.StringVar(&o.componentNamespace, "component-namespace", envflag.Namespace(getenv), "namespace of the platform's parts and keys")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	if o.database == "" && o.dir != "" {
		o.database = "sqlite:" + filepath.Join(o.dir, "logs.db")
	}
	return o, o.validate()
}

// validate lists every fault.
func (o *options) validate() error {
	var errs []error
	require := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	require(o.address == "" || net.ParseIP(o.address) != nil, "--address %q is not an IP address", o.address)
	if err := logstore.Check(o.database); err != nil {
		errs = append(errs, fmt.Errorf("--database or --dir cannot be used: %w", err))
	}
	require(o.keep.Age >= 0 && o.keep.Bytes >= 0, "--keep-age and --keep-bytes must not be negative")
	require(o.timelines >= 0, "--timelines must not be negative")
	require(o.pruneInterval > 0, "--prune-interval must be positive")
	require(o.maxStreams > 0, "--max-streams %d is not positive", o.maxStreams)
	return errors.Join(errs...)
}

func (o *options) clients() (*kube.Clients, error) {
	return kube.Connect(o.kubeconfig, "hotpod-logger")
}

func (o *options) at(port int) string { return net.JoinHostPort(o.address, strconv.Itoa(port)) }
