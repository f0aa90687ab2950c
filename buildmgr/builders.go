package buildmgr

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

const (
	// pollFirst and pollLast are between two looks at a pod that starts.
	pollFirst = 20 * time.Millisecond
	pollLast  = 500 * time.Millisecond
	// nameLength bounds the part of a pod's name that is the environment's.
	nameLength = 45
)

// errPodLost is returned when a builder pod went away before it could be used.
var errPodLost = errors.New("the builder pod went away")

// builders are the builder pods there are. It is safe for concurrent use.
type builders struct {
	cfg     Config
	clients *kube.Clients
	cluster *kube.Cluster
	pods    *kube.Informer[*corev1.Pod]
	agent   *agent
	log     *slog.Logger

	mu sync.Mutex // guards all below
	// kept has the pod of each kind that is used or kept for use.
	kept map[kind]*kept
}

// kind is what pods must have in common to do for one another.
type kind struct{ environment, template string }

// kept is a pod that is used, or was.
type kept struct {
	namespace, name string
	// users are the builds that hold it; since is when that became none.
	users int
	since time.Time
	// made is closed when the API server has the pod, or refused it for err.
	made chan struct{}
	err  error
}

func newBuilders(cfg Config, d Deps) *builders {
	return &builders{
		cfg: cfg, clients: d.Clients, cluster: kube.NewCluster(d.Clients), agent: newAgent(d.Signer), log: d.Log,
		pods: d.Cache.Pods(kube.PodFilter{LabelSelector: labelOwner + "=" + Owner}), kept: map[kind]*kept{},
	}
}

// acquire returns a builder pod of the environment that is ready; release gives it back. An error of type *fault is the
// environment's.
func (b *builders) acquire(ctx context.Context, e *v1.Environment) (t target, release func(), err error) {
	template, err := podFor(e, b.cfg)
	if err != nil {
		return t, nil, &fault{theirs: true, reason: v1.ReasonBuilderUnavailable, message: err.Error()}
	}
	k := kind{environment: string(e.UID), template: template.Annotations[wire.AnnotationEnvironmentHash]}
	for {
		held, mine := b.hold(k, template)
		if mine {
			b.make(ctx, k, held, e, template)
		}
		t, err = b.ready(ctx, held)
		if err == nil {
			return t, func() { b.release(held) }, nil
		}
		b.release(held)
		lost := errors.Is(err, errPodLost) || errors.Is(err, context.Canceled)
		if b.forget(k, held); lost && ctx.Err() == nil && !mine {
			continue // one that was kept may be gone since, and who made it may have been cancelled
		}
		return t, nil, err
	}
}

// hold counts the caller among the users of the kind's pod; mine says that there was none and the caller makes it.
func (b *builders) hold(k kind, template *corev1.Pod) (held *kept, mine bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held, mine = b.kept[k], false
	if held == nil {
		held, mine = &kept{namespace: template.Namespace, name: podName(template.Labels[labelName]), made: make(chan struct{})}, true
		b.kept[k] = held
	}
	held.users++
	return held, mine
}

func (b *builders) release(held *kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held.users--
	held.since = time.Now()
}

// forget makes the next caller use another pod.
func (b *builders) forget(k kind, held *kept) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept[k] == held {
		delete(b.kept, k)
	}
}

// make creates the pod that held stands for.
func (b *builders) make(ctx context.Context, k kind, held *kept, e *v1.Environment, template *corev1.Pod) {
	defer close(held.made)
	pod := template.DeepCopy()
	pod.Name = held.name
	owner := metav1.OwnerReference{APIVersion: v1.GroupVersion.String(), Kind: "Environment", Name: e.Name, UID: e.UID}
	if yes := true; pod.Namespace == e.Namespace {
		owner.Controller = &yes
	} else if owner, held.err = b.cluster.Anchor(ctx, pod.Namespace, e); held.err != nil {
		return
	}
	pod.OwnerReferences = []metav1.OwnerReference{owner}
	_, held.err = b.cluster.CreatePod(ctx, pod)
	if apierrors.IsInvalid(held.err) || apierrors.IsForbidden(held.err) || apierrors.IsBadRequest(held.err) {
		// An API server that has just started forbids everybody everything until it knows the roles.
		held.err = &fault{theirs: !apierrors.IsForbidden(held.err), reason: v1.ReasonBuilderUnavailable, message: "the API server refuses the builder pod: " + held.err.Error()}
	}
	if held.err == nil {
		b.log.Info("builder pod created", "environment", e.Namespace+"/"+e.Name, "pod", pod.Name, "template", k.template)
	}
}

// ready waits until the pod can be used.
func (b *builders) ready(ctx context.Context, held *kept) (target, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, b.cfg.StartTimeout, errStart)
	defer cancel()
	select {
	case <-held.made:
	case <-ctx.Done():
		return target{}, context.Cause(ctx)
	}
	if held.err != nil {
		return target{}, held.err
	}
	last := errors.New("it has no address yet")
	seen := false
	for pause := pollFirst; ; pause = min(2*pause, pollLast) {
		pod, ok := b.pods.Get(held.namespace, held.name)
		if ok && pod.DeletionTimestamp == nil {
			if cause := pool.BrokenCause(pod); cause != "" {
				b.remove(ctx, pod)
				return target{}, &fault{theirs: true, reason: v1.ReasonBuilderUnavailable, message: "the builder pod does not start: " + cause}
			}
			var t target
			if t, last = b.greet(ctx, pod, last); last == nil {
				return t, nil
			}
		} else if ok || seen {
			return target{}, errPodLost
		}
		seen = ok
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return target{}, b.tooLate(ctx, pod, last)
		}
	}
}

func (b *builders) greet(ctx context.Context, pod *corev1.Pod, last error) (target, error) {
	if pod.Status.PodIP == "" {
		return target{}, last
	}
	return b.agent.greet(ctx, target{name: pod.Namespace + "/" + pod.Name, uid: string(pod.UID), ip: pod.Status.PodIP})
}

// errStart is why a wait for a pod ended.
var errStart = errors.New("the builder pod did not become ready in time")

// tooLate says why the pod was not ready in time.
func (b *builders) tooLate(ctx context.Context, pod *corev1.Pod, last error) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errStart) {
		return cause
	}
	b.remove(ctx, pod)
	return &fault{theirs: true, reason: v1.ReasonBuilderUnavailable, message: fmt.Sprintf("%v: %v", errStart, last)}
}

// remove deletes a pod that is of no use; the idle sweep gets it when this fails.
func (b *builders) remove(ctx context.Context, pod *corev1.Pod) {
	if pod == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), greetTimeout)
	defer cancel()
	if err := b.cluster.DeletePod(ctx, pod.Namespace, pod.Name, string(pod.UID), time.Duration(grace)*time.Second); err != nil {
		b.log.Warn("builder pod was not deleted", "pod", pod.Name, "error", err)
	}
}

// sweep deletes the pods that nobody used for the idle time, and takes over those that an earlier process made.
func (b *builders) sweep(ctx context.Context, now time.Time) {
	for _, pod := range b.pods.List() {
		if pod.DeletionTimestamp == nil && b.idle(pod, now) {
			b.remove(ctx, pod)
			b.log.Info("idle builder pod deleted", "pod", pod.Name)
		}
	}
}

// idle reports whether a pod is to go, and keeps nobody from using it when it is not.
func (b *builders) idle(pod *corev1.Pod, now time.Time) bool {
	k := kind{environment: pod.Labels[wire.LabelEnvironmentUID], template: pod.Annotations[wire.AnnotationEnvironmentHash]}
	b.mu.Lock()
	defer b.mu.Unlock()
	held := b.kept[k]
	switch {
	case held == nil:
		done := make(chan struct{})
		close(done)
		b.kept[k] = &kept{namespace: pod.Namespace, name: pod.Name, since: now, made: done}
		return false
	case held.name != pod.Name:
		return now.Sub(pod.CreationTimestamp.Time) > b.cfg.Idle+b.cfg.Timeout // of builds that may still run in it
	case held.users > 0 || now.Sub(held.since) < b.cfg.Idle:
		return false
	}
	delete(b.kept, k)
	return true
}

// podName returns a name that no other pod has.
func podName(environment string) string {
	return strings.TrimRight(environment[:min(len(environment), nameLength)], ".-") + "-builder-" + strings.ToLower(rand.Text()[:6])
}
