package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// justRead is for how long after its inputs were read a function counts as used: a claim goes on.
const justRead = time.Minute

// inputs are what is known of the Secrets and ConfigMaps that a function names. The pool's lock guards it.
type inputs struct {
	object *v1.Function
	// digest is what they were at read, zero before they were read.
	digest string
	read   time.Time
	// checking says that a job reads them, again that it has to do so once more.
	checking, again bool
}

// InputsChanged says that a Secret or ConfigMap that the function names may have changed: pods that have older contents
// are outdated. It reads them only when the function has pods.
func (p *Pool) InputsChanged(functionUID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checkInputs(functionUID)
}

// inputsOf returns what the function gets besides its code.
func (p *Pool) inputsOf(ctx context.Context, f *v1.Function) (wire.Inputs, error) {
	if !f.UsesFiles() && len(f.Spec.Env) == 0 {
		return wire.Inputs{}, nil
	}
	begun := time.Now()
	in, err := p.deps.Inputs.Inputs(ctx, f)
	if err != nil {
		return in, fmt.Errorf("get secrets and config maps of function %s/%s: %w", f.Namespace, f.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.learn(f, in.Digest, begun)
	return in, nil
}

// The rest of this file is called with mu held.

// setInputs notes a function's present generation.
func (p *Pool) setInputs(f *v1.Function) {
	uid := string(f.UID)
	switch in := p.inputs[uid]; {
	case !f.UsesFiles():
		delete(p.inputs, uid)
	case in != nil && in.object.Generation == f.Generation:
		in.object = f
	default:
		p.inputs[uid] = &inputs{object: f}
	}
}

// learn notes what a function's inputs were at a time, and has pods replaced that have others.
func (p *Pool) learn(f *v1.Function, digest string, at time.Time) {
	in := p.inputs[string(f.UID)]
	if in == nil || in.object.Generation != f.Generation || !at.After(in.read) {
		return
	}
	changed := !in.read.IsZero() && in.digest != digest
	in.digest, in.read = digest, at
	e := p.environments[f.PoolKey()]
	if e == nil {
		return
	}
	for _, m := range e.members {
		switch {
		case m.state == Hot && p.stale(m):
			e.unrolled = true
			p.touch(e)
		case changed && p.cfg.Own && m.idle(): // its containers may have started with the old ones
			m.unfit = true
			p.touch(e)
		}
	}
}

// stale reports whether the pod holds older inputs than its function's.
func (p *Pool) stale(m *member) bool {
	in := p.inputs[m.held.Function.UID]
	return in != nil && !in.read.IsZero() && in.object.Generation == m.held.Generation && in.digest != m.held.Inputs
}

// checkInputs has a function's inputs read anew, if it has pods or is about to.
func (p *Pool) checkInputs(uid string) {
	in := p.inputs[uid]
	switch {
	case in == nil || !p.uses(in):
	case in.checking:
		in.again = true
	default:
		in.checking = true
		p.enqueue(func(ctx context.Context) { p.readInputs(ctx, in) })
	}
}

func (p *Pool) uses(in *inputs) bool {
	if time.Since(in.read) < justRead {
		return true
	}
	e := p.environments[in.object.PoolKey()]
	return e != nil && (e.shares[string(in.object.UID)] > 0 || p.cfg.Own && len(e.members) > 0)
}

// readInputs is called without mu. Inputs that are missing now leave the pods alone: they have all they need.
func (p *Pool) readInputs(ctx context.Context, in *inputs) {
	uid := string(in.object.UID)
	present := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		in.again = false
		return p.inputs[uid] == in
	}
	p.persist(ctx, present, func(ctx context.Context) error {
		p.mu.Lock()
		object := in.object
		p.mu.Unlock()
		_, err := p.inputsOf(ctx, object)
		if failure := (*wire.Failure)(nil); errors.As(err, &failure) {
			p.deps.Log.Info("function keeps the inputs that its pods have", "function", uid, "reason", failure.Reason)
			return nil
		}
		return err
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	in.checking = false
	if in.again && ctx.Err() == nil {
		p.checkInputs(uid)
	}
}
