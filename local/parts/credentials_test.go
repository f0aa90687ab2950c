package parts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/clientcmd"
)

// tokens returns a client that answers requests for tokens.
func tokens(answer string, err error) *fake.Clientset {
	client := fake.NewSimpleClientset()
	client.PrependReactor("create", "serviceaccounts", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: answer}}, err
	})
	return client
}

func TestWrite_MakesAKubeconfigThatWorksWhereItLies(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "access")
	w := Writer{Client: tokens("secret-token", nil), Server: "https://127.0.0.1:1", CA: []byte("authority")}
	if err := w.Write(context.Background(), Files{Dir: dir, ServiceAccount: "fission/xds"}); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", filepath.Join(dir, "kubeconfig"))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != w.Server || config.BearerTokenFile != filepath.Join(dir, "token") || config.CAFile != filepath.Join(dir, "ca.crt") {
		t.Errorf("the kubeconfig says %s %s %s", config.Host, config.BearerTokenFile, config.CAFile)
	}
	for name, want := range map[string]string{"token": "secret-token", "ca.crt": "authority", "namespace": "fission"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode of %s is %v", name, info.Mode())
		}
	}
}

func TestWrite_NamesTheServiceAccountInErrors(t *testing.T) {
	w := Writer{Client: tokens("", errors.New("refused"))}
	err := w.Write(context.Background(), Files{Dir: t.TempDir(), ServiceAccount: "fission/xds"})
	if err == nil || !strings.Contains(err.Error(), "fission/xds") {
		t.Errorf("got %v", err)
	}
}

func TestWrite_WritesSubfolders(t *testing.T) {
	dir := t.TempDir()
	if err := (Writer{}).Write(context.Background(), Files{Dir: dir, Contents: map[string][]byte{"a/b": []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "a", "b")); err != nil || string(text) != "x" {
		t.Errorf("got %q, %v", text, err)
	}
}
