package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"
)

// The bounds of a request's beginning, and of the server's end.
const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = time.Second
	certificateLife = 10 * 365 * 24 * time.Hour
)

// Config says how the server is reached.
type Config struct {
	// CertFile and KeyFile are the server's certificate; empty means one that it signs itself.
	CertFile, KeyFile string
	// ClientCAFile is the authority of the only clients that are admitted.
	ClientCAFile string
	Log          *slog.Logger
}

// Serve answers on the listener until ctx ends, and closes it.
func Serve(ctx context.Context, listener net.Listener, c Config, pods Pods) error {
	settings, err := tlsConfig(c, listener.Addr())
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: NewHandler(pods), ReadHeaderTimeout: headerTimeout,
		ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if server.Shutdown(limited) != nil {
			server.Close()
		}
	})
	defer stop()
	if err := server.Serve(tls.NewListener(listener, settings)); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve logs and exec: %w", err)
	}
	return nil
}

func tlsConfig(c Config, addr net.Addr) (*tls.Config, error) {
	authority, err := os.ReadFile(c.ClientCAFile)
	if err != nil {
		return nil, fmt.Errorf("read client authority: %w", err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("read client authority: %s has no certificate", c.ClientCAFile)
	}
	certificate, err := certificateOf(c, addr)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate},
		ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert,
		NextProtos: []string{"http/1.1"},
	}, nil
}

func certificateOf(c Config, addr net.Addr) (tls.Certificate, error) {
	if c.CertFile == "" {
		return selfSigned(addr)
	}
	certificate, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read server certificate: %w", err)
	}
	return certificate, nil
}

// selfSigned makes a certificate for the address; API servers that are given no
// authority for nodes take it.
func selfSigned(addr net.Addr) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hotpod-node"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certificateLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if tcp, ok := addr.(*net.TCPAddr); ok {
		template.IPAddresses = []net.IP{tcp.IP}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
