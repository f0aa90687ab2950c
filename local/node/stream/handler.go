package stream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"hotpod.dev/local/node/logs"
)

// The bounds of a session that says nothing, and of one that does not begin.
const (
	idleTimeout     = 4 * time.Hour
	creationTimeout = 30 * time.Second
)

// The errors by which Pods says what is wrong with a request.
var (
	// ErrNotFound is for pods and containers that do not exist.
	ErrNotFound = errors.New("not found")
	// ErrNotRunning is for containers that have not started or have ended.
	ErrNotRunning = errors.New("is not running")
)

// Target names a container, or a pod when Container is empty. UID is empty when
// any pod of the name will do.
type Target struct {
	Namespace, Pod, UID, Container string
}

// Session is a command's streams; In, Out and Err are nil when they are not wanted.
type Session struct {
	Command []string
	In      io.Reader
	Out     io.WriteCloser
	Err     io.WriteCloser
	TTY     bool
	Resize  <-chan remotecommand.TerminalSize
}

// Pods is what the server shows. Its methods are called concurrently.
type Pods interface {
	// List returns the pods of the node.
	List() *corev1.PodList
	// Find says whether the target can be spoken to.
	Find(t Target) error
	// Log writes a container's log.
	Log(ctx context.Context, t Target, previous bool, o logs.Options, w io.Writer) error
	// Exec runs a command; its exit code comes as an exec.ExitError of k8s.io/utils.
	Exec(ctx context.Context, t Target, s Session) error
	// Attach copies what the container writes from now on.
	Attach(ctx context.Context, t Target, s Session) error
	// Forward copies between the stream and a port of the pod.
	Forward(ctx context.Context, t Target, port int32, stream io.ReadWriteCloser) error
}

// handler answers requests from pods.
type handler struct {
	pods Pods
}

// NewHandler returns the kubelet's routes.
func NewHandler(pods Pods) http.Handler {
	h := &handler{pods: pods}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	mux.HandleFunc("GET /pods", h.list)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", h.logs)
	for path, serve := range map[string]http.HandlerFunc{"/exec": h.exec, "/attach": h.attach} {
		mux.HandleFunc(path+"/{namespace}/{pod}/{container}", serve)
		mux.HandleFunc(path+"/{namespace}/{pod}/{uid}/{container}", serve)
	}
	mux.HandleFunc("/portForward/{namespace}/{pod}", h.forward)
	mux.HandleFunc("/portForward/{namespace}/{pod}/{uid}", h.forward)
	return mux
}

func targetOf(r *http.Request) Target {
	return Target{
		Namespace: r.PathValue("namespace"), Pod: r.PathValue("pod"),
		UID: r.PathValue("uid"), Container: r.PathValue("container"),
	}
}

func (h *handler) list(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(h.pods.List())
}

func (h *handler) exec(w http.ResponseWriter, r *http.Request) {
	h.session(w, r, func(t Target, o *remotecommand.Options) {
		remotecommand.ServeExec(w, r, executor{h.pods, t}, t.Pod, t.UID, t.Container, r.URL.Query()["command"], o,
			idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
	})
}

func (h *handler) attach(w http.ResponseWriter, r *http.Request) {
	h.session(w, r, func(t Target, o *remotecommand.Options) {
		remotecommand.ServeAttach(w, r, executor{h.pods, t}, t.Pod, t.UID, t.Container, o,
			idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
	})
}

// session serves a session with a container that can be spoken to.
func (h *handler) session(w http.ResponseWriter, r *http.Request, serve func(Target, *remotecommand.Options)) {
	target := targetOf(r)
	if !h.found(w, target) {
		return
	}
	// The API server asks with the parameters' own names, input=1 for stdin.
	options, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	serve(target, options)
}

func (h *handler) forward(w http.ResponseWriter, r *http.Request) {
	target := targetOf(r)
	if !h.found(w, target) {
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, executor{h.pods, target}, target.Pod, target.UID, options,
		idleTimeout, creationTimeout, portforward.SupportedProtocols)
}

func (h *handler) found(w http.ResponseWriter, t Target) bool {
	err := h.pods.Find(t)
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
	}
	return err == nil
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrNotRunning):
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}

// executor gives the library's servers the target that the request names.
type executor struct {
	pods   Pods
	target Target
}

// ExecInContainer implements remotecommand.Executor.
func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, command []string, in io.Reader, out, err io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration,
) error {
	return e.pods.Exec(ctx, e.target, Session{Command: command, In: in, Out: out, Err: err, TTY: tty, Resize: resize})
}

// AttachContainer implements remotecommand.Attacher.
func (e executor) AttachContainer(ctx context.Context, _, _, _ string, in io.Reader, out, err io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize,
) error {
	return e.pods.Attach(ctx, e.target, Session{In: in, Out: out, Err: err, TTY: tty, Resize: resize})
}

// PortForward implements portforward.PortForwarder.
func (e executor) PortForward(ctx context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	return e.pods.Forward(ctx, e.target, port, stream)
}
