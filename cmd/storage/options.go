package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/kube"
	"hotpod.dev/storage"
	"hotpod.dev/wire"
)

// options are the flags of the command; each one's default is the variable HOTPOD_<FLAG>.
type options struct {
	config             storage.Config
	address            string
	dir                string
	s3                 storage.S3Config
	componentNamespace string
	kubeconfig         string
	logLevel           string
}

func parse(args []string, getenv func(string) string, stderr io.Writer) (options, error) {
	var o options
	c := &o.config
	flags := flag.NewFlagSet("storage", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.address, "address", "", "IP to listen on; empty means all")
	flags.StringVar(&o.dir, "dir", "", "folder of the archives; with --s3-endpoint of uploads that are not complete")
	flags.StringVar(&o.s3.Endpoint, "s3-endpoint", "", "URL of an S3-compatible server that keeps the archives; empty means that the folder does")
	flags.StringVar(&o.s3.Bucket, "s3-bucket", "", "bucket for the archives, which exists")
	flags.StringVar(&o.s3.Prefix, "s3-prefix", "", "folder in the bucket")
	flags.StringVar(&o.s3.Region, "s3-region", "", "region of the bucket")
	flags.BoolVar(&o.s3.TellBucket, "s3-tell-bucket", false, "tell Fission's clients the bucket, whose address at Amazon they then write into packages")
	flags.BoolVar(&c.RequireAuth, "require-auth", false, "refuse calls that are not signed; the shared secret is made when there is none")
	flags.Int64Var(&c.MaxArchive, "max-archive", storage.DefaultMaxArchive, "largest archive in bytes")
	flags.Int64Var(&c.MaxTotal, "max-bytes", 0, "most bytes of all archives; 0 is no bound")
	flags.Int64Var(&c.MaxNamespace, "max-namespace-bytes", 0, "most bytes of the archives that a namespace's packages name; 0 is no bound")
	flags.DurationVar(&c.PruneInterval, "prune-interval", time.Hour, "time between two looks for archives that no package names; 0 never looks")
	flags.DurationVar(&c.Grace, "grace", time.Hour, "how long an archive stays that no package names")
	flags.StringVar(&o.componentNamespace, "component-namespace", envflag.Namespace(getenv), "namespace of the platform's parts and keys")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file that says where the API server is; empty means KUBECONFIG or the pod's account")
	flags.StringVar(&o.logLevel, "log-level", "info", "debug, info, warn or error")
	if err := envflag.Parse(flags, args, getenv); err != nil {
		return options{}, err
	}
	o.s3.AccessKey, o.s3.SecretKey = getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
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
	require(o.dir != "", "--dir is empty: name the folder of the archives")
	require(o.s3.Endpoint == "" || o.s3.Bucket != "", "--s3-bucket is empty, which --s3-endpoint needs")
	require(o.config.MaxArchive > 0, "--max-archive %d is not positive", o.config.MaxArchive)
	require(o.config.MaxTotal >= 0 && o.config.MaxNamespace >= 0, "--max-bytes and --max-namespace-bytes must not be negative")
	require(o.config.PruneInterval >= 0 && o.config.Grace > 0, "--prune-interval must not be negative, --grace must be positive")
	return errors.Join(errs...)
}

// backend returns where archives are kept. Uploads lie in the folder until they are complete.
func (o *options) backend(ctx context.Context) (storage.Backend, error) {
	o.config.Spool = filepath.Join(o.dir, ".uploads")
	if o.s3.Endpoint != "" {
		return storage.NewS3(ctx, o.s3)
	}
	return storage.NewFolder(o.dir)
}

func (o *options) clients() (*kube.Clients, error) {
	return kube.Connect(o.kubeconfig, "hotpod-storage")
}

func (o *options) archiveAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortStorage))
}

func (o *options) debugAddress() string {
	return net.JoinHostPort(o.address, strconv.Itoa(wire.PortDebug))
}
