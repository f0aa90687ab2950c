package pool

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

func TestClaim_PassesVariablesAndFilesWithTheCode(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		var got *wire.SpecializeRequest
		w.load = func(_ *fakePod, r *wire.SpecializeRequest) error { got = r; return nil }
		in := wire.Inputs{Env: map[string]string{"A": "b"}, Files: []wire.File{{Path: "p", Data: []byte("x")}}, Digest: "1"}
		w.say(func(*v1.Function) (wire.Inputs, error) { return in, nil })
		w.ready(2)
		f := functionOf("plain", "node")
		if _, err := w.pool.Claim(t.Context(), f); err != nil || got.Env != nil || got.Files != nil {
			t.Errorf("a function that names nothing gets %v, %v, %v", got.Env, got.Files, err)
		}
		f = functionOf("rich", "node")
		f.Spec.Env = []corev1.EnvVar{{Name: "A", Value: "b"}}
		if _, err := w.pool.Claim(t.Context(), f); err != nil || !reflect.DeepEqual(got.Env, in.Env) || !reflect.DeepEqual(got.Files, in.Files) {
			t.Errorf("the function gets %v, %v, %v", got.Env, got.Files, err)
		}
	})
}

func TestClaim_FailsWithWhatIsMissingAndSpendsNoPod(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		missing := &wire.Failure{Reason: v1.ReasonSecretNotFound, Message: "Secret ns/s does not exist"}
		w.say(func(*v1.Function) (wire.Inputs, error) { return wire.Inputs{}, missing })
		w.ready(1)
		f := functionOf("f", "node")
		f.Spec.Secrets = []v1.SecretReference{{Name: "s"}}
		_, err := w.pool.Claim(t.Context(), f)
		failure(t, err, v1.ReasonSecretNotFound, "ns/s")
		if n := len(w.live()[wire.StateWarm]); n != 1 || w.created != 1 {
			t.Errorf("%d warm pods of %d made", n, w.created)
		}
	})
}

// say sets what functions get besides their code.
func (w *world) say(inputs func(*v1.Function) (wire.Inputs, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.inputs = inputs
}

// contents are inputs with that digest.
func contents(digest string) func(*v1.Function) (wire.Inputs, error) {
	return func(*v1.Function) (wire.Inputs, error) { return wire.Inputs{Digest: digest}, nil }
}

// keyed returns a function that names a Secret, which has the contents "1".
func keyed(w *world) *v1.Function {
	w.say(contents("1"))
	f := functionOf("f", "node")
	f.Spec.Secrets = []v1.SecretReference{{Name: "s"}}
	w.pool.SetFunction(f)
	return f
}

// left returns the pods that the observer was told are outdated.
func (w *world) left() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.outdated)
}

func TestInputs_AChangeMakesPodsOutdated(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		f := keyed(w)
		old, err := w.pool.Claim(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		other := w.claim("other")
		w.pool.InputsChanged("fn-f")
		w.settle(time.Minute)
		if told := w.left(); len(told) != 0 {
			t.Fatalf("outdated without a change: %v", told)
		}
		w.say(contents("2"))
		w.pool.InputsChanged("fn-f")
		w.pool.InputsChanged("fn-other")
		w.settle(2 * time.Second)
		if told := w.left(); !slices.Equal(told, []string{old.UID}) {
			t.Fatalf("outdated are %v, want %s and not %s", told, old.UID, other.UID)
		}
		if _, err := w.pool.Claim(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		w.pool.InputsChanged("fn-f")
		w.settle(time.Minute)
		if told := w.left(); len(told) != 1 {
			t.Errorf("the new pod is outdated too: %v", told)
		}
	})
}

func TestInputs_AClaimThatReadNewerOnesMakesPodsOutdated(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(3)
		f := keyed(w)
		old, _ := w.pool.Claim(t.Context(), f)
		w.say(contents("2"))
		if _, err := w.pool.Claim(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		w.settle(2 * time.Second)
		if told := w.left(); !slices.Equal(told, []string{old.UID}) {
			t.Errorf("outdated are %v, want %s", told, old.UID)
		}
	})
}

func TestInputs_AChangeDuringAClaimIsNotLost(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(1)
		f := keyed(w)
		changed := false
		w.load = func(*fakePod, *wire.SpecializeRequest) error {
			w.inputs = contents("2") // the world is locked
			changed = true
			return nil
		}
		pod, err := w.pool.Claim(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if !changed {
			t.Fatal("nothing changed")
		}
		w.pool.InputsChanged("fn-f")
		w.settle(2 * time.Second)
		if told := w.left(); !slices.Equal(told, []string{pod.UID}) {
			t.Errorf("outdated are %v, want %s", told, pod.UID)
		}
	})
}

func TestInputs_AChangeWhileNoPoolRanIsFound(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		same, changed := keyed(w), functionOf("g", "node")
		changed.Spec.Secrets = same.Spec.Secrets
		says := func(digest string) func(f *v1.Function) (wire.Inputs, error) {
			return func(f *v1.Function) (wire.Inputs, error) {
				if f.Name == "f" {
					return wire.Inputs{Digest: "same"}, nil
				}
				return wire.Inputs{Digest: digest}, nil
			}
		}
		w.say(says("1"))
		w.pool.SetFunction(changed)
		_, err := w.pool.Claim(t.Context(), same)
		old, err2 := w.pool.Claim(t.Context(), changed)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		w.settle(time.Second)
		w.stop()
		w.say(says("2"))
		w.hot = map[string]wire.Held{}
		w.restart()
		w.run()
		w.pool.SetFunction(same)
		w.pool.SetFunction(changed)
		for _, ps := range w.live() {
			for _, p := range ps {
				w.pool.SetPod(p.pod.DeepCopy())
			}
		}
		w.pool.SetEnvironment(environmentOf("node", 2))
		w.pool.Synced()
		w.settle(5 * time.Second)
		if told := w.left(); !slices.Equal(told, []string{old.UID}) {
			t.Errorf("outdated are %v, want %s", told, old.UID)
		}
	})
}

func TestInputs_PodsStayWhenTheyAreGoneOrCannotBeRead(t *testing.T) {
	bubble(t, func(w *world) {
		t := w.t
		w.ready(2)
		f := keyed(w)
		old, err := w.pool.Claim(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		w.say(func(*v1.Function) (wire.Inputs, error) {
			return wire.Inputs{}, &wire.Failure{Reason: v1.ReasonSecretNotFound, Message: "gone"}
		})
		w.pool.InputsChanged("fn-f")
		w.settle(time.Minute)
		w.say(func(*v1.Function) (wire.Inputs, error) { return wire.Inputs{}, errors.New("the API server is away") })
		w.pool.InputsChanged("fn-f")
		w.settle(time.Minute)
		if told := w.left(); len(told) != 0 {
			t.Errorf("outdated: %v", told)
		}
		w.say(func(*v1.Function) (wire.Inputs, error) { return wire.Inputs{Digest: "2"}, nil })
		w.settle(time.Minute)
		if told := w.left(); !slices.Equal(told, []string{old.UID}) {
			t.Errorf("when it is there again, outdated are %v, want %s", told, old.UID)
		}
	})
}

func TestInputs_OfFunctionsWithoutPodsAreNotRead(t *testing.T) {
	bubble(t, func(w *world) {
		reads := 0
		w.ready(1)
		keyed(w)
		w.say(func(*v1.Function) (wire.Inputs, error) { reads++; return wire.Inputs{}, nil })
		w.pool.InputsChanged("fn-f")
		w.settle(time.Minute)
		if reads != 0 {
			w.t.Errorf("%d reads", reads)
		}
	})
}
