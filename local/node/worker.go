package node

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/local/node/logs"
)

// worker runs one pod: from its volumes to its last process. It may be used concurrently.
type worker struct {
	host      *host
	publisher publisher
	// static says that the pod was given to the agent and not by the API server.
	static bool
	log    *slog.Logger
	paths  podPaths
	// fresh is signalled when the pod's objects may have changed.
	fresh chan struct{}
	// dirty is signalled when the status may have changed.
	dirty chan struct{}
	stop  *stopper
	// finished is closed when nothing of the pod runs any more.
	finished chan struct{}

	// mu guards what follows.
	mu      sync.Mutex
	pod     *corev1.Pod
	view    podView
	images  map[string]resolvedImage
	running map[string]process
	logs    map[string]*logs.File

	// boxMu guards box and is held while one is made.
	boxMu sync.Mutex
	box   box
}

// newWorker returns a worker for a pod that nothing runs of yet. What the pod's
// status says of earlier runs is taken over: they ended with the agent that ran them.
func newWorker(h *host, p publisher, pod *corev1.Pod, static bool) *worker {
	w := &worker{
		host: h, publisher: p, pod: pod.DeepCopy(), static: static,
		log:   h.log.With("pod", pod.Namespace+"/"+pod.Name),
		paths: podPaths{dir: filepath.Join(h.dir, "pods", string(pod.UID))},
		fresh: make(chan struct{}, 1), dirty: make(chan struct{}, 1),
		stop: newStopper(), finished: make(chan struct{}),
		running: map[string]process{}, logs: map[string]*logs.File{},
	}
	w.view = podView{containers: inherited(pod, metav1.Now()), host: h.address, began: metav1.Now()}
	if pod.Status.StartTime != nil {
		w.view.began = *pod.Status.StartTime
	}
	return w
}

// run runs the pod until it is done for good or was stopped, and then removes
// what it used. It returns when nothing of the pod is left but its logs.
func (w *worker) run() {
	defer close(w.finished)
	published := w.publishUntilFinished()
	unwatch := w.host.source.Watch(w.object(), w.refresh)
	defer unwatch()
	ctx, cancel := context.WithCancel(context.Background())
	w.watchDeadline(ctx)
	if w.prepare(ctx) {
		w.runContainers(ctx)
	}
	w.closeBox()
	cancel()
	w.settle()
	if err := os.RemoveAll(w.paths.dir); err != nil {
		w.log.Error("remove pod directory", "error", err)
	}
	published(w.stop.removes())
	w.host.addresses.release(w.address())
}

// update takes over a newer object of the pod.
func (w *worker) update(pod *corev1.Pod) {
	w.mu.Lock()
	if newer(pod, w.pod) {
		w.pod = pod.DeepCopy()
	}
	w.mu.Unlock()
	w.refresh()
}

// refresh looks again at everything that the pod's volumes and status come from.
func (w *worker) refresh() {
	notify(w.fresh)
	notify(w.dirty)
}

// republish writes the status again, to an object that does not have it.
func (w *worker) republish() {
	w.mu.Lock()
	pod := *w.pod
	pod.Status = corev1.PodStatus{}
	w.pod = &pod
	w.mu.Unlock()
	notify(w.dirty)
}

// change alters the view and has the status published.
func (w *worker) change(alter func(v *podView)) {
	w.mu.Lock()
	alter(&w.view)
	w.mu.Unlock()
	notify(w.dirty)
}

// set alters what is known of one container.
func (w *worker) set(container string, alter func(s *containerState)) {
	w.change(func(v *podView) {
		s := v.containers[container]
		alter(&s)
		v.containers[container] = s
	})
}

func (w *worker) state(container string) containerState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.view.containers[container]
}

// object returns the pod with the addresses that it has by now, to be read only.
func (w *worker) object() *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	pod := *w.pod
	pod.Status.HostIP, pod.Status.HostIPs = w.view.host, []corev1.HostIP{{IP: w.view.host}}
	if w.view.address.IsValid() {
		pod.Status.PodIP = w.view.address.String()
		pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	}
	return &pod
}

func (w *worker) address() netip.Addr {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.view.address
}

// event records something that happened to the pod.
func (w *worker) event(kind, reason, format string, args ...any) {
	w.host.events.Eventf(w.object(), kind, reason, format, args...)
}

// fail ends the pod for good: its containers are stopped and its phase is Failed.
func (w *worker) fail(reason, message string) {
	w.change(func(v *podView) { v.failed, v.message = reason, message })
	w.event(corev1.EventTypeWarning, reason, "%s", message)
	w.stop.order(w.grace(), false)
}

// watchDeadline fails the pod when it has been active for as long as it may.
func (w *worker) watchDeadline(ctx context.Context) {
	seconds := w.object().Spec.ActiveDeadlineSeconds
	if seconds == nil {
		return
	}
	left := time.Until(w.view.began.Add(time.Duration(*seconds) * time.Second))
	timer := time.AfterFunc(left, func() {
		w.fail("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")
	})
	context.AfterFunc(ctx, func() { timer.Stop() })
}

// grace is how long the pod's containers may take to end.
func (w *worker) grace() time.Duration {
	pod := w.object()
	seconds := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if pod.Spec.TerminationGracePeriodSeconds != nil {
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	if pod.DeletionGracePeriodSeconds != nil {
		seconds = *pod.DeletionGracePeriodSeconds
	}
	return time.Duration(seconds) * time.Second
}

// settle marks containers that never ran, or wait to run again, as ended: a pod
// that is over has nothing waiting.
func (w *worker) settle() {
	w.change(func(v *podView) {
		v.sandbox = false
		for name, s := range v.containers {
			s.ready, s.started = false, false
			if s.now.Terminated == nil && s.last.Terminated != nil {
				s.now, s.last = s.last, corev1.ContainerState{}
			}
			if s.now.Terminated == nil && w.stop.removes() {
				s.now = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
					ExitCode: 137, Reason: "ContainerStatusUnknown", FinishedAt: metav1.Now(),
					Message: "The pod was deleted before the container was started",
				}}
			}
			v.containers[name] = s
		}
	})
}

// logPath is where the given run of a container is logged.
func logPath(dir string, pod *corev1.Pod, container string, run int32) string {
	return filepath.Join(logDir(dir, pod), container, fmt.Sprintf("%d.log", run))
}

func logDir(dir string, pod *corev1.Pod) string {
	return filepath.Join(dir, "logs", fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID))
}

// notify signals without waiting; one pending signal is enough.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
