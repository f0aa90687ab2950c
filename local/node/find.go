package node

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/logs"
	"hotpod.dev/local/node/stream"
)

// sessions shows the agent's pods to the stream server.
type sessions struct {
	*Agent
}

func (a *Agent) serveStreams(ctx context.Context, listener net.Listener) error {
	return stream.Serve(ctx, listener, stream.Config{
		CertFile: a.config.ServerCert, KeyFile: a.config.ServerKey, ClientCAFile: a.config.ClientCA, Log: a.log,
	}, sessions{a})
}

// find returns the worker of a pod, or nil.
func (s sessions) find(t stream.Target) *worker {
	if w := s.statics.find(t.Namespace, t.Pod); w != nil {
		return w
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		pod := w.object()
		if pod.Namespace == t.Namespace && pod.Name == t.Pod && (t.UID == "" || t.UID == string(pod.UID)) {
			return w
		}
	}
	return nil
}

// Find says whether the target runs; it implements stream.Pods.
func (s sessions) Find(t stream.Target) error {
	if t.Container != "" {
		_, _, err := s.running(t)
		return err
	}
	if s.find(t) == nil {
		return fmt.Errorf("pod %s/%s %w", t.Namespace, t.Pod, stream.ErrNotFound)
	}
	return nil
}

// running returns a container's main process.
func (s sessions) running(t stream.Target) (*worker, process, error) {
	w := s.find(t)
	if w == nil {
		return nil, nil, fmt.Errorf("pod %s/%s %w", t.Namespace, t.Pod, stream.ErrNotFound)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.running[t.Container]
	if !ok {
		return nil, nil, fmt.Errorf("container %q of pod %s/%s %w", t.Container, t.Namespace, t.Pod, stream.ErrNotRunning)
	}
	return w, p, nil
}

// List returns the pods of the node; it implements stream.Pods.
func (s sessions) List() *corev1.PodList {
	list := &corev1.PodList{}
	list.APIVersion, list.Kind = "v1", "PodList"
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.workers {
		list.Items = append(list.Items, *w.object().DeepCopy())
	}
	return list
}

// ProcessInfo is a container's main process.
type ProcessInfo struct {
	Namespace, Pod, Container string
	// PID is its number on the host.
	PID int
}

// Processes returns the main process of every container that runs, in no order.
func (a *Agent) Processes() []ProcessInfo {
	a.mu.Lock()
	workers := slices.Collect(maps.Values(a.workers))
	a.mu.Unlock()
	var all []ProcessInfo
	for _, w := range append(workers, a.statics.workers()...) {
		pod := w.object()
		w.mu.Lock()
		running := maps.Clone(w.running)
		w.mu.Unlock()
		for container, p := range running {
			if pid := p.PID(); pid != 0 {
				all = append(all, ProcessInfo{Namespace: pod.Namespace, Pod: pod.Name, Container: container, PID: pid})
			}
		}
	}
	return all
}

// Log writes a container's log; it implements stream.Pods.
func (s sessions) Log(ctx context.Context, t stream.Target, previous bool, o logs.Options, w io.Writer) error {
	source, err := s.logOf(t, previous)
	if err != nil {
		return err
	}
	return logs.Read(ctx, source.path, source.live, o, w)
}

// logSource is where a log is; live is set while it is being written.
type logSource struct {
	path string
	live *logs.File
}

func (s sessions) logOf(t stream.Target, previous bool) (logSource, error) {
	pod, status, live := s.lookUp(t)
	if pod == nil {
		return logSource{}, fmt.Errorf("pod %s/%s %w", t.Namespace, t.Pod, stream.ErrNotFound)
	}
	if status == nil {
		return logSource{}, fmt.Errorf("container %q of pod %s/%s %w", t.Container, t.Namespace, t.Pod, stream.ErrNotFound)
	}
	if previous {
		path := logPath(s.config.Dir, pod, t.Container, status.restarts-1)
		if _, err := os.Stat(path); err != nil {
			return logSource{}, fmt.Errorf("previous terminated container %q in pod %q %w", t.Container, t.Pod, stream.ErrNotFound)
		}
		return logSource{path: path}, nil
	}
	if w := status.now.Waiting; w != nil && status.last.Terminated == nil {
		return logSource{}, fmt.Errorf("container %q in pod %q is waiting to start (%s): it %w", t.Container, t.Pod, w.Reason, stream.ErrNotRunning)
	}
	return logSource{path: logPath(s.config.Dir, pod, t.Container, status.restarts), live: live}, nil
}

// lookUp returns a pod, the state of its container, and the log that is being written.
func (s sessions) lookUp(t stream.Target) (*corev1.Pod, *containerState, *logs.File) {
	if w := s.find(t); w != nil {
		pod := w.object()
		w.mu.Lock()
		defer w.mu.Unlock()
		if state, ok := w.view.containers[t.Container]; ok {
			return pod, &state, w.logs[t.Container]
		}
		return pod, nil, nil
	}
	pod := s.ended(t)
	if pod == nil {
		return nil, nil, nil
	}
	for _, status := range append(append([]corev1.ContainerStatus(nil), pod.Status.InitContainerStatuses...), pod.Status.ContainerStatuses...) {
		if status.Name == t.Container {
			return pod, &containerState{now: status.State, last: status.LastTerminationState, restarts: status.RestartCount}, nil
		}
	}
	return pod, nil, nil
}

// ended returns a pod that was over before this agent began, or nil.
func (s sessions) ended(t stream.Target) *corev1.Pod {
	object, ok, err := s.pods.GetByKey(t.Namespace + "/" + t.Pod)
	if err != nil || !ok {
		return nil
	}
	pod, _ := object.(*corev1.Pod)
	return pod
}
