package platform

import (
	"fmt"
	"strings"
	"time"

	"hotpod.dev/local/process"
)

// etcdSocket is relative to the data folder, where etcd and the API server run: the kernel limits socket paths to 108
// bytes, and the folder may have a longer name. A socket of the owner's folder needs no port and no certificate.
const etcdSocket = "etcd.sock"

// controllersInUse are those whose work clients notice. Nothing schedules, and there is no cloud.
func controllersInUse() []string {
	return []string{
		"namespace-controller", "garbage-collector-controller", "serviceaccount-controller", "serviceaccount-token-controller",
		"root-ca-certificate-publisher-controller", "resourcequota-controller", "disruption-controller",
		"pod-garbage-collector-controller", "clusterrole-aggregation-controller",
	}
}

// controlPlane describes the three processes of Kubernetes.
type controlPlane struct {
	layout Layout
	kube   string // path of hotpod-kube
	port   int
	creds  *credentials
	env    []string
}

func (c *controlPlane) spec(name string, grace time.Duration, args ...string) process.Spec {
	return process.Spec{
		Name: name, Path: c.kube, Args: append([]string{name}, args...), Env: c.env,
		Dir: string(c.layout), LogFile: c.layout.Log(name), Grace: grace,
	}
}

func (c *controlPlane) etcd() process.Spec {
	return c.spec("etcd", 5*time.Second, "--data-dir", "etcd", "--socket", etcdSocket)
}

// apiserver has little time to end, because nothing is lost with it and watches would keep it long.
func (c *controlPlane) apiserver() process.Spec {
	store := c.creds.store
	return c.spec("apiserver", 2*time.Second,
		"--etcd-servers=unix://"+etcdSocket,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.port),
		"--tls-cert-file="+store.CertFile(certServer), "--tls-private-key-file="+store.KeyFile(certServer),
		"--client-ca-file="+store.CertFile("ca"),
		// The endpoints of the service "kubernetes" may not be loopback addresses, so there are none.
		"--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/16",
		"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+store.KeyFile(keyAccounts), "--service-account-signing-key-file="+store.KeyFile(keyAccounts),
		"--kubelet-preferred-address-types=InternalIP", "--kubelet-certificate-authority="+store.CertFile("ca"),
		"--kubelet-client-certificate="+store.CertFile(certToKubelet), "--kubelet-client-key="+store.KeyFile(certToKubelet),
		// One person shares the server with nobody.
		"--enable-priority-and-fairness=false", "--runtime-config=flowcontrol.apiserver.k8s.io/v1=false",
		"--profiling=false", "--v=1",
	)
}

func (c *controlPlane) controllers() process.Spec {
	return c.spec("controllers", 2*time.Second,
		"--kubeconfig="+c.layout.controllersKubeconfig(), "--use-service-account-credentials=true",
		"--root-ca-file="+c.creds.store.CertFile("ca"), "--service-account-private-key-file="+c.creds.store.KeyFile(keyAccounts),
		"--controllers="+strings.Join(controllersInUse(), ","),
		"--leader-elect=false", "--secure-port=0", "--profiling=false", "--v=1",
	)
}
