package pool

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// This file is called with mu held.

// expire gives up on a pod that is not warm in time. Waiting for a node does not count.
func (p *Pool) expire(m *member) {
	if m.label != wire.StateWarm {
		return
	}
	time.AfterFunc(p.cfg.StartTimeout, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case m.state == Starting && m.broken != "" && p.cfg.Own: // nobody asked for another since
			p.discard(m, ReasonBroken)
		case m.state != Starting || m.broken != "":
		case m.stuck != "":
			p.expire(m)
		default:
			m.late = true
			p.breaks(m, "pod "+m.name+" was not ready after "+p.cfg.StartTimeout.String()+
				"; see `kubectl describe pod -n "+m.namespace+" "+m.name+"`")
		}
	})
}

// observe takes in what the pod's status says.
func (p *Pool) observe(m *member, pod *corev1.Pod) {
	if pod.Status.PodIP != "" {
		m.ip = pod.Status.PodIP
	}
	m.stuck = unschedulable(pod)
	m.delayed = m.delayed || m.stuck != ""
	switch {
	case m.state == Starting:
		p.observeStart(m, pod)
	case ended(pod):
		p.discard(m, ReasonUnfit)
	case restarts(pod) > m.restarts:
		p.restarted(m, pod)
	default:
		p.observeReadiness(m, !v1.Probed(pod))
	}
}

// observeReadiness tells the observer when a hot pod's own probes begin to fail, or succeed again.
func (p *Pool) observeReadiness(m *member, unready bool) {
	if m.unready == unready {
		return
	}
	m.unready = unready
	if m.announced {
		p.tellReadiness(m)
	}
}

func (p *Pool) tellReadiness(m *member) {
	ready := !m.unready
	p.tell(func(o Observer) { o.PodReady(m.uid, ready) })
	p.deps.Log.Info("a hot pod's readiness changed", "pod", m.name, "namespace", m.namespace, "ready", ready)
}

func (p *Pool) observeStart(m *member, pod *corev1.Pod) {
	m.restarts = restarts(pod)
	switch cause := BrokenCause(pod); {
	case m.label != wire.StateWarm && ended(pod):
		p.discard(m, ReasonUnfit)
		return
	case m.label != wire.StateWarm:
		m.unfit = m.restarts > 0 // after it was made hot or before: nobody can tell any more
	case cause == "" && !m.late:
		m.broken = ""
	case m.broken == "":
		p.breaks(m, cause)
	}
	switch {
	case m.ip == "":
	case v1.Probed(pod):
		p.startGreeting(m)
	default:
		m.silence = "its probes have not succeeded"
	}
}

func (p *Pool) breaks(m *member, cause string) {
	m.broken = cause
	if m.hash == m.env.hash {
		p.broke(m.env, cause)
	}
	p.touch(m.env)
}

// restarted takes a pod out of use that lost what a container of it held in memory.
func (p *Pool) restarted(m *member, pod *corev1.Pod) {
	if m.unfit {
		return
	}
	m.unfit = true
	p.deps.Log.Warn("a container restarted, its pod is replaced", "pod", m.name, "namespace", m.namespace, "state", m.state.String())
	switch m.state {
	case Warm:
		if time.Since(m.since) < soundAfter && m.hash == m.env.hash {
			p.broke(m.env, crashCause(pod))
		}
		p.discard(m, ReasonUnfit)
	case Hot:
		p.drain(m, p.functions[m.held.Function.UID].runTimeout, "a container restarted")
	default: // whoever works with the pod sees that it is unfit
	}
}
