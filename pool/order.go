package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// order is a claim with everything that a pod has to be told.
type order struct {
	environment string
	held        wire.Held
	request     *wire.SpecializeRequest
	assignment  *wire.Assignment
}

// prepare collects what a pod needs for f, before a pod is spent on it.
func (p *Pool) prepare(ctx context.Context, f *v1.Function) (*order, error) {
	if own := f.Executor() != v1.ExecutorPool; own != p.cfg.Own {
		return nil, &wire.Failure{Reason: v1.ReasonExecutorUnsupported, Message: fmt.Sprintf(
			"executor type %q is not available here", f.Executor())}
	}
	e, failure := p.environmentFor(ctx, f)
	if failure != nil {
		return nil, failure
	}
	request, err := p.request(ctx, f, e)
	if err != nil {
		return nil, err
	}
	o := &order{environment: f.PoolKey(), held: request.Held, request: request, assignment: assignment(f)}
	o.assignment.Held = o.held
	return o, nil
}

// unknownGrace is how long a claim waits for an environment that was not told of: whoever made it and called a function
// right away was faster than the watch.
const unknownGrace = time.Second

// environmentFor returns the function's environment object, or why the function cannot be called.
func (p *Pool) environmentFor(ctx context.Context, f *v1.Function) (*v1.Environment, *wire.Failure) {
	late := time.NewTimer(unknownGrace)
	defer late.Stop()
	for {
		e, failure, arrived := p.lookUp(f)
		if e != nil || failure != nil {
			return e, failure
		}
		select {
		case <-arrived:
			continue
		case <-late.C:
		case <-ctx.Done():
		}
		return nil, NotFound(f.PoolKey())
	}
}

// lookUp is environmentFor without patience: of an environment that is not known it says when another arrives.
func (p *Pool) lookUp(f *v1.Function) (*v1.Environment, *wire.Failure, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	uid := string(f.UID)
	if _, ok := p.functions[uid]; !ok {
		p.functions[uid] = known(f)
		p.setInputs(f)
	}
	e := p.environments[f.PoolKey()]
	switch {
	case e == nil || e.object == nil:
		return nil, nil, p.arrived
	case e.invalid != nil:
		return nil, e.invalid, nil
	}
	if failure := p.recall(uid, f.Generation, time.Now()); failure != nil {
		return nil, failure, nil
	}
	return e.object, nil, nil
}

func (p *Pool) request(ctx context.Context, f *v1.Function, e *v1.Environment) (*wire.SpecializeRequest, error) {
	inputs, err := p.inputsOf(ctx, f)
	if err != nil {
		return nil, err
	}
	if f.Executor() == v1.ExecutorContainer { // its code is in its image
		return &wire.SpecializeRequest{Held: heldWith(f, inputs)}, nil
	}
	if f.PackageKey() == "" {
		return nil, &wire.Failure{Reason: v1.ReasonPackageNotFound, Message: fmt.Sprintf(
			"function %s/%s names no package; set spec.package.packageref", f.Namespace, f.Name)}
	}
	code, err := p.deps.Codes.Code(ctx, f.PackageKey(), f.Spec.Package.PackageRef.ResourceVersion)
	if err != nil {
		return nil, fmt.Errorf("get code of package %s: %w", f.PackageKey(), err)
	}
	code.KeepArchive = e.Spec.KeepArchive
	metadata, err := metadata(f)
	if err != nil {
		return nil, err
	}
	return &wire.SpecializeRequest{
		Held:          heldWith(f, inputs),
		EnvVersion:    e.Spec.Version,
		EntryPoint:    f.Spec.Package.FunctionName,
		Code:          code,
		Files:         inputs.Files,
		Env:           inputs.Env,
		Metadata:      metadata,
		TimeoutMillis: f.HoldTimeout().Milliseconds(),
	}, nil
}

func heldWith(f *v1.Function, in wire.Inputs) wire.Held {
	return wire.Held{Function: functionID(f), Generation: f.Generation, Inputs: in.Digest}
}

// metadata is the function's ObjectMeta without what only API clients need.
func metadata(f *v1.Function) (json.RawMessage, error) {
	meta := f.ObjectMeta
	meta.ManagedFields = []metav1.ManagedFieldsEntry(nil)
	b, err := json.Marshal(meta)
	if err != nil {
		return nil, fmt.Errorf("encode metadata of function %s/%s: %w", f.Namespace, f.Name, err)
	}
	return b, nil
}

func assignment(f *v1.Function) *wire.Assignment {
	a := &wire.Assignment{
		Held:               wire.Held{Function: functionID(f), Generation: f.Generation},
		ResourceVersion:    f.ResourceVersion,
		Limit:              f.RequestsPerPod(),
		Once:               f.Spec.OnceOnly,
		RunTimeoutMillis:   f.RunTimeout().Milliseconds(),
		QueueTimeoutMillis: f.HoldTimeout().Milliseconds(),
	}
	if s := f.Spec.Streaming; s != nil {
		a.Streaming = true
		a.StreamIdleMillis = int64(s.IdleTimeoutSeconds) * 1000
		if s.IdleTimeoutSeconds == 0 {
			a.StreamIdleMillis = streamIdleDefault.Milliseconds()
		}
		a.StreamMaxMillis = int64(s.MaxDurationSeconds) * 1000
	}
	return a
}

// streamIdleDefault is what a streaming function gets that names no idle timeout.
const streamIdleDefault = time.Minute
