package pool

import (
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	startRetryFirst = time.Second
	startRetryLast  = 5 * time.Minute
	// unsurePause is how long nothing is deleted when it is not sure who may.
	unsurePause = time.Second
	// soundAfter is how long pods must stay warm before an environment that had trouble counts as sound.
	soundAfter = 30 * time.Second
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
	// creating are the names of pods that the API server was asked for, and when they were wanted.
	creating map[string]time.Time
	// failure is why pods do not start, nil after one did.
	failure *wire.Failure
	// start holds off creating after pods did not start, api after the API server did not answer.
	start, api backoff
	// forbidden is since when the API server has refused to make its pods, zero when it has not.
	forbidden time.Time
	// proven is the hash of the pod that became warm last, sound since when none broke after that; zero after one did.
	proven string
	sound  time.Time
	// settings are what the annotations say, size how many warm pods there shall be.
	settings v1.PoolSettings
	size     Size
	// supply and used, which is when a function last had or wanted a pod, are what the size follows from.
	supply Supply
	used   time.Time
	// unrolled says that there may be hot pods that are outdated, rolled is when functions were last told to leave some.
	unrolled bool
	rolled   time.Time
	// refill is when the pool may be refilled after claims.
	refill refill
	// alarm is when the environment is planned for again, zero when nothing waits for that.
	alarm time.Time
	// told is what was said of it last.
	told wire.PoolStatus
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
		e.failure, e.start, e.forbidden, e.sound, e.unrolled = invalid, backoff{}, time.Time{}, time.Time{}, true
	}
	if e.object == nil {
		e.used = lastUsed(object, time.Now())
		p.announce()
	}
	e.object, e.template, e.invalid, e.hash = object, template, invalid, hash
	e.settings, _ = object.PoolSettings() // the controller says what is wrong
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
	p.reject(e.queue.drain(), NotFound(key))
	p.retireStrangers(e)
	p.touch(e)
}

// The rest of this file is called with mu held.

func (p *Pool) environment(key string) *environment {
	e := p.environments[key]
	if e == nil {
		e = &environment{key: key, members: map[string]*member{}, idle: map[string]*member{}, creating: map[string]time.Time{}, shares: map[string]int{}}
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
	o := e.observe()
	need := p.resize(e, o, now)
	w := Wanted{
		Hash: e.hash, Size: e.size.Wanted, Max: p.maxPods(e), Failing: e.failure != nil,
		MayCreate: e.start.over(now) && e.api.over(now), KeepFormer: p.former(e), Proven: e.proven, OnDemand: p.cfg.Own,
	}
	if o.Waiting > 0 {
		o.Reserved = min(p.reserved(e), len(e.warm))
	}
	w.Later = !e.refill.due(now)
	if w.Keep = now.Before(p.syncedAt.Add(patience)); !w.Keep && p.deps.Sure != nil && !p.deps.Sure() {
		w.Keep = true
		p.touchAt(e, now.Add(unsurePause))
	}
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
	p.roll(e, now)
	p.publish(e, need)
	if e.object == nil && len(e.members) == 0 && len(e.creating) == 0 && p.environments[e.key] == e {
		delete(p.environments, e.key)
	}
}

func (e *environment) observe() Observed {
	o := Observed{Creating: len(e.creating), Waiting: e.queue.size, Busy: len(e.members) - len(e.idle)}
	for _, m := range e.idle {
		o.Pods = append(o.Pods, Pod{
			UID: m.uid, State: m.state, Hash: m.hash, Broken: m.broken != "", Unfit: m.unfit, Stuck: m.stuck != "",
			Created: m.created,
		})
	}
	return o
}

// giveUp answers waiting claims when no pod can be expected soon.
func (p *Pool) giveUp(e *environment) {
	if f := p.hopeless(e, time.Now()); f != nil && e.queue.size > 0 {
		p.reject(e.queue.drain(), f)
		p.touch(e)
	}
}

// hopeless says why a claim that finds no warm pod would wait in vain, nil when it would not.
func (p *Pool) hopeless(e *environment, now time.Time) *wire.Failure {
	switch {
	case e.object == nil:
		return NotFound(e.key)
	case e.invalid != nil:
		return e.invalid
	case e.failure == nil || e.start.over(now) || len(e.creating) > 0:
		return nil
	}
	former := p.former(e)
	for _, m := range e.idle {
		if m.broken == "" && !m.unfit && (m.hash == e.hash || former && m.hash == e.proven) {
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

// broke notes that a pod of e did not start or stay, or could not be made.
func (p *Pool) broke(e *environment, cause string) {
	now := time.Now()
	if !e.sound.IsZero() && now.Sub(e.sound) >= soundAfter {
		e.start = backoff{}
	}
	e.sound = time.Time{}
	e.start.fail(now, startRetryFirst, startRetryLast)
	message := fmt.Sprintf("no pod of %s can start: %s", called(e.key), cause)
	if e.failure == nil || e.failure.Message != message {
		e.failure = &wire.Failure{Reason: v1.ReasonPoolUnavailable, Message: message}
	}
	p.touch(e)
}

// called is the owner of a pool as messages call it.
func called(key string) string {
	if strings.HasPrefix(key, v1.OwnPoolPrefix) {
		return key
	}
	return "environment " + key
}

// NotFound is the failure of a claim of a pool whose owner does not exist.
func NotFound(key string) *wire.Failure {
	if strings.HasPrefix(key, v1.OwnPoolPrefix) {
		return &wire.Failure{Reason: v1.ReasonFunctionNotFound, Message: key + " does not exist (any more)"}
	}
	return &wire.Failure{
		Reason:  v1.ReasonEnvironmentNotFound,
		Message: fmt.Sprintf("environment %s does not exist; create it with `hotpod environment create`", key),
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
