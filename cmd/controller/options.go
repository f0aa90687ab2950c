package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"hotpod.dev/buildmgr"
	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/feed"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	address           string
	autoscaler        string
	xds               string
	namespace         string
	functionNamespace string
	// componentNamespace is the platform's own, where the control key is.
	componentNamespace string
	storage            string
	// publish names the Service that published routes lead to.
	publish string
	// tenants says whether namespaces are made tenants.
	tenants bool
	// serviceTarget is what functions' Services are aliases of.
	serviceTarget string
	build         buildmgr.Config
	// keepSecrets has certificates and keys of the parts kept, with these settings; this part's own is one of them.
	keepSecrets bool
	// lease elects one of several controllers; empty means that this is the only one. identity is this one's name.
	lease, identity string
	certificates    certs.Settings
	kubeconfig      string
	logLevel        string
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	o := options{build: buildmgr.DefaultConfig()}
	flags := flag.NewFlagSet("controller", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.autoscaler, "autoscaler", "", "host:port of the autoscaler, of several replicas apart by commas, of several shards by semicolons, for the status of functions")
	flags.StringVar(&o.xds, "xds", "", "host:port of xds, of all replicas behind the name, for the status of routes")
	flags.StringVar(&o.namespace, "namespace", "", "keep only the objects of this namespace in order; empty means all")
	flags.StringVar(&o.functionNamespace, "function-namespace", "", "namespace of the pods of functions in the namespace default")
	flags.StringVar(&o.componentNamespace, "component-namespace", namespaceOf(getenv), "namespace of the platform's parts and of the control key")
	flags.StringVar(&o.storage, "storage", "", "URL by which pods reach the archive store; empty means that there is none")
	flags.StringVar(&o.serviceTarget, "service-target", "", "Service that functions' Services are aliases of, NAME.NAMESPACE or its whole DNS name; empty means that functions have none")
	flags.StringVar(&o.publish, "publish", "", "Service beside the controller that published routes lead to; empty means that routes are not published")
	flags.BoolVar(&o.tenants, "tenants", false, "make those namespaces tenants that a FissionTenant names, or that are labelled hotpod.dev/tenant=true; needs rights in the whole cluster")
	buildFlags(flags, &o.build)
	flags.BoolVar(&o.keepSecrets, "keep-secrets", false, "make and renew the parts' certificates, by which this part too knows others, and the key of the internal listener; those that cert-manager keeps are left alone")
	flags.DurationVar(&o.certificates.Life, "certificate-life", 30*24*time.Hour, "how long a part's certificate holds; it is renewed when two thirds are over")
	flags.DurationVar(&o.certificates.AuthorityLife, "authority-life", 365*24*time.Hour, "how long an authority holds, at least four times as long; the next one is trusted before it signs")
	flags.StringVar(&o.lease, "lease", "", "lease by which one of several replicas is elected; empty means that this is the only one")
	flags.StringVar(&o.identity, "identity", getenv("POD_NAME"), "name of this replica in the election")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	return o, o.validate()
}

// namespaceOf returns the process's own namespace.
func namespaceOf(getenv func(string) string) string {
	if ns := getenv("POD_NAMESPACE"); ns != "" {
		return ns
	}
	return "fission"
}

// validate lists every fault.
func (o options) validate() error {
	var errs []error
	if o.address != "" && net.ParseIP(o.address) == nil {
		errs = append(errs, fmt.Errorf("--address %q is not an IP address", o.address))
	}
	for _, f := range []struct {
		name, value string
		check       func(string) error
	}{{"autoscaler", o.autoscaler, feed.CheckShards}, {"xds", o.xds, feed.CheckAddresses}} {
		if f.value == "" {
			continue
		}
		if err := f.check(f.value); err != nil {
			errs = append(errs, fmt.Errorf("--%s %w", f.name, err))
		}
	}
	if o.lease != "" && o.identity == "" {
		errs = append(errs, errors.New("--identity is empty, which --lease needs"))
	}
	if o.keepSecrets {
		errs = append(errs, o.certificates.Validate())
	}
	if o.builds() {
		keyed := o.build
		keyed.Pod.ControlKey = "read later"
		errs = append(errs, keyed.Validate())
	}
	return errors.Join(errs...)
}

func (o options) debugAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortDebug))
}

func (o options) clients() (*kube.Clients, error) {
	return kube.Connect(o.kubeconfig, "hotpod-controller")
}
