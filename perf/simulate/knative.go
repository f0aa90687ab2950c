package simulate

import (
	"time"

	"hotpod.dev/autoscaler/law"
)

// knative is Knative's rule: KPA alone, decided every two seconds and at once when a request comes to no pod, over what
// is in pods and what waits in activators; and pods that are started, not claimed. The windows are the law's, which
// decide as Knative's do.
type knative struct {
	lawful
	start time.Duration
}

func newKnative(e *engine, s Setting, spec law.Spec) *knative {
	return &knative{lawful: lawful{e: e, spec: spec, every: 2}, start: s.Start}
}

func (k *knative) begin() {}

func (k *knative) choose(f *function) *pod { return f.roomiest() }

// held pokes the autoscaler when nothing is wanted yet.
func (k *knative) held(f *function) {
	f.law.active = k.e.now
	if f.wanted == 0 && f.starting == 0 {
		k.record(f, int64(k.e.now/time.Second), float64(f.waiting.len()))
		k.look(f)
	}
	k.wake(f)
}

func (k *knative) changed(f *function, _ *pod, _ int) {
	f.law.active = k.e.now
	k.wake(f)
}

func (k *knative) tick(f *function, second int64) {
	k.e.account(f)
	if f.load() > 0 {
		f.law.active = k.e.now
	}
	k.sample(f, second, f.present)
	if second%k.every == 0 {
		k.look(f)
	}
	k.next(f, second)
}

func (k *knative) happened(ev event) {
	if f := ev.function; ev.kind == ready && !ev.pod.draining {
		f.law.made = without(f.law.made, ev.pod)
		k.wake(f)
	}
}

// look decides and carries it out; what is too much goes at once, pods that are not ready yet first.
func (k *knative) look(f *function) {
	d := k.decide(f, law.Observation{})
	for n := d.Wanted - f.hot - f.starting; n > 0; n-- {
		p := k.e.create("")
		f.starting++
		f.law.made = append(f.law.made, p)
		k.e.agenda.add(event{at: k.e.now + k.start, kind: ready, pod: p, function: f})
	}
	for n := f.hot + f.starting - d.Wanted; n > 0 && f.starting > 0; n-- {
		last := len(f.law.made) - 1
		p := f.law.made[last]
		f.law.made = f.law.made[:last]
		f.starting--
		p.draining = true
		k.e.gone(p)
	}
	k.shrink(f, d.Wanted)
}
