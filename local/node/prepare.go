package node

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"

	"hotpod.dev/local/node/podinit"
	"hotpod.dev/local/node/sandbox"
)

// maxPrepareGap bounds the time between tries: what was missing may come any moment.
const maxPrepareGap = 10 * time.Second

// problem is why a pod cannot have its containers yet.
type problem struct {
	// container is the one that waits; empty means all.
	container string
	// reason and retry are the container's reasons at first and afterwards.
	reason, retry string
	event         string
	err           error
}

// prepare gets what containers need, as often as it takes. It says whether the
// pod can run; otherwise it was asked to stop.
func (w *worker) prepare(ctx context.Context) bool {
	stopping, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-w.stop.asked:
			cancel()
		case <-stopping.Done():
		}
	}()
	var pause backoff
	for tries := 0; !w.stop.ordered(); tries++ {
		p := w.tryPrepare(stopping)
		if p == nil {
			return true
		}
		if w.stop.ordered() {
			return false
		}
		w.explain(*p, tries)
		w.awaitNews(min(max(pause.next(0), firstDelay/10), maxPrepareGap))
	}
	return false
}

func (w *worker) tryPrepare(ctx context.Context) *problem {
	if err := w.takeAddress(); err != nil {
		return &problem{event: "FailedCreatePodSandBox", err: err}
	}
	if p := w.resolveImages(ctx); p != nil {
		return p
	}
	if err := w.makeVolumes(); err != nil {
		return &problem{event: "FailedMount", err: err}
	}
	if _, err := w.ensureBox(ctx); err != nil {
		return &problem{event: "FailedCreatePodSandBox", err: err}
	}
	return nil
}

// explain shows a problem in the status and, with the first few tries, as an event.
func (w *worker) explain(p problem, tries int) {
	if p.container != "" {
		waiting := &corev1.ContainerStateWaiting{Reason: p.reason, Message: p.err.Error()}
		if tries > 0 {
			waiting.Reason, waiting.Message = p.retry, fmt.Sprintf("Back-off: %s: %s", p.reason, p.err)
		}
		w.set(p.container, func(s *containerState) { s.now = corev1.ContainerState{Waiting: waiting} })
	}
	w.event(corev1.EventTypeWarning, p.event, "%s", p.err)
}

// awaitNews waits until the pod is asked to stop, what it refers to changed, or
// the time is up.
func (w *worker) awaitNews(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.fresh:
	case <-w.stop.asked:
	}
}

func (w *worker) takeAddress() error {
	pod := w.object()
	if pod.Status.PodIP != "" && w.address().IsValid() {
		return nil
	}
	var addr netip.Addr
	var err error
	if asked := pod.Annotations[AddressAnnotation]; asked != "" {
		addr, err = w.host.addresses.claim(asked)
	} else {
		addr, err = w.host.addresses.take()
	}
	if err != nil {
		return err
	}
	w.change(func(v *podView) { v.address = addr })
	return nil
}

func (w *worker) resolveImages(ctx context.Context) *problem {
	resolved := map[string]resolvedImage{}
	for _, c := range allContainers(w.object()) {
		image, err := w.host.resolve(ctx, c.Image)
		if err != nil {
			return &problem{container: c.Name, reason: "ErrImagePull", retry: "ImagePullBackOff", event: "Failed", err: err}
		}
		resolved[c.Image] = image
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.images = resolved
	return nil
}

func (w *worker) image(name string) resolvedImage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.images[name]
}

// ensureBox returns the pod's box, a new one when the last was lost.
func (w *worker) ensureBox(ctx context.Context) (box, error) {
	w.boxMu.Lock()
	defer w.boxMu.Unlock()
	if w.box != nil {
		select {
		case <-w.box.Done():
			w.event(corev1.EventTypeNormal, "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.")
		default:
			return w.box, nil
		}
	}
	root, err := w.root()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(w.paths.dir, "init.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	uid, gid := userOf(w.object())
	made, err := w.host.makeBox(ctx, sandbox.Options{Root: root, UID: uid, GID: gid, Log: log})
	if err != nil {
		return nil, err
	}
	w.box = made
	w.change(func(v *podView) { v.sandbox = true })
	return made, nil
}

func (w *worker) root() (podinit.Root, error) {
	if w.host.plain {
		w.event(corev1.EventTypeWarning, "NamespacesUnavailable",
			"This machine gives no namespaces: volumes are not at their mount paths, see HOTPOD_MOUNT_<VOLUME>")
		return podinit.Root{Plain: true}, nil
	}
	pod := w.object()
	var mounts []podinit.Mount
	for _, c := range allContainers(pod) {
		env, err := w.environment(c)
		if err != nil {
			env = &environment{}
		}
		own, err := mountsOf(pod, c, env.lookup)
		if err != nil {
			return podinit.Root{}, err
		}
		mounts = append(mounts, own...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return rootOf(rootInput{
		pod: pod, images: w.images, mounts: mounts, paths: w.paths, hide: w.host.hide, addr: w.view.address,
	}), nil
}

func (w *worker) environment(c *corev1.Container) (*environment, error) {
	image := w.image(c.Image)
	return containerEnv(c, envSources{
		pod: w.object(), first: w.host.env, image: image.Env, path: image.path, source: w.host.source,
	})
}

// closeBox ends everything that still runs in the pod.
func (w *worker) closeBox() {
	w.boxMu.Lock()
	defer w.boxMu.Unlock()
	if w.box != nil {
		w.box.Kill()
	}
}
