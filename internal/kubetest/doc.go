// Package kubetest runs a bare, real Kubernetes API for tests: kube-apiserver over etcd, with Hotpod's CRDs, without
// nodes, scheduler or controllers. Nothing is faked: defaulting, validation, server-side apply, conflicts and watches
// are those of Kubernetes.
//
// One server serves all tests of a package; each test takes a namespace of its own:
//
//	var server kubetest.Shared
//
//	func TestMain(m *testing.M) { os.Exit(server.Main(m)) }
//
//	func TestApply(t *testing.T) {
//		s := server.Get(t)                  // starts at the first use, about two seconds
//		ns := s.Namespace(t)                // deleted with what is in it after the test
//		client := kubernetes.NewForConfigOrDie(s.Config())
//		…
//	}
//
// The binary is hotpod-kube, found or compiled by package toolchain. Compiling takes minutes: do it once before by
// "go run ./hack/setup kube", or name a binary by HOTPOD_KUBE.
//
// No controller runs unless Options asks for it: namespaces get no default service account, and nothing collects
// the dependents of a deleted owner. The admission plugin for service accounts is off then, so pods can be created.
package kubetest
