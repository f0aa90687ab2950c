// Package platform runs Hotpod on one machine without containers, root or a cluster: etcd, kube-apiserver and the
// controllers of Kubernetes as supervised processes, a node (package node) inside this process, and on the node
// Hotpod's own parts as static pods.
//
//	hotpod-local ── supervises ── etcd ◄── apiserver ◄── controllers
//	     │                                    ▲
//	     └── node agent ── static pods: router (Envoy), xds, activator, autoscaler, controller
//	                    └─ pods that the API asks for
//
// Everything lives in one folder, which one platform at a time may use:
//
//	lock            held while the platform runs; names the process that holds it
//	state.json      what runs and where it listens, for status, env and the next start
//	kubeconfig      credentials of a cluster administrator
//	pki/            the authority, its certificates, the key of service account tokens
//	etcd/           the data of the Kubernetes API
//	node/           pods and their logs
//	parts/          files that the static pods mount
//	images.json     images added by hand
//	bin/kubectl     the client that fits the server
//	logs/           what the processes print
//
// # Addresses
//
// Each platform claims a network 127.N.0.0/16 by holding a port of 127.N.0.1, so several run side by side. 127.N.0.1 is
// the node, 127.N.0.2 to .6 are the router, xds, the activator, the autoscaler and the controller, and other pods
// follow from 127.N.1.0. People reach the router and the API server at 127.0.0.1.
//
// There may be several routers, each with a discovery server of its own, at ports of their own. What a load balancer
// does in a cluster is then the client's part: to spread its requests, and to try another router when one does not
// accept a connection.
//
// # Order
//
// etcd comes first and goes last: an API server that loses etcd while it stops hangs. When a process dies it is started
// again after a growing pause, its death is logged and counted in the state. When this process is killed, the kernel
// ends the processes that it forked; what is left nevertheless is found by the next start or stop, by process id and
// start time.
package platform
