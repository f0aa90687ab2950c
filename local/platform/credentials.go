package platform

import (
	"fmt"
	"net"
	"net/netip"
	"os"

	"k8s.io/client-go/rest"

	"hotpod.dev/local/pki"
)

// nodeName is the name of the one node.
const nodeName = "local"

// The names of certificates in the store.
const (
	certServer      = "apiserver"
	certKubelet     = "node-server"
	certToKubelet   = "apiserver-to-node"
	certAdmin       = "admin"
	certNode        = "node"
	certScheduler   = "scheduler"
	certControllers = "controllers"
	keyAccounts     = "service-accounts"
)

// credentials are everybody's keys and certificates.
type credentials struct {
	store  *pki.Store
	server string // URL of the API
}

// makeCredentials makes what is missing. Everybody is who they would be in a cluster, so that the same authorization
// (Node and RBAC) applies to them.
func makeCredentials(l Layout, server string, node netip.Addr) (*credentials, error) {
	store, err := pki.Open(l.PKI())
	if err != nil {
		return nil, fmt.Errorf("open the authority: %w", err)
	}
	loopback := net.IPv4(127, 0, 0, 1)
	for name, id := range map[string]pki.Identity{
		certServer: {
			User: "kube-apiserver", IPs: []net.IP{loopback},
			Names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		},
		certKubelet:     {User: "system:node:" + nodeName, IPs: []net.IP{node.AsSlice()}, Names: []string{nodeName}},
		certToKubelet:   {User: "kube-apiserver-kubelet-client", Groups: []string{"system:masters"}},
		certAdmin:       {User: "admin", Groups: []string{"system:masters"}},
		certNode:        {User: "system:node:" + nodeName, Groups: []string{"system:nodes"}},
		certScheduler:   {User: "system:kube-scheduler"},
		certControllers: {User: "system:kube-controller-manager"},
	} {
		if err := store.Ensure(name, id); err != nil {
			return nil, fmt.Errorf("make the certificate %s: %w", name, err)
		}
	}
	if err := store.EnsureKey(keyAccounts); err != nil {
		return nil, fmt.Errorf("make the key of service account tokens: %w", err)
	}
	if err := store.WriteKubeconfig(l.Kubeconfig(), server, certAdmin); err != nil {
		return nil, err
	}
	return &credentials{store: store, server: server}, store.WriteKubeconfig(l.controllersKubeconfig(), server, certControllers)
}

func (l Layout) controllersKubeconfig() string { return l.join("pki/controllers.kubeconfig") }

// client returns a connection as the owner of the certificate. The limits of the client are off: the server has its own.
func (c *credentials) client(cert string) *rest.Config {
	return &rest.Config{
		Host: c.server,
		TLSClientConfig: rest.TLSClientConfig{
			CAFile: c.store.CertFile("ca"), CertFile: c.store.CertFile(cert), KeyFile: c.store.KeyFile(cert),
		},
		QPS: -1, UserAgent: "hotpod-local",
	}
}

func (c *credentials) authority() ([]byte, error) { return os.ReadFile(c.store.CertFile("ca")) }
