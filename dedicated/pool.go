package dedicated

import (
	"context"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/pool"
	"hotpod.dev/wire"
)

// Pool makes and ends the pods of functions that have their own. Make it with New; all methods are safe for concurrent
// use.
type Pool struct {
	cfg  pool.Config
	pods *pool.Pool

	mu           sync.Mutex                 // guards all below, and the order in which templates are set
	environments map[string]*v1.Environment // by "namespace/name"
	functions    map[string]*v1.Function    // those with pods of their own, by UID
}

// New returns a pool that does nothing before Run.
func New(cfg pool.Config, deps pool.Deps) (*Pool, error) {
	cfg.Own = true
	pods, err := pool.New(cfg, deps)
	if err != nil {
		return nil, err
	}
	return &Pool{
		cfg: cfg, pods: pods, environments: map[string]*v1.Environment{}, functions: map[string]*v1.Function{},
	}, nil
}

// Run does what has to be done outside of memory, until ctx ends. It returns when all it started has ended.
func (p *Pool) Run(ctx context.Context) error { return p.pods.Run(ctx) }

// Synced says that every environment, function and pod that exists was set. Nothing is created or deleted, and no
// claim is served, before.
func (p *Pool) Synced() { p.pods.Synced() }

// Claim makes a hot pod for f and returns it. It blocks until then, or until ctx ends. The error is a *wire.Failure when
// the cause is known.
func (p *Pool) Claim(ctx context.Context, f *v1.Function) (wire.HotPod, error) {
	return p.pods.Claim(ctx, f)
}

// Drain takes a hot pod out of use, see pool.Pool.
func (p *Pool) Drain(ctx context.Context, podUID string, deadline time.Duration) error {
	return p.pods.Drain(ctx, podUID, deadline)
}

// SetPod makes a pod known, or what changed of it. Those of the environments' pools are ignored.
func (p *Pool) SetPod(pod *corev1.Pod) { p.pods.SetPod(pod) }

// DeletePod says that a pod is no more.
func (p *Pool) DeletePod(uid string) { p.pods.DeletePod(uid) }

// InputsChanged says that a Secret or ConfigMap that the function names may have changed, see pool.Pool.
func (p *Pool) InputsChanged(functionUID string) { p.pods.InputsChanged(functionUID) }

// SetFunction makes a function known, or its new generation. A function that has no pods of its own any more keeps those
// it has until they are drained. One of another shard is ignored.
func (p *Pool) SetFunction(f *v1.Function) {
	if !p.cfg.Shard.Has(string(f.UID)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods.SetFunction(f)
	if f.Executor() == v1.ExecutorPool {
		delete(p.functions, string(f.UID))
		return
	}
	before := p.functions[string(f.UID)]
	p.functions[string(f.UID)] = f
	if before == nil || before.Generation != f.Generation {
		p.retemplate(f)
	}
}

// DeleteFunction drains all pods of a function.
func (p *Pool) DeleteFunction(id wire.FunctionID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pods.DeleteFunction(id)
	delete(p.functions, id.UID)
	key := v1.OwnPoolPrefix + id.Namespace + "/" + id.Name
	for _, f := range p.functions {
		if f.OwnPool() == key {
			return // made again already, with another UID
		}
	}
	p.pods.DeleteEnvironment(key)
}

// SetEnvironment makes an environment known, or what changed in it: new pods of its functions are made from it.
func (p *Pool) SetEnvironment(e *v1.Environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := e.Namespace + "/" + e.Name
	p.environments[key] = e
	p.retemplateAll(key)
}

// DeleteEnvironment says that an environment is no more. Its functions get no new pods; those that are hot go on.
func (p *Pool) DeleteEnvironment(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.environments, key)
	p.retemplateAll(key)
}

// The rest of this file is called with mu held.

func (p *Pool) retemplateAll(environment string) {
	for _, f := range p.functions {
		if f.Executor() == v1.ExecutorNewDeploy && f.EnvironmentKey() == environment {
			p.retemplate(f)
		}
	}
}

// retemplate tells the pool what the function's pods are made from.
func (p *Pool) retemplate(f *v1.Function) {
	stand := &v1.Environment{}
	stand.Namespace, stand.Name, stand.UID = f.Namespace, f.Name, f.UID
	if f.Executor() == v1.ExecutorContainer {
		template, err := container(f, p.cfg)
		p.pods.SetTemplate(f.OwnPool(), stand, template, err)
		return
	}
	e := p.environments[f.EnvironmentKey()]
	if e != nil {
		stand.Spec.Version, stand.Spec.KeepArchive = e.Spec.Version, e.Spec.KeepArchive
	}
	template, err := newDeploy(f, e, p.cfg)
	p.pods.SetTemplate(f.OwnPool(), stand, template, err)
}
