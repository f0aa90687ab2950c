package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	startRetryFirst = time.Second
	startRetryLast  = 5 * time.Minute
	// forbiddenFor is how long the API server must forbid an environment's pods before that counts.
	forbiddenFor = 5 * time.Second
	nameLength   = 50
)

// environment is what the pool knows of one environment. The pool's lock guards it.
type environment struct {
	key string
	// object is nil when the environment does not exist.
	object *v1.Environment
	// template is what its pods are made from, nil when invalid says why there is none.
	template *corev1.Pod
	invalid  *wire.Failure
	hash     string
	// members are its pods that are not Gone, and idle those of them that have no function: what is done often
	// looks at these, which stay few.
	members, idle map[string]*member
	// shares counts the pods of each function, by its UID, those that drain left out.
	shares map[string]int
	// warm are those of them that can be claimed, longest warm first.
	warm  []*member
	queue queue
	// creating are the names of pods that the API server was asked for.
	creating map[string]struct{}
	// failure is why pods do not start, nil after one did.
	failure *wire.Failure
	// start holds off creating after pods did not start, api after the API server did not answer.
	start, api backoff
	// forbidden is since when the API server has refused to make its pods, zero when it has not.
	forbidden time.Time
	// refill is when the pool may be refilled after claims.
	refill refill
	// alarm is the last time that touchAt was called for.
	alarm time.Time
	// told is what the observer was told last.
	told tally
}

// tally is what Observer.PoolChanged says.
type tally struct {
	warm, starting int
	failure        *wire.Failure
}

// SetEnvironment makes an environment known, or what changed in it: pods without a function that were made from
// something else are replaced.
func (p *Pool) SetEnvironment(object *v1.Environment) {
	template, err := PodFor(object, p.cfg)
	p.SetTemplate(object.Namespace+"/"+object.Name, object, template, err)
}

// SetTemplate is SetEnvironment for a pool of any key, whose pods are made from the template. The object stands for the
// environment that it may not have: name and UID are the pool's owner's, the spec says how code is loaded. An error
// says why there is no template, as a *wire.Failure when its reason is known.
func (p *Pool) SetTemplate(key string, object *v1.Environment, template *corev1.Pod, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.environment(key)
	hash, invalid := "", (*wire.Failure)(nil)
	if err != nil && !errors.As(err, &invalid) {
		invalid = &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: err.Error()}
	}
	if err == nil {
		hash = template.Annotations[wire.AnnotationEnvironmentHash]
	}
	if e.hash != hash || err != nil {
		e.failure, e.start, e.forbidden = invalid, backoff{}, time.Time{}
	}
	e.object, e.template, e.invalid, e.hash = object, template, invalid, hash
	p.retireStrangers(e)
	p.serve(e)
	p.touch(e)
}

// DeleteEnvironment deletes the environment's warm pods and drains its hot ones.
func (p *Pool) DeleteEnvironment(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.environments[key]
	if e == nil {
		return
	}
	e.object, e.template, e.invalid, e.hash, e.failure = nil, nil, nil, "", nil
	p.reject(e.queue.drain(), environmentNotFound(key))
	p.retireStrangers(e)
	p.touch(e)
}

// The rest of this file is called with mu held.

func (p *Pool) environment(key string) *environment {
	e := p.environments[key]
	if e == nil {
		e = &environment{key: key, members: map[string]*member{}, idle: map[string]*member{}, creating: map[string]struct{}{}, shares: map[string]int{}}
		p.environments[key] = e
	}
	return e
}

// retireStrangers drains hot pods of an environment that is no more, also when another has its name now.
func (p *Pool) retireStrangers(e *environment) {
	if !p.isSynced() {
		return
	}
	for _, m := range e.members {
		if m.state == Hot && !e.owns(m) {
			p.drain(m, p.functions[m.held.Function.UID].runTimeout, "environment was deleted")
		}
	}
}

func (e *environment) owns(m *member) bool {
	return e.object != nil && string(e.object.UID) == m.environmentUID
}

// replan carries out the plan for e and tells the observer what changed.
func (p *Pool) replan(e *environment) {
	now := time.Now()
	w := Wanted{Hash: e.hash, Max: p.cfg.MaxPods, Failing: e.failure != nil, MayCreate: e.start.over(now) && e.api.over(now)}
	if e.object != nil {
		w.Size = e.object.PoolSize()
	}
	if p.cfg.Own {
		w.Size, w.OnDemand = 0, true
	}
	o := e.observe()
	if o.Waiting > 0 {
		o.Reserved = min(p.reserved(e), len(e.warm))
	}
	w.Later = !e.refill.due(now)
	w.Keep = now.Before(p.syncedAt.Add(patience))
	for _, a := range Plan(o, w) {
		if a.Create > 0 {
			p.create(e, a.Create)
			continue
		}
		p.discard(e.members[a.Delete], a.Reason)
	}
	if !w.MayCreate && w.Hash != "" {
		p.touchAt(e, latest(e.start.until, e.api.until))
	}
	if w.Later {
		p.touchAt(e, e.refill.at)
	}
	p.giveUp(e)
	p.publish(e)
	if e.object == nil && len(e.members) == 0 && len(e.creating) == 0 && p.environments[e.key] == e {
		delete(p.environments, e.key)
	}
}

func (e *environment) observe() Observed {
	o := Observed{Creating: len(e.creating), Waiting: e.queue.size, Busy: len(e.members) - len(e.idle)}
	for _, m := range e.idle {
		o.Pods = append(o.Pods, Pod{
			UID: m.uid, State: m.state, Hash: m.hash, Broken: m.broken != "", Unfit: m.unfit, Created: m.created,
		})
	}
	return o
}

// giveUp answers waiting claims when no pod can be expected soon.
func (p *Pool) giveUp(e *environment) {
	if f := e.hopeless(time.Now()); f != nil && e.queue.size > 0 {
		p.reject(e.queue.drain(), f)
		p.touch(e)
	}
}

// hopeless says why a claim that finds no warm pod would wait in vain, nil when it would not.
func (e *environment) hopeless(now time.Time) *wire.Failure {
	switch {
	case e.object == nil:
		return environmentNotFound(e.key)
	case e.invalid != nil:
		return e.invalid
	case e.failure == nil || e.start.over(now) || len(e.creating) > 0:
		return nil
	}
	for _, m := range e.idle {
		if m.broken == "" && !m.unfit && m.hash == e.hash {
			return nil
		}
	}
	return e.failure
}

func (p *Pool) reject(ws []*waiter, f *wire.Failure) {
	for _, w := range ws {
		w.result <- claimResult{failure: f}
	}
}

func (p *Pool) publish(e *environment) {
	t := tally{failure: e.failure, starting: len(e.creating), warm: len(e.warm)}
	for _, m := range e.idle {
		if m.state == Starting && m.broken == "" {
			t.starting++
		}
	}
	if t == e.told {
		return
	}
	if t.failure != e.told.failure {
		p.logPool(e.key, t.failure)
	}
	e.told = t
	p.tell(func(o Observer) { o.PoolChanged(e.key, t.warm, t.starting, t.failure) })
}

func (p *Pool) logPool(key string, f *wire.Failure) {
	if f == nil {
		p.deps.Log.Info("pool is available", "environment", key)
		return
	}
	p.deps.Log.Warn("pool is unavailable", "environment", key, "cause", f.Message)
}

// broke notes that a pod of e did not start, or could not be made.
func (p *Pool) broke(e *environment, cause string) {
	e.start.fail(time.Now(), startRetryFirst, startRetryLast)
	message := fmt.Sprintf("no pod of %s can start: %s", called(e.key), cause)
	if e.failure == nil || e.failure.Message != message {
		e.failure = &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: message}
	}
	p.touch(e)
}

// create asks the API server for n pods.
func (p *Pool) create(e *environment, n int) {
	object, template := e.object, e.template
	for range n {
		name := podName(object.Name)
		e.creating[name] = struct{}{}
		p.enqueue(func(ctx context.Context) { p.createPod(ctx, e, object, template, name) })
	}
}

// createPod runs outside of mu.
func (p *Pool) createPod(ctx context.Context, e *environment, object *v1.Environment, template *corev1.Pod, name string) {
	var pod *corev1.Pod
	err := p.callAPI(ctx, func(ctx context.Context) error {
		owner, err := p.owner(ctx, object, template)
		if err == nil {
			pod, err = p.deps.Cluster.CreatePod(ctx, named(template, name, owner))
		}
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(e.creating, name)
	p.touch(e)
	if err == nil {
		e.api, e.forbidden = backoff{}, time.Time{}
		p.metrics.created.WithLabelValues(object.Name, object.Namespace).Inc()
		p.setPod(pod)
		return
	}
	if ctx.Err() != nil {
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

// called is the owner of a pool as messages call it.
func called(key string) string {
	if strings.HasPrefix(key, v1.OwnPoolPrefix) {
		return key
	}
	return "environment " + key
}

func environmentNotFound(key string) *wire.Failure {
	if strings.HasPrefix(key, v1.OwnPoolPrefix) {
		return &wire.Failure{Reason: v1.ReasonFunctionNotFound, Message: key + " does not exist (any more)"}
	}
	return &wire.Failure{
		Reason:  v1.ReasonEnvironmentNotFound,
		Message: fmt.Sprintf("environment %s does not exist; create it with `hotpod environment create`", key),
	}
}

// podName returns a name that no other pod has.
func podName(environment string) string {
	return strings.TrimRight(environment[:min(len(environment), nameLength)], ".-") + "-" + strings.ToLower(rand.Text()[:10])
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
