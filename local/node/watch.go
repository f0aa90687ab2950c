package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// podInformer watches the pods whose node has the given name.
func podInformer(client kubernetes.Interface, node string, handler cache.ResourceEventHandler) (cache.Store, cache.Controller) {
	return cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll,
			fields.OneTermEqualSelector("spec.nodeName", node)),
		ObjectType: &corev1.Pod{},
		Handler:    handler,
		Transform:  dropManagedFields,
	})
}

// dropManagedFields forgets what the agent never reads.
func dropManagedFields(object any) (any, error) {
	if pod, ok := object.(*corev1.Pod); ok {
		pod.ManagedFields = nil
	}
	return object, nil
}

// watchPods hands every pod of the node to its worker until ctx ends. While the
// API server is away nothing is heard, and so nothing is stopped.
func (a *Agent) watchPods(ctx context.Context) {
	go func() {
		if cache.WaitForCacheSync(ctx.Done(), a.informer.HasSynced) {
			a.removeOldLogs(a.pods)
		}
	}()
	a.informer.RunWithContext(ctx)
}

// podHandler hears of the node's pods.
func (a *Agent) podHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{AddFunc: a.observe, UpdateFunc: func(_, object any) { a.observe(object) }, DeleteFunc: a.deleted}
}

// observe acts on a pod as the API server has it.
func (a *Agent) observe(object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		a.statics.observe(pod)
		return
	}
	w := a.worker(pod.UID)
	switch {
	case w == nil && pod.DeletionTimestamp != nil:
		// Nothing of it runs.
		go a.removeUnknown(pod)
	case w == nil && over(pod):
	case w == nil:
		a.begin(pod)
	default:
		w.update(pod)
		if pod.DeletionTimestamp != nil {
			a.end(w, pod)
		}
	}
}

// over says that a pod has ended for good.
func over(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// begin starts a worker, unless the agent is ending.
func (a *Agent) begin(pod *corev1.Pod) {
	w := newWorker(a.host, apiPublisher{a.client}, pod, false)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ending.Load() {
		return
	}
	a.workers[pod.UID] = w
	go w.run()
}

// end stops a pod that is being deleted, and removes its object afterwards.
func (a *Agent) end(w *worker, pod *corev1.Pod) {
	select {
	case <-w.finished:
		// It was over already, so that no worker removes it.
		if !w.stop.removes() {
			go a.removeUnknown(pod)
		}
	default:
		w.stop.order(w.grace(), true)
	}
}

// removeUnknown removes the object of a pod of which nothing runs.
func (a *Agent) removeUnknown(pod *corev1.Pod) {
	for gap := firstPublishGap; !a.ending.Load(); gap = min(2*gap, maxPublishGap) {
		ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
		err := deletePod(ctx, a.client, pod)
		cancel()
		if err == nil {
			return
		}
		a.log.Debug("remove pod", "pod", pod.Namespace+"/"+pod.Name, "error", err)
		time.Sleep(gap)
	}
}

// deleted ends a pod whose object is gone: it was removed by force, or by its worker.
func (a *Agent) deleted(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	if _, mirror := pod.Annotations[corev1.MirrorPodAnnotationKey]; mirror {
		a.statics.mirrorGone(pod)
		return
	}
	a.mu.Lock()
	w, ok := a.workers[pod.UID]
	delete(a.workers, pod.UID)
	a.mu.Unlock()
	if ok {
		w.stop.order(minimumGrace, false)
	}
	go func() {
		if ok {
			<-w.finished
		}
		if err := os.RemoveAll(logDir(a.config.Dir, pod)); err != nil {
			a.log.Error("remove logs", "error", err)
		}
	}()
}

// removeOldLogs removes the logs of pods that are no more.
func (a *Agent) removeOldLogs(store cache.Store) {
	known := map[string]bool{}
	for _, object := range store.List() {
		if pod, ok := object.(*corev1.Pod); ok {
			known[string(pod.UID)] = true
		}
	}
	for _, uid := range a.statics.uids() {
		known[uid] = true
	}
	dirs, _ := filepath.Glob(filepath.Join(a.config.Dir, "logs", "*"))
	for _, dir := range dirs {
		name := filepath.Base(dir)
		if uid := name[strings.LastIndexByte(name, '_')+1:]; !known[uid] && a.worker(types.UID(uid)) == nil {
			if err := os.RemoveAll(dir); err != nil {
				a.log.Error("remove logs", "error", err)
			}
		}
	}
}
