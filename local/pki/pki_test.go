package pki

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ensure(t *testing.T, s *Store, name string, id Identity) string {
	t.Helper()
	if err := s.Ensure(name, id); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.CertFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEnsure_KeepsWhatIsGoodAndReplacesWhatIsNot(t *testing.T) {
	dir := t.TempDir()
	id := Identity{User: "u", Groups: []string{"b", "a"}, Names: []string{"localhost"}, IPs: []net.IP{net.IPv4(127, 0, 0, 1)}}
	first := ensure(t, open(t, dir), "x", id)
	for name, test := range map[string]struct {
		change func(*Identity)
		same   bool
	}{
		"the same":            {func(*Identity) {}, true},
		"groups in any order": {func(id *Identity) { id.Groups = []string{"a", "b"} }, true},
		"fewer names":         {func(id *Identity) { id.Names = nil }, true},
		"another user":        {func(id *Identity) { id.User = "v" }, false},
		"another group":       {func(id *Identity) { id.Groups = []string{"a"} }, false},
		"another address":     {func(id *Identity) { id.IPs = []net.IP{net.IPv4(127, 9, 0, 1)} }, false},
		"another name":        {func(id *Identity) { id.Names = []string{"elsewhere"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			changed := id
			test.change(&changed)
			if got := ensure(t, open(t, copied), "x", changed); (got == first) != test.same {
				t.Errorf("kept the certificate: %t, want %t", got == first, test.same)
			}
		})
	}
}

func TestEnsure_ReplacesACertificateOfAnotherAuthority(t *testing.T) {
	dir := t.TempDir()
	id := Identity{User: "u"}
	first := ensure(t, open(t, dir), "x", id)
	for _, file := range []string{"ca.crt", "ca.key"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	if ensure(t, open(t, dir), "x", id) == first {
		t.Error("kept a certificate that the new authority did not sign")
	}
}

func TestOpen_RefusesADamagedAuthority(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want an error that names the folder", err)
	}
}

func TestCertificates_ConnectClientAndServer(t *testing.T) {
	s := open(t, t.TempDir())
	ensure(t, s, "server", Identity{User: "server", IPs: []net.IP{net.IPv4(127, 0, 0, 1)}})
	ensure(t, s, "client", Identity{User: "alice", Groups: []string{"people"}})
	pool := x509.NewCertPool()
	pool.AddCert(s.ca)
	pair, err := tls.LoadX509KeyPair(s.CertFile("server"), s.KeyFile("server"))
	if err != nil {
		t.Fatal(err)
	}
	var user string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		user = r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	server.StartTLS()
	defer server.Close()

	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := s.WriteKubeconfig(kubeconfig, server.URL, "client"); err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	own, err := tls.X509KeyPair(config.CertData, config.KeyData)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(config.CAData)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}}}
	answer, err := client.Get(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if user != "alice" {
		t.Errorf("the server saw %q, want alice", user)
	}
	if info, err := os.Stat(kubeconfig); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the kubeconfig is %v, want 0600 (%v)", info.Mode(), err)
	}
}

func TestEnsureKey_IsForTheOwnerAndStays(t *testing.T) {
	s := open(t, t.TempDir())
	var texts [2]string
	for i := range texts {
		if err := s.EnsureKey("sa"); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(s.KeyFile("sa"))
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(text)
	}
	if texts[0] != texts[1] {
		t.Error("the key changed, so all tokens would become invalid")
	}
	if info, err := os.Stat(s.KeyFile("sa")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the key is %v, want 0600 (%v)", info.Mode(), err)
	}
}

func TestWriteFile_LeavesTheOldFileWhenItCannotWrite(t *testing.T) {
	dir := t.TempDir()
	if err := WriteFile(filepath.Join(dir, "missing", "f"), []byte("x"), 0o600); err == nil {
		t.Error("writing into a missing folder succeeded")
	}
	path := filepath.Join(dir, "f")
	for _, text := range []string{"one", "two"} {
		if err := WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "two" {
		t.Errorf("got %q, %v", text, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, want the file alone (%v)", entries, err)
	}
}
