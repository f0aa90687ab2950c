package pool

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

const (
	// forbiddenFor is how long the API server must forbid an environment's pods before that counts.
	forbiddenFor = 5 * time.Second
	// nameLength bounds the part of a pod's name that is the environment's.
	nameLength = 50
)

// create asks the API server for n pods. Call it with mu held.
func (p *Pool) create(e *environment, n int) {
	object, template := e.object, e.template
	for range n {
		name := podName(object.Name)
		e.creating[name] = time.Now()
		p.enqueue(func(ctx context.Context) { p.createPod(ctx, e, object, template, name) })
	}
}

// createPod is called without mu.
func (p *Pool) createPod(ctx context.Context, e *environment, object *v1.Environment, template *corev1.Pod, name string) {
	var pod *corev1.Pod
	err := p.callAPI(ctx, func(ctx context.Context) error {
		owner, err := p.owner(ctx, object, template)
		if err == nil {
			pod, err = p.deps.Cluster.CreatePod(ctx, p.cfg.marked(named(template, name, owner)))
		}
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.setPod(pod) // takes over since when it was wanted
	}
	delete(e.creating, name)
	p.touch(e)
	if err == nil {
		e.api, e.forbidden = backoff{}, time.Time{}
		p.metrics.created.Inc()
		return
	}
	if ctx.Err() == nil {
		p.notCreated(e, object, err)
	}
}

// notCreated says when the next pod is tried. Call it with mu held.
func (p *Pool) notCreated(e *environment, object *v1.Environment, err error) {
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		// The environment goes with it: nobody has to act.
		p.deps.Log.Debug("pod was not created", "environment", e.key, "error", err)
		p.broke(e, "its namespace is being deleted")
		e.start.until = time.Now().Add(startRetryLast)
		return
	}
	p.deps.Log.Warn("pod was not created", "environment", e.key, "error", err)
	switch {
	case e.object != object || !refused(err):
		e.api.fail(time.Now(), apiRetryFirst, apiRetryLast)
	case e.doubts(err):
		e.api.fail(time.Now(), apiRetryFirst, apiRetryFirst)
	default:
		p.broke(e, "the API server refuses its pods: "+err.Error())
	}
}

// doubts reports whether what the API server forbids now may soon be allowed: one that has just started answers before
// it knows all roles, and forbids everybody everything until then.
func (e *environment) doubts(err error) bool {
	if !apierrors.IsForbidden(err) {
		return false
	}
	if e.forbidden.IsZero() {
		e.forbidden = time.Now()
	}
	return time.Since(e.forbidden) < forbiddenFor
}

// owner returns the template's own owner, or the environment.
func (p *Pool) owner(ctx context.Context, object *v1.Environment, template *corev1.Pod) (metav1.OwnerReference, error) {
	switch {
	case len(template.OwnerReferences) > 0:
		return template.OwnerReferences[0], nil
	case template.Namespace == object.Namespace:
		return ownedBy(object), nil
	}
	return p.deps.Cluster.Anchor(ctx, template.Namespace, object)
}

// refused reports whether the API server will answer alike again: a person must change something.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err) || apierrors.IsNotFound(err)
}

// podName returns a name that no other pod has.
func podName(environment string) string {
	return strings.TrimRight(environment[:min(len(environment), nameLength)], ".-") + "-" + strings.ToLower(rand.Text()[:10])
}
