// Package node is the node agent of the embedded platform: it replaces the
// kubelet, and nothing else, on a machine without containers and without root.
//
// It registers a Node, binds unscheduled pods to it, and runs what is bound as
// processes that have namespaces, a root, volumes and an address of their own.
//
//	Agent            watches pods, hands each to a worker        agent.go, watch.go
//	 ├ scheduler     binds pods that have no node                schedule.go
//	 ├ registrar     keeps the Node object and its Lease         register.go
//	 ├ statics       pods that are given, with mirror objects    static.go, mirror.go
//	 └ worker        one pod, from volumes to removal            worker.go, prepare.go, volumes.go, stop.go
//	    ├ container  one container: start, probe, restart        containers.go, container.go, launch.go, health.go, end.go
//	    └ publisher  writes the pod's status when it changed     publish.go
//
// What is pure is apart: status.go (what the API is told), backoff.go, env.go,
// expand.go, paths.go, root.go, inherit.go, address.go. Processes are package sandbox's, content of volumes is
// package volume's, probes are package probe's, kubectl's streams package stream's.
//
// A worker needs the API only for what its pod refers to; while the API server
// is away everything that runs goes on, and is told to it later.
package node
