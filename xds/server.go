package xds

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	servicelogv3 "github.com/envoyproxy/go-control-plane/envoy/service/accesslog/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

const (
	// holdOff is how long a change of routes waits for more, maxHoldOff how long at most.
	holdOff    = 5 * time.Millisecond
	maxHoldOff = 50 * time.Millisecond
)

// Server serves discovery. Its methods are safe for concurrent use.
type Server struct {
	discoveryv3.UnimplementedAggregatedDiscoveryServiceServer

	config  Config
	world   *world
	catalog *catalog
	tracker *tracker
	metrics *metrics

	dirty  chan struct{} // has one element when the route tables are to be rebuilt
	synced chan struct{} // closed by Synced
	open   chan struct{} // closed when Envoys may be answered
	once   sync.Once

	// Only build uses what follows: the table before, and the scopes that were made of it.
	before    *table
	functions map[Key]Function
	public    scopes[claim]
	internal  scopes[entry]
	services  scopes[hostname]
	names     []item[entry]
	tables    [3][]*resource
}

// New returns a server that knows nothing yet.
func New(c Config) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configure xds: %w", err)
	}
	c = c.withDefaults()
	s := &Server{
		config: c, world: newWorld(), tracker: newTracker(c.Patience),
		public: scopes[claim]{listener: tablePublic, division: publicDivision()}, internal: scopes[entry]{listener: tableInternal, division: internalDivision()},
		services: scopes[hostname]{listener: tableServices, division: internalDivision()},
		dirty:    make(chan struct{}, 1), synced: make(chan struct{}), open: make(chan struct{}),
	}
	s.catalog = newCatalog(map[string]func(string) *resource{
		typeCluster: s.world.cluster, typeEndpoint: s.world.endpoints,
	}, s)
	var err error
	if s.metrics, err = newMetrics(c.Registerer, s.tracker.count); err != nil {
		return nil, fmt.Errorf("register metrics of xds: %w", err)
	}
	return s, nil
}

// SetRoute takes a new or changed route.
func (s *Server) SetRoute(t *v1.HTTPTrigger) {
	d := declared{uid: string(t.UID), generation: t.Generation}
	d.route, d.err = ParseRoute(t)
	s.world.setRoute(Key{t.Namespace, t.Name}, d)
	s.rebuild()
}

// DeleteRoute forgets a route.
func (s *Server) DeleteRoute(namespace, name string) {
	s.world.deleteRoute(Key{namespace, name})
	s.rebuild()
}

// SetFunction takes a new or changed function.
func (s *Server) SetFunction(f *v1.Function) {
	function := FunctionOf(f)
	if s.world.setFunction(function) {
		s.catalog.touch(typeCluster, function.ID.UID)
		s.catalog.touch(typeEndpoint, function.ID.UID)
		s.rebuild()
	}
}

// DeleteFunction forgets a function: its routes go first, then its cluster.
func (s *Server) DeleteFunction(id wire.FunctionID) {
	s.world.deleteFunction(id)
	s.metrics.faults.forget(id)
	s.rebuild()
}

// SetPod takes a new or changed pod: an environment pod, which counts while it is hot, or an activator's, which
// counts while it is ready. Others are ignored.
func (s *Server) SetPod(p *corev1.Pod) {
	pod, ok := PodOf(p)
	if !ok {
		s.DeletePod(string(p.UID))
		return
	}
	s.touchEndpoints(s.world.setPod(pod))
}

// DeletePod forgets a pod; it may be unknown.
func (s *Server) DeletePod(uid string) { s.touchEndpoints(s.world.deletePod(uid)) }

// Synced says that everything which exists was delivered once. Before, no Envoy is answered.
func (s *Server) Synced() { s.once.Do(func() { close(s.synced) }) }

// Ready returns nil when Envoys are answered.
func (s *Server) Ready() error {
	select {
	case <-s.open:
		return nil
	default:
		return errors.New("waiting for the first list of routes, functions and pods")
	}
}

// Statuses is what became of each route, keyed by "namespace/name".
func (s *Server) Statuses() *feed.Topic[wire.RouteStatus] { return s.tracker.topic }

// Register adds the discovery service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(r, s)
	if s.config.Timelines != nil {
		servicelogv3.RegisterAccessLogServiceServer(r, timelineServer{keep: s.config.Timelines, faults: s.metrics.faults})
	}
}

// Run rebuilds the route tables and publishes statuses until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	select {
	case <-s.synced:
	case <-ctx.Done():
		return nil
	}
	var all []*resource
	for _, l := range listeners(s.config) {
		all = append(all, newResource(l.Name, l))
	}
	s.catalog.replace(typeListener, all)
	s.build()
	close(s.open)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.dirty:
			s.gather(ctx)
			s.build()
		case <-s.tracker.changed:
		case <-timer.C:
		}
		if again := s.tracker.publish(time.Now()); again > 0 {
			timer.Reset(again)
		}
	}
}

// gather waits for the changes that come together with one.
func (s *Server) gather(ctx context.Context) {
	end := time.NewTimer(maxHoldOff)
	defer end.Stop()
	for {
		quiet := time.NewTimer(holdOff)
		select {
		case <-s.dirty:
			quiet.Stop()
			continue
		case <-quiet.C:
		case <-end.C:
		case <-ctx.Done():
		}
		quiet.Stop()
		return
	}
}

func (s *Server) rebuild() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

func (s *Server) touchEndpoints(functions []string, all bool) {
	if all {
		s.catalog.touchAll(typeEndpoint)
	}
	s.catalog.touch(typeEndpoint, functions...)
}

// DeltaAggregatedResources serves one Envoy until it goes.
func (s *Server) DeltaAggregatedResources(g grpc.BidiStreamingServer[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse]) error {
	select {
	case <-s.open:
	case <-g.Context().Done():
		return g.Context().Err()
	}
	stream := newStream(s.catalog)
	s.catalog.join(stream)
	s.metrics.envoys.Inc()
	defer s.metrics.envoys.Dec()
	defer s.catalog.leave(stream)
	ended := make(chan error, 1)
	go func() { ended <- s.receive(g, stream) }()
	for {
		select {
		case err := <-ended:
			return err
		case <-g.Context().Done():
			return status.FromContextError(g.Context().Err()).Err()
		case <-stream.wake:
		}
		if err := s.send(g, stream); err != nil {
			return err
		}
	}
}

func (s *Server) receive(g grpc.BidiStreamingServer[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse], stream *stream) error {
	for {
		req, err := g.Recv()
		if err != nil {
			return err
		}
		if req.TypeUrl == "" {
			return status.Error(codes.InvalidArgument, "a request without a type")
		}
		s.catalog.mu.Lock()
		stream.receive(req)
		s.catalog.mu.Unlock()
	}
}

// send sends all that is to be sent now.
func (s *Server) send(g grpc.BidiStreamingServer[discoveryv3.DeltaDiscoveryRequest, discoveryv3.DeltaDiscoveryResponse], stream *stream) error {
	for {
		s.catalog.mu.Lock()
		res := stream.next()
		s.catalog.mu.Unlock()
		if res == nil {
			return nil
		}
		s.metrics.sent.WithLabelValues(short(res.TypeUrl)).Add(float64(len(res.Resources) + len(res.RemovedResources)))
		if err := g.Send(res); err != nil {
			return err
		}
	}
}

// acknowledged implements events.
func (s *Server) acknowledged(stream *stream, kind string, number uint64) {
	if kind == typeScope {
		s.tracker.acknowledge(stream, number)
	}
}

// refused implements events.
func (s *Server) refused(stream *stream, kind string, names []string, reason string) {
	s.metrics.refusals.WithLabelValues(short(kind)).Inc()
	s.config.Log.Error("an Envoy refused resources, it keeps the ones before", "node", stream.node, "type", short(kind), "names", names, "reason", reason)
	if kind == typeScope {
		s.tracker.refuse(fmt.Sprintf("Envoy %s refused the route table: %s", stream.node, reason))
	}
}

// closed implements events.
// awaited announces the request for which an Envoy waits. Functions with hot pods need nobody's attention.
func (s *Server) awaited(kind, name string) {
	if kind != typeCluster || s.config.Announce == nil {
		return
	}
	if id, cold := s.world.cold(name); cold {
		s.config.Announce(id)
	}
}

func (s *Server) closed(stream *stream) { s.tracker.forget(stream) }
