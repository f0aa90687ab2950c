package trigger

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/event"
	"hotpod.dev/wire"
)

// options are the flags of the commands; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	address            string
	sender             event.SenderConfig
	namespace          string
	componentNamespace string
	identity           string
	kubeconfig         string
	logLevel           string
}

func parse(name string, args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	host, _ := os.Hostname() // only a default
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.sender.Router, "router", "http://router-internal:8889", "URL of the router's internal listener")
	flags.IntVar(&o.sender.Attempts, "attempts", 12, "attempts at a call until it is given up")
	flags.DurationVar(&o.sender.Timeout, "call-timeout", 10*time.Minute, "longest time of one attempt, beside the function's own time-outs")
	flags.IntVar(&o.sender.Concurrency, "concurrency", 256, "most calls under way")
	flags.StringVar(&o.namespace, "namespace", "", "look after the triggers of this namespace only; empty means all")
	flags.StringVar(&o.componentNamespace, "component-namespace", envflag.Namespace(getenv), "namespace of the platform's parts, of the lease and of the shared secret")
	flags.StringVar(&o.identity, "identity", cmp.Or(getenv("POD_NAME"), host), "name of this replica in the election")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
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
	u, err := url.Parse(o.sender.Router)
	require(err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https"), "--router %q is not the URL of a server", o.sender.Router)
	require(o.sender.Attempts > 0, "--attempts %d is not positive", o.sender.Attempts)
	require(o.sender.Timeout > 0, "--call-timeout %s is not positive", o.sender.Timeout)
	require(o.sender.Concurrency > 0, "--concurrency %d is not positive", o.sender.Concurrency)
	require(o.identity != "", "--identity is empty: name this replica")
	return errors.Join(errs...)
}

func (o *options) debugAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortDebug))
}
