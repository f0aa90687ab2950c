package feed

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"hotpod.dev/wire"
)

const (
	demandService   = "hotpod.v1.Demand"
	functionService = "hotpod.v1.FunctionStatus"
	routeService    = "hotpod.v1.RouteStatus"
	poolService     = "hotpod.v1.PoolStatus"
	method          = "Stream"

	// aliveEvery is how often an idle connection is probed, so that a peer that vanished is noticed.
	aliveEvery = 10 * time.Second
	// maxRetry bounds the back-off between attempts to connect: after an outage nobody waits longer than this.
	maxRetry = 500 * time.Millisecond
	// maxMessage bounds a message in bytes: a Placement of a function with thousands of pods.
	maxMessage = 16 << 20
)

type (
	// DemandServer is the autoscaler's end of an activator's stream.
	DemandServer = grpc.BidiStreamingServer[wire.Demand, wire.Placement]
	// DemandClient is the activator's end.
	DemandClient = grpc.BidiStreamingClient[wire.Demand, wire.Placement]
)

// NewServer returns a gRPC server that speaks the package's codec to those who ask for it, so that other
// services (discovery) can share the port.
func NewServer(opts ...grpc.ServerOption) *grpc.Server {
	return grpc.NewServer(append([]grpc.ServerOption{
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: aliveEvery, Timeout: aliveEvery}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: aliveEvery / 2, PermitWithoutStream: true}),
		grpc.MaxRecvMsgSize(maxMessage),
	}, opts...)...)
}

// Dial returns a connection to addr that is made when first needed and made again whenever it breaks. Several
// addresses, apart by commas, are those of replicas of which one listens.
func Dial(addr string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dialFirst),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: aliveEvery, Timeout: aliveEvery, PermitWithoutStream: true}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxRetry},
			MinConnectTimeout: 2 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(codec{}), grpc.MaxCallRecvMsgSize(maxMessage), grpc.WaitForReady(true)),
	}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return conn, nil
}

// ServerCodec is the option for servers that serve only this package's services.
func ServerCodec() grpc.ServerOption { return grpc.ForceServerCodec(codec{}) }

// RegisterDemand serves activators' demand streams by handle, which returns when the stream is over.
func RegisterDemand(r grpc.ServiceRegistrar, handle func(DemandServer) error) {
	register(r, demandService, func(_ any, s grpc.ServerStream) error {
		return handle(&grpc.GenericServerStream[wire.Demand, wire.Placement]{ServerStream: s})
	})
}

// statusPause is how long changes of functions are gathered: a function that starts changes several times in some
// milliseconds, and telling of each would take processors from it.
const statusPause = 150 * time.Millisecond

// RegisterFunctionStatus serves topic to whoever watches functions, soon after a change.
func RegisterFunctionStatus(r grpc.ServiceRegistrar, topic *Topic[wire.FunctionStatus]) {
	register(r, functionService, serve(topic, statusPause))
}

// RegisterRouteStatus serves topic to whoever watches routes.
func RegisterRouteStatus(r grpc.ServiceRegistrar, topic *Topic[wire.RouteStatus]) {
	register(r, routeService, serve(topic, 0))
}

// RegisterPoolStatus serves topic to whoever watches pools, soon after a change.
func RegisterPoolStatus(r grpc.ServiceRegistrar, topic *Topic[wire.PoolStatus]) {
	register(r, poolService, serve(topic, statusPause))
}

// OpenDemand opens a demand stream; it ends with ctx.
func OpenDemand(ctx context.Context, conn *grpc.ClientConn) (DemandClient, error) {
	s, err := open(ctx, conn, demandService)
	if err != nil {
		return nil, err
	}
	return &grpc.GenericClientStream[wire.Demand, wire.Placement]{ClientStream: s}, nil
}

// WatchFunctionStatus calls each for every value until the stream breaks or ctx ends; callers call it again.
func WatchFunctionStatus(ctx context.Context, conn *grpc.ClientConn, each func(wire.FunctionStatus)) error {
	return watch(ctx, conn, functionService, each)
}

// WatchRouteStatus calls each for every value until the stream breaks or ctx ends; callers call it again.
func WatchRouteStatus(ctx context.Context, conn *grpc.ClientConn, each func(wire.RouteStatus)) error {
	return watch(ctx, conn, routeService, each)
}

// WatchPoolStatus calls each for every value until the stream breaks or ctx ends; callers call it again.
func WatchPoolStatus(ctx context.Context, conn *grpc.ClientConn, each func(wire.PoolStatus)) error {
	return watch(ctx, conn, poolService, each)
}

func register(r grpc.ServiceRegistrar, service string, handler grpc.StreamHandler) {
	r.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName: method, Handler: handler, ServerStreams: true, ClientStreams: true,
		}},
	}, nil)
}

// serve sends the values of topic and their changes, the newest of each key, pause after the first of them.
func serve[T any](topic *Topic[T], pause time.Duration) grpc.StreamHandler {
	return func(_ any, s grpc.ServerStream) error {
		sub := topic.Subscribe()
		defer sub.Close()
		for {
			if err := sub.gather(s.Context(), pause); err != nil {
				return err
			}
			for v, ok := sub.take(); ok; v, ok = sub.take() {
				if err := s.SendMsg(&v); err != nil {
					return err
				}
			}
		}
	}
}

func open(ctx context.Context, conn *grpc.ClientConn, service string) (grpc.ClientStream, error) {
	desc := &grpc.StreamDesc{StreamName: method, ServerStreams: true, ClientStreams: true}
	s, err := conn.NewStream(ctx, desc, "/"+service+"/"+method)
	if err != nil {
		return nil, fmt.Errorf("open %s stream: %w", service, err)
	}
	return s, nil
}

func watch[T any](ctx context.Context, conn *grpc.ClientConn, service string, each func(T)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := open(ctx, conn, service)
	if err != nil {
		return err
	}
	if err := s.CloseSend(); err != nil {
		return fmt.Errorf("watch %s: %w", service, err)
	}
	for {
		var v T
		if err := s.RecvMsg(&v); err != nil {
			return fmt.Errorf("watch %s: %w", service, err)
		}
		each(v)
	}
}
