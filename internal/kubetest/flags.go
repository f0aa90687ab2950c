package kubetest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// writeFiles writes what the flags refer to: the administrator's token, the key of service account tokens and the
// controllers' kubeconfig. The API server makes its own serving certificate.
func (s *Server) writeFiles() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"tokens": []byte(s.token + `,kubetest,kubetest,"system:masters"` + "\n"),
		"sa.key": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) apiserverArgs(options Options) []string {
	args := []string{
		"apiserver",
		"--etcd-servers=unix://etcd.sock",
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", s.port), "--cert-dir=certs",
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--token-auth-file=tokens", "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=sa.key", "--service-account-signing-key-file=sa.key",
		"--service-cluster-ip-range=10.0.0.0/16", "--profiling=false",
	}
	if !options.Controllers {
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return args
}

func (s *Server) controllerArgs() []string {
	kubeconfig := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}],
clusters: [{name: c, cluster: {server: "https://127.0.0.1:%d", certificate-authority: certs/apiserver.crt}}], users: [{name: u, user: {token: %q}}]}`, s.port, s.token)
	// A file that cannot be written shows as the controllers' own error.
	_ = os.WriteFile(filepath.Join(s.dir, "kubeconfig"), []byte(kubeconfig), 0o600)
	return []string{
		"controllers", "--kubeconfig=kubeconfig", "--secure-port=0", "--leader-elect=false", "--profiling=false",
		"--root-ca-file=certs/apiserver.crt", "--service-account-private-key-file=sa.key",
		"--controllers=" + strings.Join([]string{
			"namespace-controller", "garbage-collector-controller", "serviceaccount-controller", "serviceaccount-token-controller",
			"root-ca-certificate-publisher-controller", "resourcequota-controller", "disruption-controller", "pod-garbage-collector-controller",
			"clusterrole-aggregation-controller",
		}, ","),
	}
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
