package node

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"
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
		s.reconcilePods()
		gap := s.reconcileMirrors(ctx)
		select {
		case <-s.changed:
		case <-timer.C:
		case <-gap:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	var workers []*worker
	for _, p := range s.running {
		workers = append(workers, p.worker)
	}
	s.mu.Unlock()
	stopWorkers(workers)
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

// reconcileMirrors makes and removes mirrors; the channel says when to try again
// after an error.
func (s *statics) reconcileMirrors(ctx context.Context) <-chan time.Time {
	surplus, missing := s.compareMirrors()
	failed := false
	for _, mirror := range surplus {
		failed = s.attempt(ctx, "remove mirror", func(ctx context.Context) error { return deletePod(ctx, s.client, mirror) }) || failed
	}
	for _, pod := range missing {
		failed = s.attempt(ctx, "make mirror", func(ctx context.Context) error { return s.makeMirror(ctx, pod) }) || failed
	}
	if failed {
		return time.After(time.Second)
	}
	return nil
}

// compareMirrors gives each running pod its mirror, and returns the mirrors that
// show nothing and the pods that have none. A pod whose mirror is being deleted
// is ended, and its mirror goes after it.
func (s *statics) compareMirrors() (surplus, missing []*corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, mirror := range s.mirrors {
		p := s.running[key]
		shows := p != nil && mirror.Annotations[hashAnnotation] == p.hash
		switch {
		case !shows, mirror.DeletionTimestamp != nil && p.mirror != mirror.UID:
			surplus = append(surplus, mirror)
		case mirror.DeletionTimestamp != nil:
			s.end(key, p)
		case p.mirror != mirror.UID:
			p.mirror = mirror.UID
			p.worker.republish()
		}
	}
	for key, pod := range s.wanted {
		if p := s.running[key]; s.mirrors[key] == nil && p != nil && !p.worker.stop.ordered() {
			missing = append(missing, pod)
		}
	}
	return surplus, missing
}

func (s *statics) attempt(ctx context.Context, what string, try func(ctx context.Context) error) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := try(ctx); err != nil {
		s.host.log.Debug(what, "error", err)
		return true
	}
	return false
}

func (s *statics) makeMirror(ctx context.Context, pod *corev1.Pod) error {
	node, err := s.client.CoreV1().Nodes().Get(ctx, s.host.name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("find node: %w", err)
	}
	mirror := mirrorOf(pod, node)
	made, err := s.client.CoreV1().Pods(pod.Namespace).Create(ctx, mirror, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil // The watch tells of it, and then it is compared.
	}
	if err != nil {
		return fmt.Errorf("create mirror of %s: %w", keyOf(pod), err)
	}
	s.observe(made)
	return nil
}

// uids returns the UIDs under which static pods are known on the node.
func (s *statics) uids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, pod := range s.wanted {
		all = append(all, string(pod.UID))
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

// mirrorPublisher writes a static pod's status to its mirror.
type mirrorPublisher struct {
	statics *statics
	key     string
}

func (p *mirrorPublisher) publish(ctx context.Context, pod *corev1.Pod, status corev1.PodStatus) (*corev1.Pod, error) {
	p.statics.mu.Lock()
	mirror := p.statics.mirrors[p.key]
	p.statics.mu.Unlock()
	if mirror == nil || mirror.Annotations[hashAnnotation] != pod.Annotations[hashAnnotation] || mirror.DeletionTimestamp != nil {
		return pod, nil // It is written when there is one.
	}
	updated, err := apiPublisher{p.statics.client}.publish(ctx, mirror, status)
	if err != nil {
		return nil, err
	}
	p.statics.observe(updated)
	return nil, nil
}

func (p *mirrorPublisher) remove(context.Context, *corev1.Pod) error { return nil }

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

// mirrorOf is the object by which the API shows a static pod. It may not refer
// to other objects, and belongs to the node.
func mirrorOf(pod *corev1.Pod, node *corev1.Node) *corev1.Pod {
	mirror := pod.DeepCopy()
	mirror.UID, mirror.ResourceVersion = "", ""
	mirror.Annotations[corev1.MirrorPodAnnotationKey] = pod.Annotations[hashAnnotation]
	mirror.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: ptr.To(true),
	}}
	mirror.Spec.ServiceAccountName, mirror.Spec.DeprecatedServiceAccount = "", ""
	mirror.Spec.AutomountServiceAccountToken = ptr.To(false)
	return mirror
}
