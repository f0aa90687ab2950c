package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/grpc"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/certs"
	"hotpod.dev/cmd/internal/peers"
	"hotpod.dev/feed"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/telemetry"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// issuer keeps folders of certificates as the controller and the kubelet do.
type issuer struct {
	t           *testing.T
	dir         string
	settings    certs.Settings
	authorities certs.Authorities
	version     int
}

// newIssuer has an authority that was made three hours ago and holds for one more.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{t: t, dir: t.TempDir(), settings: certs.Settings{Life: time.Hour, AuthorityLife: 4 * time.Hour}}
	i.step(time.Now().Add(-3 * time.Hour))
	return i
}

func (i *issuer) folder(part string) string { return filepath.Join(i.dir, part) }

// step does with the authorities what that time demands, and gives every part another certificate.
func (i *issuer) step(at time.Time) (why string) {
	i.t.Helper()
	var err error
	if i.authorities, why, err = i.authorities.Step(i.settings, at); err != nil {
		i.t.Fatal(err)
	}
	for _, part := range certs.Parts() {
		pair, err := i.authorities.Signing().Issue(part, nil, time.Now(), i.settings.Life)
		if err != nil {
			i.t.Fatal(err)
		}
		i.put(part, certs.Files{Pair: pair, Authorities: i.authorities.Bundle()})
	}
	return why
}

func (i *issuer) put(part string, f certs.Files) {
	i.t.Helper()
	i.version++
	version, dir := fmt.Sprintf("..%d", i.version), i.folder(part)
	errs := []error{os.MkdirAll(filepath.Join(dir, version), 0o755)}
	for name, text := range map[string][]byte{"tls.crt": f.Cert, "tls.key": f.Key, "ca.crt": f.Authorities} {
		errs = append(errs, os.WriteFile(filepath.Join(dir, version, name), text, 0o600))
		if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
			errs = append(errs, os.Symlink(filepath.Join("..data", name), filepath.Join(dir, name)))
		}
	}
	next := filepath.Join(dir, "..data_tmp")
	errs = append(errs, os.Symlink(version, next), os.Rename(next, filepath.Join(dir, "..data")))
	if err := errors.Join(errs...); err != nil {
		i.t.Fatal(err)
	}
}

// envoyFiles writes what an Envoy needs to find its certificates.
func (i *issuer) envoyFiles(part string) string {
	i.t.Helper()
	files, err := xds.SecretFiles(i.folder(part))
	if err != nil {
		i.t.Fatal(err)
	}
	dir := i.t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			i.t.Fatal(err)
		}
	}
	return dir
}

func (i *issuer) peers(part string, registry *prometheus.Registry) peers.Peers {
	i.t.Helper()
	log, err := telemetry.Logger(i.t.Output(), part, "info")
	if err != nil {
		i.t.Fatal(err)
	}
	return peers.New(i.folder(part), log, registry)
}

// secureXDS serves Envoys and the controller as the command does; kick breaks all connections.
func secureXDS(t *testing.T, host string, known peers.Peers) (server *xds.Server, kick func()) {
	t.Helper()
	log, err := telemetry.Logger(t.Output(), "xds", "info")
	if err != nil {
		t.Fatal(err)
	}
	server, err = xds.New(xds.Config{Public: []string{host + ":8888"}, Internal: []string{host + ":8889"}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	server.Synced()
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	go func() { defer close(ran); _ = server.Run(ctx) }()
	serve := func() func() {
		running, end := context.WithCancel(ctx)
		done := make(chan error, 2)
		o := options{address: host}
		go func() { done <- serveDiscovery(running, o, known, server) }()
		go func() { done <- serveStatus(running, o, known, server) }()
		return func() { end(); <-done; <-done }
	}
	end := serve()
	t.Cleanup(func() { end(); cancel(); <-ran })
	return server, func() { end(); end = serve() }
}

// A real Envoy and a controller keep getting what changes, over new connections too, while certificates and their
// authorities are replaced every few seconds.
func TestDiscovery_GoesOnWhileCertificatesRoll(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes as long as several certificates hold")
	}
	envoytest.Path(t)
	host := envoytest.Address(t)
	i := newIssuer(t)
	all := map[string]*prometheus.Registry{certs.XDS: prometheus.NewRegistry(), certs.Controller: prometheus.NewRegistry()}
	server, kick := secureXDS(t, host, i.peers(certs.XDS, all[certs.XDS]))
	text, err := xds.Bootstrap(xds.BootstrapConfig{XDS: host + ":18000", Admin: host + ":9901", Secrets: i.envoyFiles(certs.Router)})
	if err != nil {
		t.Fatal(err)
	}
	envoytest.Start(t, host+":9901", text)
	conn, err := feed.Dial(net.JoinHostPort(host, fmt.Sprint(wire.PortRouteStatus)), i.peers(certs.Controller, all[certs.Controller]).Want(certs.XDS)...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	var acknowledged atomic.Int64
	go func() {
		for t.Context().Err() == nil {
			_ = feed.WatchRouteStatus(t.Context(), conn, func(s wire.RouteStatus) {
				if s.State == wire.RouteAcknowledged {
					acknowledged.Store(s.Generation)
				}
			})
		}
	}()
	server.SetFunction(&v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "f", UID: "uid-f", Generation: 1}})
	round := int64(0)
	for _, phase := range []struct {
		at  time.Duration
		why string
	}{
		{-2 * time.Hour, ""}, {-20 * time.Minute, "the next one is announced"}, {0, "the next one signs now"}, {61 * time.Minute, "an old one has ended"},
	} {
		if why := i.step(time.Now().Add(phase.at)); why != phase.why {
			t.Fatalf("%q, want %q", why, phase.why)
		}
		// Longer than files may be older than they are read.
		for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); kick() {
			round++
			server.SetRoute(&v1.HTTPTrigger{
				ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "r", UID: "r", Generation: round},
				Spec: v1.HTTPTriggerSpec{
					RelativeURL: fmt.Sprintf("/r%d", round), Methods: []string{"GET"}, FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: "f"},
				},
			})
			envoytest.Eventually(t, fmt.Sprintf("round %d reaches Envoy and controller", round), func() error {
				if g := acknowledged.Load(); g != round {
					return fmt.Errorf("acknowledged is %d", g)
				}
				return nil
			})
		}
	}
	for part, known := range all {
		if n := testutil.CollectAndCount(known, "hotpod_tls_refused_total"); n > 0 {
			t.Errorf("%s refused somebody", part)
		}
	}
	t.Logf("%d rounds", round)
}

// Who is not the part that may be there gets nothing.
func TestDiscovery_RefusesOtherParts(t *testing.T) {
	host := envoytest.Address(t)
	i := newIssuer(t)
	secureXDS(t, host, i.peers(certs.XDS, prometheus.NewRegistry()))
	other := newIssuer(t)
	for what, opts := range map[string][]grpc.DialOption{
		"plainly": nil, "the router": i.peers(certs.Router, prometheus.NewRegistry()).Want(certs.XDS),
		"another installation's controller": other.peers(certs.Controller, prometheus.NewRegistry()).Want(certs.XDS),
	} {
		conn, err := feed.Dial(net.JoinHostPort(host, fmt.Sprint(wire.PortRouteStatus)), append(opts, grpc.WithDefaultCallOptions(grpc.WaitForReady(false)))...)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		if err := feed.WatchRouteStatus(ctx, conn, func(wire.RouteStatus) {}); err == nil || ctx.Err() != nil {
			t.Errorf("%s: the stream is served: %v", what, err)
		}
		cancel()
		_ = conn.Close()
	}
}
