// Command hotpod-kube is the control plane of the embedded platform in one file: the unmodified kube-apiserver, etcd,
// the controller manager of Kubernetes, and kubectl, each started by its name as the first argument.
//
//	hotpod-kube etcd --data-dir DIR --socket FILE
//	hotpod-kube apiserver FLAGS...      (the flags of kube-apiserver)
//	hotpod-kube controllers FLAGS...    (the flags of kube-controller-manager)
//	hotpod-kube kubectl ARGS...         (or a link to the binary with the name kubectl)
//
// The module is apart from everything else, because it compiles most of Kubernetes. Kubernetes requires its staging
// repositories at a version that does not exist; the replace block of go.mod names their published versions.
package main
