// Package podinit is what runs as process 1 of a pod on the embedded node: it
// builds the pod's root, starts containers and exec sessions in it, reaps them,
// and tells the node agent how they ended.
//
//	agent ── clone(user, mount, PID, UTS, IPC namespaces) ──► init (process 1)
//	  │  socketpair: Request + descriptors ►                    │
//	  │                              ◄ Event                    ├─► stage ─exec─► container
//	  │                                                         └─► stage ─exec─► exec session
//
// A stage is the same binary, started once more for each process: it gives the
// process its own mount namespace with the container's volumes (or joins that
// of a running container), drops every capability, and becomes the process.
//
// The socket is the pod's lifeline: when it closes, because the agent let go or
// died, init exits, and the kernel ends everything in its PID namespace.
// In plain mode (no namespaces) init is a subreaper and ends its descendants itself.
//
// Only the standard library and golang.org/x/sys are imported, and not much of
// them: one such process runs for every pod.
package podinit
