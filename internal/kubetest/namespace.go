package kubetest

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Namespace creates a namespace with a name of its own and returns the name. When the test ends, the namespace is
// deleted; without controllers it then stays in the state Terminating, with its objects, until the server stops.
func (s *Server) Namespace(tb testing.TB) string {
	tb.Helper()
	return s.namespace(tb, nil)
}

// RestrictedNamespace is Namespace with the restricted pod security standard enforced in it.
func (s *Server) RestrictedNamespace(tb testing.TB) string {
	tb.Helper()
	return s.namespace(tb, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
}

func (s *Server) namespace(tb testing.TB, labels map[string]string) string {
	tb.Helper()
	client, err := kubernetes.NewForConfig(s.Config())
	if err != nil {
		tb.Fatalf("make a client: %v", err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-", Labels: labels}}
	ns, err = client.CoreV1().Namespaces().Create(tb.Context(), ns, metav1.CreateOptions{})
	if err != nil {
		tb.Fatalf("create a namespace: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := client.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{}); err != nil {
			tb.Errorf("delete namespace %s: %v", ns.Name, err)
		}
	})
	return ns.Name
}
