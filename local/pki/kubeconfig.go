package pki

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig for the certificate with the name, with all credentials inside the file.
func (s *Store) WriteKubeconfig(path, server, name string) error {
	var files [3][]byte
	for i, file := range []string{s.CertFile("ca"), s.CertFile(name), s.KeyFile(name)} {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("write kubeconfig %s: %w", path, err)
		}
		files[i] = text
	}
	return write(path, server, files[0], &api.AuthInfo{ClientCertificateData: files[1], ClientKeyData: files[2]})
}

func write(path, server string, ca []byte, user *api.AuthInfo) error {
	const name = "hotpod-local"
	text, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{name: {Server: server, CertificateAuthorityData: ca}},
		AuthInfos:      map[string]*api.AuthInfo{name: user},
		Contexts:       map[string]*api.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	})
	if err != nil {
		return fmt.Errorf("encode kubeconfig %s: %w", path, err)
	}
	return WriteFile(path, text, 0o600)
}
