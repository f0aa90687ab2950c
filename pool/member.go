package pool

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	// deleteGrace is what a pod gets to end that has nothing to finish.
	deleteGrace = 2 * time.Second
	// drainedGrace is the same for one that had a function. It takes a moment as a rule, but the queue-proxy stays while
	// Envoys that have not heard of its end have connections to it.
	drainedGrace = 45 * time.Second
)

// member is a pod of an environment. The pool's lock guards what may change.
type member struct {
	uid, namespace, name string
	env                  *environment
	environmentUID, hash string
	created              time.Time
	// asked is when the pool wanted the pod, zero when it was found; since when it is warm.
	asked, since time.Time
	// label is what the pod's label said when the pool first saw it.
	label wire.PodState
	// bare says that the pod has no fetcher: its code is in its image.
	bare bool

	state State
	ip    string
	// sealKey and held are what the fetcher said.
	sealKey []byte
	held    *wire.Held
	// started tells how the pod became hot, nil when it was found so.
	started *wire.Started
	// claimant is the UID of the function that the pod was claimed for last.
	claimant string
	// broken is why the pod does not start, "" while it may.
	broken string
	// silence is why the pod was not ready when it was last asked, "" before.
	silence string
	// late says that it is broken because it was not ready in time.
	late bool
	// unfit says that the pod must not be used any more, or not again.
	unfit bool
	// stuck is why the pod has no node; delayed says that it was stuck once.
	stuck   string
	delayed bool
	// restarts of its containers that do not count: those before it was warm.
	restarts int32
	// greeting says that a job greets the pod; nudge makes it try at once.
	greeting bool
	nudge    chan struct{}
	// labels are to be patched; patching says that a job does.
	labels   map[string]string
	patching bool
	// outdated says that the observer was told to leave the hot pod.
	outdated bool
	// unready says that the probes of a container that decides have failed since the pod started.
	unready bool
	// announced says that the observer was told of the hot pod, and not yet that it is gone.
	announced bool
	// deleted is closed when the pod is gone, or as good as.
	deleted chan struct{}
}

// idle reports whether the pod has no function, nor had one when it was found.
func (m *member) idle() bool {
	return m.state == Warm || m.state == Starting && m.label == wire.StateWarm
}

func (m *member) target() Target { return Target{UID: m.uid, IP: m.ip, Bare: m.bare} }

// SetPod makes a pod known, or what changed of it. Pods that are not of an environment's pool are ignored.
func (p *Pool) SetPod(pod *corev1.Pod) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.setPod(pod)
}

// DeletePod says that a pod is no more.
func (p *Pool) DeletePod(uid string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m := p.members[uid]; m != nil {
		p.forget(m)
	}
}

// The rest of this file is called with mu held.

func (p *Pool) setPod(pod *corev1.Pod) {
	if !p.makes(pod.Labels[wire.LabelExecutorType]) || !p.cfg.owns(pod.Labels) {
		return
	}
	m := p.members[string(pod.UID)]
	if pod.DeletionTimestamp != nil {
		if m != nil {
			p.forget(m)
		}
		return
	}
	if m == nil {
		m = p.adopt(pod)
	}
	if m.state != Gone {
		p.observe(m, pod)
	}
}

// makes reports whether pods of that executor are this pool's.
func (p *Pool) makes(executor string) bool {
	switch executor {
	case v1.ExecutorPool:
		return !p.cfg.Own
	case v1.ExecutorNewDeploy, v1.ExecutorContainer:
		return p.cfg.Own
	}
	return false
}

// adopt makes a member of a pod that was not known.
func (p *Pool) adopt(pod *corev1.Pod) *member {
	m := &member{
		uid: string(pod.UID), namespace: pod.Namespace, name: pod.Name, env: p.environment(environmentKey(pod)),
		environmentUID: pod.Labels[wire.LabelEnvironmentUID], hash: pod.Annotations[wire.AnnotationEnvironmentHash],
		created: pod.CreationTimestamp.Time, label: wire.PodState(pod.Labels[wire.LabelState]),
		bare:  pod.Labels[wire.LabelExecutorType] == v1.ExecutorContainer,
		nudge: make(chan struct{}, 1), deleted: make(chan struct{}),
	}
	if p.cfg.Own {
		m.environmentUID = pod.Labels[wire.LabelFunctionUID]
	}
	if m.label != wire.StateHot && m.label != wire.StateDraining {
		m.label = wire.StateWarm
	}
	p.members[m.uid], m.env.members[m.uid] = m, m
	m.file()
	m.asked = m.env.creating[m.name]
	delete(m.env.creating, m.name)
	p.touch(m.env)
	p.expire(m)
	return m
}

// environmentKey returns "namespace/name" of the pod's environment, or the key of its function's own pool.
func environmentKey(pod *corev1.Pod) string {
	if pod.Labels[wire.LabelExecutorType] != v1.ExecutorPool {
		return v1.OwnPoolPrefix + pod.Labels[wire.LabelFunctionNamespace] + "/" + pod.Labels[wire.LabelFunctionName]
	}
	if key := pod.Annotations[annotationEnvironment]; key != "" {
		return key
	}
	return pod.Labels[wire.LabelEnvironmentNamespace] + "/" + pod.Labels[wire.LabelEnvironmentName]
}

// move changes the pod's state.
func (p *Pool) move(m *member, s State) {
	if m.state == Warm {
		if i := slices.Index(m.env.warm, m); i >= 0 {
			m.env.warm = slices.Delete(m.env.warm, i, i+1)
		}
	}
	m.enter(s)
	if s == Claimed || s == Specializing || s == Hot {
		m.env.refill.claimed(time.Now())
	}
	m.file()
	if s == Warm {
		m.env.warm = append(m.env.warm, m)
	}
	p.touch(m.env)
}

// file puts the pod among its environment's idle ones, or takes it from there.
func (m *member) file() {
	if m.idle() {
		m.env.idle[m.uid] = m
	} else {
		delete(m.env.idle, m.uid)
	}
}

// discard deletes a pod without letting it finish anything.
func (p *Pool) discard(m *member, reason string) {
	if m == nil || m.state == Gone {
		return
	}
	p.deps.Log.Info("pod is deleted", "pod", m.name, "namespace", m.namespace, "state", m.state.String(), "reason", reason)
	p.metrics.deleted.WithLabelValues(reason).Inc()
	p.leave(m)
	grace := deleteGrace
	if m.held != nil {
		grace = drainedGrace
	}
	p.enqueue(func(ctx context.Context) {
		p.persist(ctx, m.exists, func(ctx context.Context) error {
			return p.deps.Cluster.DeletePod(ctx, m.namespace, m.name, m.uid, grace)
		})
		p.mu.Lock()
		defer p.mu.Unlock()
		if ctx.Err() == nil {
			m.close()
		}
	})
}

// forget drops a pod that is no more, or that somebody else deletes.
func (p *Pool) forget(m *member) {
	p.leave(m)
	m.close()
	delete(p.members, m.uid)
}

// leave takes a pod out of its environment.
func (p *Pool) leave(m *member) {
	if m.state == Gone {
		return
	}
	p.retract(m)
	p.move(m, Gone)
	delete(m.env.members, m.uid)
}

// retract tells the observer that a hot pod takes nothing new.
func (p *Pool) retract(m *member) {
	if !m.announced {
		return
	}
	m.announced = false
	p.tell(func(o Observer) { o.PodGone(m.uid) })
}

func (m *member) exists() bool {
	select {
	case <-m.deleted:
		return false
	default:
		return true
	}
}

func (m *member) close() {
	if m.exists() {
		close(m.deleted)
	}
}
