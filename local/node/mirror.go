package node

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reconcileMirrors makes and removes mirrors; the channel says when to try again
// after an error.
func (s *statics) reconcileMirrors(ctx context.Context) <-chan time.Time {
	surplus, missing := s.compareMirrors()
	failed := false
	for _, mirror := range surplus {
		failed = s.attempt(ctx, func(ctx context.Context) error { return deletePod(ctx, s.client, mirror) }) || failed
	}
	for _, pod := range missing {
		failed = s.attempt(ctx, func(ctx context.Context) error { return s.makeMirror(ctx, pod) }) || failed
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

func (s *statics) attempt(ctx context.Context, try func(ctx context.Context) error) (failed bool) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := try(ctx); err != nil {
		s.host.log.Debug("mirror static pod", "error", err)
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

// mirrorOf is the object by which the API shows a static pod. It may not refer
// to other objects, and belongs to the node.
func mirrorOf(pod *corev1.Pod, node *corev1.Node) *corev1.Pod {
	mirror := pod.DeepCopy()
	mirror.UID, mirror.ResourceVersion = "", ""
	mirror.Annotations[corev1.MirrorPodAnnotationKey] = pod.Annotations[hashAnnotation]
	mirror.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: new(true),
	}}
	mirror.Spec.ServiceAccountName, mirror.Spec.DeprecatedServiceAccount = "", ""
	mirror.Spec.AutomountServiceAccountToken = new(false)
	return mirror
}
