package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"

	"hotpod.dev/local/images"
	"hotpod.dev/local/node"
	"hotpod.dev/local/parts"
	"hotpod.dev/local/pki"
	"hotpod.dev/wire"
)

// plan renders the manifests for this platform's addresses.
func (p *Platform) plan() (*parts.Plan, error) {
	values := parts.Values{
		Addresses:  parts.Addresses(p.network.cidr()),
		RouterPort: p.state.get().RouterPort, InternalPort: wire.PortInternal,
		APIServer: p.server(), NodeIP: p.network.node(), DataDir: p.config.Dir,
	}
	objects, err := parts.Render(p.config.Manifests, values)
	if err != nil {
		return nil, err
	}
	for i, port := range p.state.get().MoreRouterPorts {
		values.Addresses, values.RouterPort = parts.TwinAddresses(p.network.cidr(), i+2), port
		twins, err := parts.RenderTwin(p.config.Manifests, values, fmt.Sprintf("-%d", i+2))
		if err != nil {
			return nil, err
		}
		objects = append(objects, twins...)
	}
	return parts.NewPlan(objects)
}

// startParts starts the node, applies the manifests, and starts the parts. The node comes first, so that pods of an
// earlier start come back while the rest goes on. When the manifests are those of the last time, their objects are
// there, and applying them again can wait until the parts have had the processors.
func (p *Platform) startParts(ctx context.Context, plan *parts.Plan) error {
	agent, err := p.startNode(ctx)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(p.creds.client(certAdmin))
	if err != nil {
		return err
	}
	last, err := readApplied(p.layout)
	if err != nil {
		p.log.Warn("list of applied objects not readable, nothing is pruned", "error", err)
	}
	same := p.known && last.Hash == plan.Hash()
	if !same {
		if err := p.apply(ctx, plan, last); err != nil {
			return err
		}
	}
	settled := make(chan struct{})
	defer close(settled)
	if same {
		p.applyLater(ctx, plan, last, settled)
	}
	return p.runParts(ctx, plan, agent, client)
}

// applyLater applies the plan when the parts are settled, or soon in any case: they may wait for an object that somebody
// has deleted.
func (p *Platform) applyLater(ctx context.Context, plan *parts.Plan, last applied, settled <-chan struct{}) {
	const soon = 5 * time.Second
	p.children = append(p.children, spawn(ctx, "apply", func(ctx context.Context) error {
		select {
		case <-settled:
		case <-time.After(soon):
		case <-ctx.Done():
			return nil
		}
		if err := p.apply(ctx, plan, last); err != nil && ctx.Err() == nil {
			p.log.Error("manifests not applied", "error", err)
		}
		return nil
	}))
}

// runParts hands the parts over to the node and waits until they are ready.
func (p *Platform) runParts(ctx context.Context, plan *parts.Plan, agent *node.Agent, client kubernetes.Interface) error {
	pods, files, err := plan.StaticPods(parts.Options{
		NodeName: nodeName, Dir: p.layout.Parts(), Addresses: parts.Addresses(p.network.cidr()), Env: p.tracingEnv(),
	})
	if err != nil {
		return err
	}
	if err := os.RemoveAll(p.layout.Parts()); err != nil {
		return err
	}
	if err := p.writeFiles(ctx, client, files); err != nil {
		return err
	}
	p.renewed = files
	for _, port := range p.ports() { // the API server's is long in use
		port.handOver()
	}
	agent.SetStatic(pods)
	return waitParts(ctx, client, pods, p.began, p.node)
}

func (p *Platform) startNode(ctx context.Context) (*node.Agent, error) {
	store := p.creds.store
	agent, err := node.New(node.Config{
		NodeName: nodeName, Client: p.creds.client(certNode), Scheduler: p.creds.client(certScheduler),
		Dir: p.layout.Node(), Hide: []string{p.config.Dir}, CIDR: p.network.cidr(),
		Images: p.resolver(), PodInit: filepath.Join(p.config.Programs, "hotpod-pod-init"),
		StreamAddr: p.network.stream(), ServerCert: store.CertFile(certKubelet), ServerKey: store.KeyFile(certKubelet),
		ClientCA: store.CertFile("ca"), Env: p.serviceEnv(), Path: p.config.Path, Log: p.log.With("part", "node"),
	})
	if err != nil {
		return nil, fmt.Errorf("make the node: %w", err)
	}
	p.node = spawn(ctx, "node", agent.Run)
	p.children = append(p.children, p.node)
	return agent, nil
}

// resolver finds images in the checkout, among those added by hand, and Hotpod's own programs.
func (p *Platform) resolver() *images.Resolver {
	return &images.Resolver{
		Environments: p.config.Environments, Programs: []string{p.config.Programs},
		Extra: map[string]string{"envoyproxy/envoy": p.envoy.Path, "hotpod/envoy": p.envoy.Path},
		Added: images.NewRegistry(p.layout.Images()), BuilderEnv: p.config.BuilderEnv, BuilderCache: p.layout.BuilderCache(),
	}
}

// serviceEnv are the variables by which programs in any cluster find the API server.
func (p *Platform) serviceEnv() []corev1.EnvVar {
	port := strconv.Itoa(p.state.get().APIServerPort)
	return []corev1.EnvVar{
		{Name: "KUBERNETES_SERVICE_HOST", Value: "127.0.0.1"},
		{Name: "KUBERNETES_SERVICE_PORT", Value: port},
		{Name: "KUBERNETES_SERVICE_PORT_HTTPS", Value: port},
	}
}

// applied is what was applied the last time.
type applied struct {
	Hash    string            `json:"hash"`
	Objects []parts.Reference `json:"objects"`
}

func readApplied(l Layout) (applied, error) {
	var last applied
	text, err := os.ReadFile(l.Applied())
	if errors.Is(err, fs.ErrNotExist) {
		return last, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	return last, err
}

// apply writes the plan's objects and deletes what the last plan had besides.
func (p *Platform) apply(ctx context.Context, plan *parts.Plan, last applied) error {
	applier, err := parts.NewApplier(p.creds.client(certAdmin))
	if err != nil {
		return err
	}
	start := time.Now()
	if err := applier.Apply(ctx, plan); err != nil {
		return err
	}
	now := applied{Hash: plan.Hash(), Objects: plan.References()}
	if err := applier.Prune(ctx, last.Objects, now.Objects); err != nil {
		return err
	}
	p.log.Info("manifests applied", "objects", len(now.Objects), "after_ms", time.Since(start).Milliseconds())
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return pki.WriteFile(p.layout.Applied(), text, 0o600)
}

// writeFiles writes what the static pods mount. It is repeated before the tokens among it end.
func (p *Platform) writeFiles(ctx context.Context, client kubernetes.Interface, files []parts.Files) error {
	ca, err := p.creds.authority()
	if err != nil {
		return err
	}
	w := parts.Writer{Client: client, Server: p.server(), CA: ca}
	group, ctx := errgroup.WithContext(ctx)
	for _, f := range files {
		group.Go(func() error { return w.Write(ctx, f) })
	}
	return group.Wait()
}

// tracingEnv hands the standard variables that switch traces on to the parts; the autoscaler hands them on to pods.
func (p *Platform) tracingEnv() []corev1.EnvVar {
	if p.config.Toolchain.Getenv == nil {
		return nil
	}
	var env []corev1.EnvVar
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS",
		"OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG", "OTEL_SDK_DISABLED",
	} {
		if value := p.config.Toolchain.Getenv(name); value != "" {
			env = append(env, corev1.EnvVar{Name: name, Value: value})
		}
	}
	return env
}
