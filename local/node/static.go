package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// The annotations of static pods and of their mirrors, as kubelets use them.
const (
	sourceAnnotation = "kubernetes.io/config.source"
	fileSource       = "file"
	hashAnnotation   = "kubernetes.io/config.hash"
)

// mirrorInterval is how often mirrors are looked at when nobody said that one changed.
const mirrorInterval = 30 * time.Second

// statics runs the pods that were given to the agent, and shows each in the API
// as a mirror object. A mirror that somebody deletes has its pod restarted.
type statics struct {
	host   *host
	client kubernetes.Interface
	// changed is signalled when there may be something to do.
	changed chan struct{}

	// mu guards what follows; pods are by namespace and name.
	mu      sync.Mutex
	wanted  map[string]*corev1.Pod
	running map[string]*staticPod
	mirrors map[string]*corev1.Pod
}

// staticPod is a static pod that runs.
type staticPod struct {
	hash   string
	worker *worker
	// mirror is the UID of the object that shows it; empty while there is none.
	mirror types.UID
}

func newStatics(h *host, client kubernetes.Interface) *statics {
	return &statics{
		host: h, client: client, changed: make(chan struct{}, 1),
		wanted: map[string]*corev1.Pod{}, running: map[string]*staticPod{}, mirrors: map[string]*corev1.Pod{},
	}
}

// set replaces what is wanted.
func (s *statics) set(pods []*corev1.Pod) {
	wanted := map[string]*corev1.Pod{}
	for _, pod := range pods {
		prepared := prepareStatic(pod, s.host.name)
		wanted[keyOf(prepared)] = prepared
	}
	s.mu.Lock()
	s.wanted = wanted
	s.mu.Unlock()
	notify(s.changed)
}

// run keeps the wanted pods running and mirrored until ctx ends, and stops them then.
func (s *statics) run(ctx context.Context) {
	timer := time.NewTicker(mirrorInterval)
	defer timer.Stop()
	for ctx.Err() == nil {
		s.reconcilePods() //nolint:contextcheck // pods end in order, not with the context
		gap := s.reconcileMirrors(ctx)
		select {
		case <-s.changed:
		case <-timer.C:
		case <-gap:
		case <-ctx.Done():
		}
	}
	stopWorkers(s.workers())
}

// reconcilePods starts what is wanted and stops what is not, or no longer so.
func (s *statics) reconcilePods() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, p := range s.running {
		if pod, ok := s.wanted[key]; !ok || pod.Annotations[hashAnnotation] != p.hash {
			s.end(key, p)
		}
	}
	for key, pod := range s.wanted {
		if s.running[key] != nil {
			continue
		}
		w := newWorker(s.host, &mirrorPublisher{s, key}, pod, true)
		s.running[key] = &staticPod{hash: pod.Annotations[hashAnnotation], worker: w}
		go w.run()
	}
}

// end stops a pod; when it has ended there is room for another of its name.
func (s *statics) end(key string, p *staticPod) {
	if p.worker.stop.ordered() {
		return
	}
	p.worker.stop.order(p.worker.grace(), false)
	go func() {
		<-p.worker.finished
		s.mu.Lock()
		delete(s.running, key)
		s.mu.Unlock()
		notify(s.changed)
	}()
}

// observe takes note of a mirror.
func (s *statics) observe(mirror *corev1.Pod) {
	key := keyOf(mirror)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.mirrors[key]; old == nil || newer(mirror, old) || old.UID != mirror.UID {
		s.mirrors[key] = mirror
	}
	notify(s.changed)
}

// mirrorGone takes note that a mirror was removed. When it showed a pod that
// still runs, somebody wants that one restarted.
func (s *statics) mirrorGone(mirror *corev1.Pod) {
	key := keyOf(mirror)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.mirrors[key]; old != nil && old.UID == mirror.UID {
		delete(s.mirrors, key)
	}
	if p := s.running[key]; p != nil && p.mirror == mirror.UID {
		s.end(key, p)
	}
	notify(s.changed)
}

// uids returns the UIDs under which static pods are known on the node.
func (s *statics) uids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]string, 0, len(s.wanted))
	for _, pod := range s.wanted {
		all = append(all, string(pod.UID))
	}
	return all
}

// workers returns the workers of all static pods.
func (s *statics) workers() []*worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*worker, 0, len(s.running))
	for _, p := range s.running {
		all = append(all, p.worker)
	}
	return all
}

// find returns the worker of a static pod, or nil.
func (s *statics) find(namespace, name string) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.running[namespace+"/"+name]; p != nil {
		return p.worker
	}
	return nil
}

func keyOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }

// prepareStatic fills in what the API server would have.
func prepareStatic(template *corev1.Pod, node string) *corev1.Pod {
	pod := template.DeepCopy()
	pod.Status = corev1.PodStatus{}
	if pod.Namespace == "" {
		pod.Namespace = metav1.NamespaceDefault
	}
	pod.Spec.NodeName = node
	if pod.Spec.RestartPolicy == "" {
		pod.Spec.RestartPolicy = corev1.RestartPolicyAlways
	}
	data, _ := json.Marshal(pod) // Objects of the API can always be marshalled.
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:16])
	pod.UID = types.UID(hash)
	if pod.Annotations == nil {
		pod.Annotations = map[string]string{}
	}
	pod.Annotations[sourceAnnotation] = fileSource
	pod.Annotations[hashAnnotation] = hash
	return pod
}
