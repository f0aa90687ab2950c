package node

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
)

// bindTimeout bounds one try to bind a pod.
const bindTimeout = 10 * time.Second

// scheduler binds pods that have no node to the only one there is.
type scheduler struct {
	client kubernetes.Interface
	node   *corev1.Node
	events record.EventRecorder
	log    *slog.Logger

	// mu guards busy, the pods that are being bound.
	mu   sync.Mutex
	busy map[types.UID]bool
}

func newScheduler(c Config) (*scheduler, error) {
	client, err := connect(c.Scheduler)
	if err != nil {
		return nil, err
	}
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return &scheduler{
		client: client, node: nodeObject(c), log: c.Log, busy: map[types.UID]bool{},
		events: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: corev1.DefaultSchedulerName}),
	}, nil
}

// run binds pods until ctx ends.
func (s *scheduler) run(ctx context.Context) {
	_, informer := podInformer(s.client, "", cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { s.observe(ctx, object) },
		UpdateFunc: func(_, object any) { s.observe(ctx, object) },
	})
	informer.RunWithContext(ctx)
}

func (s *scheduler) observe(ctx context.Context, object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok || !ours(pod) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[pod.UID] {
		return
	}
	s.busy[pod.UID] = true
	go func() {
		s.schedule(ctx, pod)
		s.mu.Lock()
		delete(s.busy, pod.UID)
		s.mu.Unlock()
	}()
}

// ours says that a pod waits for this scheduler.
func ours(pod *corev1.Pod) bool {
	mine := pod.Spec.SchedulerName == "" || pod.Spec.SchedulerName == corev1.DefaultSchedulerName
	return mine && pod.Spec.NodeName == "" && pod.DeletionTimestamp == nil && len(pod.Spec.SchedulingGates) == 0
}

func (s *scheduler) schedule(ctx context.Context, pod *corev1.Pod) {
	if fits, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(s.node); err != nil || !fits {
		s.refuse(ctx, pod)
		return
	}
	for gap := firstPublishGap; ctx.Err() == nil; gap = min(2*gap, maxPublishGap) {
		err := s.bind(ctx, pod)
		if err == nil {
			s.events.Eventf(pod, corev1.EventTypeNormal, "Scheduled", "Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, s.node.Name)
			return
		}
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return // It is gone, or bound already.
		}
		s.log.Debug("bind pod", "pod", pod.Namespace+"/"+pod.Name, "error", err)
		time.Sleep(gap)
	}
}

func (s *scheduler) bind(ctx context.Context, pod *corev1.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, bindTimeout)
	defer cancel()
	return s.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: s.node.Name},
	}, metav1.CreateOptions{})
}

// refuse says, once, that the pod asks for another node.
func (s *scheduler) refuse(ctx context.Context, pod *corev1.Pod) {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return
		}
	}
	const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
	s.events.Event(pod, corev1.EventTypeWarning, "FailedScheduling", message)
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: message,
		LastTransitionTime: metav1.Now(),
	}}}})
	if err == nil {
		_, err = s.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err != nil {
		s.log.Debug("write status of unschedulable pod", "error", fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err))
	}
}
