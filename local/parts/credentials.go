package parts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"hotpod.dev/local/pki"
)

const (
	// tokenLifetime of the parts' tokens, and the time after which new ones are to be written.
	tokenLifetime = 30 * 24 * time.Hour
	// TokenRenewal is how often credentials should be written anew; clients read the file again by themselves.
	TokenRenewal = 24 * time.Hour
)

// Writer writes what static pods mount.
type Writer struct {
	// Client asks for tokens.
	Client kubernetes.Interface
	// Server is the URL of the API, CA the certificates that it is checked by.
	Server string
	CA     []byte
}

// Write writes the folder, readable by the owner only.
func (w Writer) Write(ctx context.Context, f Files) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	contents := f.Contents
	if f.ServiceAccount != "" {
		var err error
		if contents, err = w.credentials(ctx, f.ServiceAccount); err != nil {
			return fmt.Errorf("get credentials of service account %s: %w", f.ServiceAccount, err)
		}
	}
	for name, text := range contents {
		path := filepath.Join(f.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := pki.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (w Writer) credentials(ctx context.Context, account string) (map[string][]byte, error) {
	namespace, name, _ := strings.Cut(account, "/")
	seconds := int64(tokenLifetime / time.Second)
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	answer, err := w.Client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	// Relative paths of a kubeconfig are relative to the file, so it can be mounted anywhere.
	const kubeconfig = `{apiVersion: v1, kind: Config, current-context: platform,
contexts: [{name: platform, context: {cluster: platform, user: part, namespace: %q}}],
clusters: [{name: platform, cluster: {server: %q, certificate-authority: ca.crt}}], users: [{name: part, user: {tokenFile: token}}]}
`
	return map[string][]byte{
		"token": []byte(answer.Status.Token), "ca.crt": w.CA, "namespace": []byte(namespace),
		"kubeconfig": fmt.Appendf(nil, kubeconfig, namespace, w.Server),
	}, nil
}
