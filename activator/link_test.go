package activator

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"hotpod.dev/feed"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

// fakeAutoscaler keeps what activators say, and answers when told to.
type fakeAutoscaler struct {
	heard chan wire.Demand

	mu     sync.Mutex
	stream feed.DemandServer
	server *grpc.Server
	lis    *bufconn.Listener
}

func newAutoscaler(t *testing.T) *fakeAutoscaler {
	t.Helper()
	f := &fakeAutoscaler{heard: make(chan wire.Demand, 1000)}
	f.start()
	t.Cleanup(func() { f.current().Stop() })
	return f
}

// start serves on a new listener, as a restarted autoscaler does.
func (f *fakeAutoscaler) start() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lis = bufconn.Listen(1 << 20)
	f.server = feed.NewServer(feed.ServerCodec())
	feed.RegisterDemand(f.server, func(s feed.DemandServer) error {
		f.mu.Lock()
		f.stream = s
		f.mu.Unlock()
		for {
			d, err := s.Recv()
			if err != nil {
				return err
			}
			f.heard <- *d
		}
	})
	lis, srv := f.lis, f.server
	go func() { _ = srv.Serve(lis) }()
}

func (f *fakeAutoscaler) current() *grpc.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.server
}

func (f *fakeAutoscaler) dial(ctx context.Context, _ string) (net.Conn, error) {
	f.mu.Lock()
	lis := f.lis
	f.mu.Unlock()
	return lis.DialContext(ctx)
}

func (f *fakeAutoscaler) say(t *testing.T, p wire.Placement) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.stream.Send(&p); err != nil {
		t.Fatal(err)
	}
}

// want waits until an activator says that n requests wait.
func (f *fakeAutoscaler) want(t *testing.T, n int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		select {
		case d := <-f.heard:
			if d.Function != helloID {
				t.Fatalf("demand of %v", d.Function)
			}
			if d.Waiting == n {
				return
			}
		case <-deadline:
			t.Fatalf("nobody said that %d requests wait", n)
		}
	}
}

// connect runs an activator against the autoscaler.
func connect(t *testing.T, f *fakeAutoscaler) *Activator {
	t.Helper()
	a := newTest(t)
	conn, err := feed.Dial("autoscaler", grpc.WithContextDialer(f.dial))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, conn) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
		_ = conn.Close()
	})
	return a
}

// serving starts a request of c's cluster.
func serving(a *Activator, c *cluster) (*fakeExchange, chan struct{}) {
	x := request(c)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Serve(x)
	}()
	return x, done
}

func TestLink_SaysWhatWaitsAndPlacesIt(t *testing.T) {
	f := newAutoscaler(t)
	a, c := connect(t, f), newCluster()
	x, xDone := serving(a, c)
	f.want(t, 1)
	y, yDone := serving(a, c)
	f.want(t, 2)
	f.say(t, placement(1, c.add("a", 1, lasting(0))))
	<-xDone
	<-yDone
	f.want(t, 0)
	if !x.answered || !y.answered {
		t.Errorf("answered: %v, %v", x.answered, y.answered)
	}
}

func TestLink_SaysAgainAfterAFailureThoughTheNumberIsTheSame(t *testing.T) {
	f := newAutoscaler(t)
	a, c := connect(t, f), newCluster()
	failure := wire.Placement{Function: helloID, Failure: &wire.Failure{Reason: "PoolUnavailable", Message: "no pods"}}
	for range 20 {
		x, done := serving(a, c)
		f.want(t, 1)
		f.say(t, failure)
		<-done
		if x.failed == nil || x.failed.Message != "no pods" {
			t.Fatalf("failed with %v", x.failed)
		}
	}
}

func TestLink_WhileTheAutoscalerIsAwayRequestsWaitAndPodsStay(t *testing.T) {
	f := newAutoscaler(t)
	a, c := connect(t, f), newCluster()
	_, first := serving(a, c)
	f.want(t, 1)
	f.say(t, placement(1, c.add("a", 1, lasting(0))))
	<-first
	f.current().Stop()

	x, done := serving(a, c) // known pods stay in use
	<-done
	if !x.answered {
		t.Errorf("failed with %v", x.failed)
	}
	c.at("a:8012").setDown(true)
	y, yDone := serving(a, c)
	for a.waiting() != 1 {
		waitABit()
	}
	f.start()
	f.want(t, 1) // said again on the new stream
	f.say(t, placement(1, c.add("b", 1, lasting(0))))
	<-yDone
	if !y.answered {
		t.Errorf("failed with %v", y.failed)
	}
}

func TestSweep_DropsUnusedQueuesAndKeepsInterestInUsedOnes(t *testing.T) {
	a, c := newTest(t), newCluster()
	_, done := serving(a, c)
	for a.waiting() != 1 {
		waitABit()
	}
	for _, q := range a.links[0].take() {
		q.say()
	}
	now := time.Now()
	a.sweepOnce(now)
	dirty := a.links[0].take()
	if len(dirty) != 1 {
		t.Fatalf("%d queues have something to say", len(dirty))
	}
	if d, ok := dirty[0].say(); !ok || d.Waiting != 1 {
		t.Errorf("said %+v, %v", d, ok)
	}
	a.sweepOnce(now.Add(time.Hour)) // a request waits: kept
	if len(a.all()) != 1 {
		t.Fatal("a queue in use was dropped")
	}
	a.placed(placement(1, c.add("a", 1, lasting(0))))
	<-done
	a.sweepOnce(now.Add(time.Hour))
	if len(a.all()) != 0 {
		t.Error("an unused queue was kept")
	}
	x, again := serving(a, c)
	for a.waiting() != 1 {
		waitABit()
	}
	a.placed(placement(1, c.at("a:8012")))
	<-again
	if !x.answered {
		t.Error("a request after the sweep was not answered")
	}
}

func TestLink_EachShardHearsOfItsOwnFunctions(t *testing.T) {
	const shards = 3
	a := newTest(t, func(c *Config) { c.Shards = shards })
	autoscalers, conns := make([]*fakeAutoscaler, shards), make([]*grpc.ClientConn, shards)
	for i := range shards {
		autoscalers[i] = newAutoscaler(t)
		conn, err := feed.Dial("autoscaler", grpc.WithContextDialer(autoscalers[i].dial))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	if err := a.Run(t.Context(), conns[:2]...); err == nil {
		t.Error("three shards ran with two autoscalers")
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(running.Wait) // after the clients below have left
	running.Go(func() { _ = a.Run(ctx, conns...) })
	c := newCluster()
	const functions = 30
	for n := range functions {
		x := request(c)
		x.id = wire.FunctionID{Namespace: "default", Name: "f", UID: fmt.Sprint("uid-", n)}
		running.Go(func() { a.Serve(x) })
		t.Cleanup(func() { close(x.gone) })
	}
	heard := map[string]bool{}
	deadline := time.After(10 * time.Second)
	for len(heard) < functions {
		for i, f := range autoscalers {
			select {
			case d := <-f.heard:
				if shard.Of(d.Function.UID, shards) != i {
					t.Errorf("shard %d heard of %s", i, d.Function.UID)
				}
				heard[d.Function.UID] = true
			case <-time.After(time.Millisecond):
			case <-deadline:
				t.Fatalf("the autoscalers heard of %d functions", len(heard))
			}
		}
	}
	cancel()
}
