// Package peers is how commands that are parts meet one another: by mTLS with the certificates of a folder, or plainly where
// none is named.
package peers

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"log/slog"
	"net"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"hotpod.dev/certs"
)

// Flag adds the flag that names the folder.
func Flag(flags *flag.FlagSet, dir *string) {
	flags.StringVar(dir, "tls-dir", "", "folder with tls.crt, tls.key and ca.crt, by which this part and others know one another; empty means that they talk plainly")
}

// Peers says who may come and who is wanted. The zero value asks for nothing.
type Peers struct{ source *certs.Source }

// New returns what the folder's certificates make; an empty dir means none.
func New(dir string, log *slog.Logger, registerer prometheus.Registerer) Peers {
	if dir == "" {
		return Peers{}
	}
	return From(certs.Dir(dir), log, registerer)
}

// From is New for certificates that lie elsewhere.
func From(load func() (certs.Files, error), log *slog.Logger, registerer prometheus.Registerer) Peers {
	return Peers{certs.NewSource(load, log, registerer)}
}

// Known reports whether parts have certificates here.
func (p Peers) Known() bool { return p.source != nil }

// Admit makes a gRPC server let the parts in, and nobody else.
func (p Peers) Admit(parts ...string) []grpc.ServerOption {
	if p.source == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.Creds(credentials.NewTLS(p.source.Server(parts...)))}
}

// Want makes a gRPC connection be to the part, and nobody else.
func (p Peers) Want(part string) []grpc.DialOption {
	if p.source == nil {
		return nil
	}
	return []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(p.source.Client(part)))}
}

// TLS returns how connections of other kinds are made to the part; nil is plainly.
func (p Peers) TLS(part string) *tls.Config {
	if p.source == nil {
		return nil
	}
	return p.source.Client(part)
}

// Listen takes connections of the parts, and of nobody else. The parts are Known.
func (p Peers) Listen(ctx context.Context, address string, parts ...string) (net.Listener, error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for parts: %w", err)
	}
	return tls.NewListener(lis, p.source.Server(parts...)), nil
}
