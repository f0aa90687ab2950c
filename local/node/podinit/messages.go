package podinit

// Op says what a Request asks for.
type Op string

// The operations of a Request.
const (
	// OpSetup builds the root; it is the first request and is answered by EventReady.
	// Its one descriptor is a file with a JSON Root.
	OpSetup Op = "setup"
	// OpStart starts a process. Its descriptors are a file with a JSON Process and,
	// without TTY, standard input, output and error.
	OpStart Op = "start"
	// OpSignal sends Signal to a process; unknown or ended processes are ignored.
	OpSignal Op = "signal"
)

// Request is one message from the agent to init.
type Request struct {
	Op Op `json:"op"`
	// ID names the process; the agent chooses it and never uses one twice in a pod.
	ID int64 `json:"id,omitempty"`
	// Join, when not zero, is the ID of the running process whose mounts are shared.
	Join int64 `json:"join,omitempty"`
	// TTY asks for a terminal; its master comes back with EventStarted.
	TTY bool `json:"tty,omitempty"`
	// Signal is the number to send for OpSignal.
	Signal int `json:"signal,omitempty"`
	// All sends the signal to everything that the process left in its container too.
	All bool `json:"all,omitempty"`
}

// EventKind says what an Event reports.
type EventKind string

// The kinds of Event.
const (
	// EventReady answers OpSetup; Error is empty when the root stands.
	EventReady EventKind = "ready"
	// EventStarted says that a process has been executed.
	EventStarted EventKind = "started"
	// EventFailed says that a process could not be executed, and why.
	EventFailed EventKind = "failed"
	// EventExited says that a started process ended.
	EventExited EventKind = "exited"
)

// Event is one message from init to the agent.
type Event struct {
	Kind EventKind `json:"kind"`
	ID   int64     `json:"id,omitempty"`
	// PID is the process's number as the pod sees it.
	PID   int    `json:"pid,omitempty"`
	Error string `json:"error,omitempty"`
	// Code is the exit code, 128 plus the signal's number for one that was killed.
	Code int `json:"code,omitempty"`
	// Signal is the number of the signal that ended the process, or zero.
	Signal int `json:"signal,omitempty"`
}

// Root describes a pod's file system. Paths are absolute and free of symbolic
// links; sources are the host's, targets the pod's.
type Root struct {
	// Plain leaves the host's file system as it is: no namespaces were made.
	Plain bool `json:"plain,omitempty"`
	// Dir is an empty directory over which the root is mounted, in the pod's namespace only.
	Dir string `json:"dir,omitempty"`
	// Hostname is set in the pod's UTS namespace.
	Hostname string `json:"hostname,omitempty"`
	// Links are symbolic links of the root, name to target, as /bin to usr/bin.
	Links map[string]string `json:"links,omitempty"`
	// Binds are made in order. A missing source fails unless the bind is optional.
	Binds []Bind `json:"binds,omitempty"`
	// Cover lists directories inside Binds that are covered by empty ones, before
	// the first bind that has After set.
	Cover []string `json:"cover,omitempty"`
	// Points are the places where containers will mount something.
	Points []Point `json:"points,omitempty"`
	// Volumes is the host's directory of the pod's volumes, one subdirectory each.
	Volumes string `json:"volumes,omitempty"`
	// Tmpfs are the volumes kept in memory, name to mount options.
	Tmpfs map[string]string `json:"tmpfs,omitempty"`
	// Files are written into the root, path to content.
	Files map[string]string `json:"files,omitempty"`
}

// Bind shows a host's file or directory, with everything mounted below it, in the pod.
type Bind struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	Writable bool   `json:"writable,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	// After makes the bind after Root.Cover has hidden what shall not be seen.
	After bool `json:"after,omitempty"`
}

// Point is a mount point of some container.
type Point struct {
	Path string `json:"path"`
	// File says that a file will be mounted, not a directory.
	File bool `json:"file,omitempty"`
}

// Mount puts a path of the pod's root at another place of one container.
type Mount struct {
	// Source is below VolumesDir. A missing one is created as a directory.
	Source   string `json:"source"`
	Target   string `json:"target"`
	ReadOnly bool   `json:"readOnly,omitempty"`
}

// VolumesDir is where volumes lie in the pod's root while a stage mounts them;
// containers do not see it.
const VolumesDir = "/.hotpod/volumes"

// Process describes what a stage shall become.
type Process struct {
	// Args are the program, looked up in the PATH of Env, and its arguments.
	Args []string `json:"args"`
	Env  []string `json:"env,omitempty"`
	// Dir is the working directory; empty is the root. A missing one is created where possible.
	Dir string `json:"dir,omitempty"`
	// Mounts are made in order; processes that join another's mounts have none.
	Mounts []Mount `json:"mounts,omitempty"`
	// ReadOnlyRoot makes everything but mounts read-only.
	ReadOnlyRoot bool `json:"readOnlyRoot,omitempty"`
	// Plain is Root.Plain of the pod.
	Plain bool `json:"plain,omitempty"`
}
