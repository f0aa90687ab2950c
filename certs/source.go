package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/fresh"
	"hotpod.dev/seldom"
)

// Files are what a part is given: its certificate with the key, and the certificates of the authorities that it trusts.
type Files struct {
	Pair
	Authorities []byte
}

// Dir returns what reads the files of a folder, as a Secret is mounted there.
func Dir(dir string) func() (Files, error) {
	return func() (f Files, err error) {
		from := dir
		// All three of one version: a mounted Secret is changed by turning this link.
		if version, err := os.Readlink(filepath.Join(dir, "..data")); err == nil {
			from = filepath.Join(dir, version)
		}
		for name, to := range map[string]*[]byte{KeyCert: &f.Cert, KeyKey: &f.Key, KeyBundle: &f.Authorities} {
			text, err := os.ReadFile(filepath.Join(from, name))
			if err != nil {
				return Files{}, fmt.Errorf("read a certificate: %w", err)
			}
			*to = text
		}
		return f, nil
	}
}

// Source makes TLS configurations from files, which are read again when a connection is made and they may have changed.
type Source struct {
	files   *fresh.Value[*loaded]
	log     *slog.Logger
	refused *prometheus.CounterVec
	voice   seldom.Voice
}

type loaded struct {
	own   tls.Certificate
	roots *x509.CertPool
}

// NewSource returns a source of what load reads.
func NewSource(load func() (Files, error), log *slog.Logger, registerer prometheus.Registerer) *Source {
	s := &Source{log: log, refused: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hotpod_tls_refused_total",
		Help: "Connections between parts that were refused, by side that refused, and reason: none (no certificate), authority, expired, or part.",
	}, []string{"side", "reason"})}
	s.files = fresh.New("this part's certificate", log, func() (*loaded, error) {
		f, err := load()
		if err != nil {
			return nil, err
		}
		return f.parse()
	})
	end := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotpod_tls_certificate_expiry_timestamp_seconds", Help: "When this part's certificate ends; 0 while there is none.",
	}, s.end)
	registerer.MustRegister(s.refused, end)
	return s
}

func (f Files) parse() (*loaded, error) {
	own, err := tls.X509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("read a certificate and its key: %w", err)
	}
	l := &loaded{own: own, roots: x509.NewCertPool()}
	if !l.roots.AppendCertsFromPEM(f.Authorities) {
		return nil, errNoAuthority
	}
	return l, nil
}

func (s *Source) end() float64 {
	l, err := s.files.Get()
	if err != nil || l.own.Leaf == nil {
		return 0
	}
	return float64(l.own.Leaf.NotAfter.Unix())
}

// Server lets the parts in, and nobody else.
func (s *Source) Server(parts ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		// Verified below, where the reason can be told.
		ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true,
		GetCertificate:   func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.own() },
		VerifyConnection: s.verify("server", x509.ExtKeyUsageClientAuth, parts),
	}
}

// Client connects to one of the parts, wherever it is, and to nobody else.
func (s *Source) Client(parts ...string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: "hotpod",
		InsecureSkipVerify:   true, //nolint:gosec // not names are verified, but parts, below
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return s.own() },
		VerifyConnection:     s.verify("client", x509.ExtKeyUsageServerAuth, parts),
	}
}

func (s *Source) own() (*tls.Certificate, error) {
	l, err := s.files.Get()
	if err != nil {
		return nil, err
	}
	return &l.own, nil
}

func (s *Source) verify(side string, usage x509.ExtKeyUsage, parts []string) func(tls.ConnectionState) error {
	return func(c tls.ConnectionState) error {
		l, err := s.files.Get()
		if err != nil {
			return err
		}
		reason, err := l.check(c.PeerCertificates, usage, parts)
		if err == nil {
			return nil
		}
		s.refused.WithLabelValues(side, reason).Inc()
		if silent, ok := s.voice.Speak(side + reason); ok {
			s.log.Warn("a connection between parts is refused", "side", side, "reason", reason, "error", err, "peer", peer(c.PeerCertificates),
				"wanted", parts, "not_logged", silent)
		}
		return err
	}
}

// check returns why the peer is refused, in a word and for people.
func (l *loaded) check(chain []*x509.Certificate, usage x509.ExtKeyUsage, parts []string) (reason string, err error) {
	if len(chain) == 0 {
		return "none", errors.New("the peer has no certificate")
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err = chain[0].Verify(x509.VerifyOptions{
		Roots: l.roots, Intermediates: between, CurrentTime: time.Now(), KeyUsages: []x509.ExtKeyUsage{usage},
	})
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired", fmt.Errorf("the peer's certificate does not hold now: %w", err)
	case err != nil:
		return "authority", fmt.Errorf("the peer's certificate is not of an authority that is trusted: %w", err)
	case !names(chain[0], parts...):
		return "part", errors.New("the peer is another part than may be here")
	default:
		return "", nil
	}
}

// peer is what the certificate says that the peer is.
func peer(chain []*x509.Certificate) string {
	if len(chain) == 0 || len(chain[0].URIs) == 0 {
		return ""
	}
	return chain[0].URIs[0].String()
}
