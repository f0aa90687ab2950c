package buildmgr

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/builder"
	"hotpod.dev/kube"
)

const (
	// byEnvironment and byContent are indexes of packages: by their environment's "namespace/name", and by what they were
	// built from.
	byEnvironment = "buildEnvironment"
	byContent     = "buildContent"
	// sweepEvery is how often idle builder pods are looked for.
	sweepEvery = 5 * time.Second
	// settle is what the informer gets to see how a build ended.
	settle = 100 * time.Millisecond
	// recheck is how soon a package is looked at again whose environment does not exist, in case no event tells.
	recheck = time.Minute
)

// Manager builds packages. Make it with New; it is safe for concurrent use.
type Manager struct {
	config   Config
	deps     Deps
	log      *slog.Logger
	records  records
	builders *builders
	events   *kube.Events
	metrics  *metrics
	loop     *kube.Loop
	slots    chan struct{} // holds one value for each build that runs

	packages     *kube.Informer[*v1.Package]
	environments *kube.Informer[*v1.Environment]

	mu sync.Mutex // guards all below
	// jobs are those under way, by package.
	jobs map[kube.Key]*job
	// seen are the versions at which builds ended, by UID: an older one in the informer says nothing of them yet.
	seen map[string]string
}

// New returns a manager that does nothing until Run. Call it before Deps.Cache runs.
func New(config Config, d Deps) (*Manager, error) {
	config.Pod.ControlKey = d.Signer.PublicKey()
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("check the configuration of builds: %w", err)
	}
	m := &Manager{
		config: config, deps: d, log: d.Log, records: records{clients: d.Clients}, builders: newBuilders(config, d),
		events: kube.NewEvents(d.Clients, "hotpod-buildmgr"), slots: make(chan struct{}, config.Builds),
		packages: d.Cache.Packages(), environments: d.Cache.Environments(),
		jobs: map[kube.Key]*job{}, seen: map[string]string{},
	}
	var err error
	if m.metrics, err = newMetrics(d.Registerer); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	m.loop = kube.NewLoop(kube.LoopConfig{Name: "build", Reconcile: m.reconcile, Log: d.Log})
	m.packages.Index(byEnvironment, func(p *v1.Package) []string { return []string{environmentKey(p).String()} })
	m.packages.Index(byContent, func(p *v1.Package) []string { return []string{p.Namespace + "/" + p.Status.ContentHash} })
	m.watch()
	return m, nil
}

func (m *Manager) watch() {
	m.packages.Watch(kube.Handler[*v1.Package]{
		Set: func(p *v1.Package) { m.loop.Add(kube.KeyOf(p)) },
		Delete: func(p *v1.Package) {
			m.forget(string(p.UID))
			m.loop.Add(kube.KeyOf(p))
		},
	})
	changed := func(e *v1.Environment) {
		for _, p := range m.packages.By(byEnvironment, kube.KeyOf(e).String()) {
			m.loop.Add(kube.KeyOf(p))
		}
	}
	m.environments.Watch(kube.Handler[*v1.Environment]{Set: changed, Delete: changed})
	m.builders.pods.Watch(kube.Handler[*corev1.Pod]{}) // so that a cache that is synced has them
}

// Run builds until ctx ends. The cache runs elsewhere.
func (m *Manager) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.events.Run(ctx) })
	group.Go(func() error {
		if m.deps.Cache.WaitSynced(ctx) != nil {
			return nil //nolint:nilerr // the process ends
		}
		m.resume()
		group.Go(func() error { return m.sweep(ctx) })
		return m.loop.Run(ctx)
	})
	err := group.Wait()
	m.wait()
	return err
}

// resume looks at every package; one that was handled while nobody led may be waiting.
func (m *Manager) resume() {
	for _, p := range m.packages.List() {
		m.loop.Add(kube.KeyOf(p))
	}
}

// wait returns when the jobs have ended, which have been told to.
func (m *Manager) wait() {
	m.mu.Lock()
	all := make([]chan struct{}, 0, len(m.jobs))
	for _, j := range m.jobs {
		all = append(all, j.done)
	}
	m.mu.Unlock()
	for _, done := range all {
		<-done
	}
}

func (m *Manager) sweep(ctx context.Context) error {
	for {
		m.builders.sweep(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(sweepEvery):
		}
	}
}

// reconcile begins the build of a package, or cancels it.
func (m *Manager) reconcile(ctx context.Context, key kube.Key) (time.Duration, error) {
	p, ok := m.packages.Get(key.Namespace, key.Name)
	if !ok || p.DeletionTimestamp != nil {
		m.stop(key, "the package was deleted")
		return 0, nil
	}
	e, err := m.environment(ctx, p)
	if err != nil {
		return 0, err
	}
	if e == nil {
		m.stop(key, "the environment was deleted")
		return m.waitForEnvironment(ctx, p)
	}
	hash := p.ContentHash(e)
	m.mu.Lock()
	defer m.mu.Unlock()
	j := m.jobs[key]
	switch {
	case j != nil && j.uid == p.UID && j.hash == hash:
		return 0, nil // on its way
	case j != nil:
		j.cancel(errSuperseded)
	}
	if !p.NeedsBuild(e) || kube.Older(p.ResourceVersion, m.seen[string(p.UID)]) {
		return 0, nil
	}
	m.begin(ctx, p, e, hash, j)
	return 0, nil
}

// begin starts a job after the one before. Call it with mu held.
func (m *Manager) begin(ctx context.Context, p *v1.Package, e *v1.Environment, hash string, before *job) {
	ctx, cancel := context.WithCancelCause(ctx)
	key := kube.KeyOf(p)
	j := &job{
		m: m, key: key, uid: p.UID, hash: hash, environment: e,
		forced: p.Status.ContentHash == hash && !p.Spec.Deployment.Empty(),
		cancel: cancel, done: make(chan struct{}), log: builder.NewLog(m.config.MaxLog),
	}
	if before != nil {
		j.after = before.done
	}
	m.jobs[key] = j
	go func() {
		defer cancel(nil)
		select {
		case m.slots <- struct{}{}:
			j.run(ctx)
			<-m.slots
		case <-ctx.Done():
		}
		m.mu.Lock()
		if m.jobs[key] == j {
			delete(m.jobs, key)
		}
		m.mu.Unlock()
		close(j.done)
		m.loop.AddAfter(key, settle)
	}()
}

func (m *Manager) stop(key kube.Key, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.jobs[key]; j != nil {
		j.cancel(fmt.Errorf("%w: %s", errSuperseded, why))
	}
}

// ended notes the version at which a build ended.
func (m *Manager) ended(p *v1.Package) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen[string(p.UID)] = p.ResourceVersion
}

func (m *Manager) forget(uid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.seen, uid)
}

func environmentKey(p *v1.Package) kube.Key {
	namespace := p.Spec.Environment.Namespace
	if namespace == "" {
		namespace = p.Namespace
	}
	return kube.Key{Namespace: namespace, Name: p.Spec.Environment.Name}
}

// environment returns the package's environment, nil when it does not exist. What the informer lacks is asked for live:
// objects that were applied together arrive in any order.
func (m *Manager) environment(ctx context.Context, p *v1.Package) (*v1.Environment, error) {
	key := environmentKey(p)
	if e, ok := m.environments.Get(key.Namespace, key.Name); ok || key.Name == "" {
		return e, nil
	}
	e, err := m.deps.Clients.Environments(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // as documented
	}
	if err != nil {
		return nil, fmt.Errorf("look up environment %s: %w", key, err)
	}
	return e, nil
}

// waitForEnvironment says what a package waits for that is to be built.
func (m *Manager) waitForEnvironment(ctx context.Context, p *v1.Package) (time.Duration, error) {
	if !p.NeedsBuild(nil) || p.Status.BuildStatus == v1.BuildFailed {
		return 0, nil
	}
	c := condition(metav1.ConditionUnknown, v1.ReasonEnvironmentNotFound,
		fmt.Sprintf("the build waits for environment %s, which does not exist", environmentKey(p)))
	for _, have := range p.Status.Conditions {
		if have.Type == c.Type && have.Message == c.Message && p.Status.BuildStatus == v1.BuildPending {
			return recheck, nil
		}
	}
	_, err := m.records.status(ctx, kube.KeyOf(p), p.UID, func(s *v1.PackageStatus, generation int64) {
		s.BuildStatus = v1.BuildPending
		say(s, c, generation)
	})
	return recheck, err
}

// twin returns a package of the namespace that was built from the same, nil when there is none. What has no digest is
// never the same.
func (m *Manager) twin(ctx context.Context, p *v1.Package, hash string) *v1.Package {
	if p.Spec.Source.Digest() == "" {
		return nil
	}
	for _, other := range m.packages.By(byContent, p.Namespace+"/"+hash) {
		if other.UID == p.UID || other.Status.BuildStatus != v1.BuildSucceeded || other.Spec.Deployment.Empty() {
			continue
		}
		live, err := m.records.get(ctx, kube.KeyOf(other), other.UID)
		if err == nil && live.Status.BuildStatus == v1.BuildSucceeded && live.Status.ContentHash == hash && !live.Spec.Deployment.Empty() &&
			live.Spec.Source.Digest() == p.Spec.Source.Digest() {
			return live
		}
	}
	return nil
}
