package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"hotpod.dev/cmd/internal/envflag"
	"hotpod.dev/xds"
)

// bootstrap prints the configuration that an Envoy starts with.
func bootstrap(args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	var c xds.BootstrapConfig
	var output string
	flags := flag.NewFlagSet("xds bootstrap", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.XDS, "xds", "", "host:port of the discovery server")
	flags.StringVar(&c.Admin, "admin", "127.0.0.1:9901", "loopback ip:port of Envoy's admin interface")
	flags.StringVar(&c.Debug, "debug", "", "ip:port of /metrics, /healthz and /readyz; empty means none")
	flags.StringVar(&c.Guard, "guard", "", "ip:port of the router's parent, which Envoy asks about calls of the internal listener; empty asks nobody")
	flags.StringVar(&c.Secrets, "secrets", "", "folder with "+xds.FileCertificate+" and "+xds.FileAuthority+", which say where Envoy's certificates are; empty means that it talks plainly")
	flags.StringVar(&c.NodeID, "node-id", getenv("POD_NAME"), "name of the Envoy")
	flags.StringVar(&output, "output", "", "file to write; empty means standard output")
	err := envflag.Parse(flags, args, getenv)
	if err != nil {
		return err
	}
	if c.Tracing, err = xds.TracingFromEnv(getenv); err != nil {
		return err
	}
	text, err := xds.Bootstrap(c)
	if err != nil {
		return err
	}
	if output == "" {
		_, err = stdout.Write(text)
		return err
	}
	if err := os.WriteFile(output, text, 0o644); err != nil { //nolint:gosec // Envoy may run as another user
		return fmt.Errorf("write the bootstrap: %w", err)
	}
	return nil
}
