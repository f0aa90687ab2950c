package feed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/test/bufconn"

	"hotpod.dev/wire"
)

// start serves what register adds and returns a connection to it.
func start(t *testing.T, register func(*grpc.Server)) *grpc.ClientConn {
	t.Helper()
	lis := bufconn.Listen(1 << 20)
	srv := NewServer(ServerCodec())
	register(srv)
	go func() { _ = srv.Serve(lis) }()
	t.Cleanup(srv.Stop)
	conn, err := Dial("test", grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		return lis.DialContext(ctx)
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestTopic_SubscriberGetsCurrentValuesThenChanges(t *testing.T) {
	topic := NewTopic[int]()
	topic.Publish("a", 1)
	sub := topic.Subscribe()
	defer sub.Close()
	topic.Publish("b", 2)
	topic.Publish("a", 3) // replaces the value that was not read yet
	for i, want := range []int{3, 2} {
		if got, err := sub.Next(t.Context()); err != nil || got != want {
			t.Errorf("value %d = %d, %v, want %d", i, got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sub.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Next with nothing to read = %v", err)
	}
}

func TestTopic_RemovedKeySendsItsLastValueOnce(t *testing.T) {
	topic := NewTopic[string]()
	topic.Publish("a", "here")
	sub := topic.Subscribe()
	defer sub.Close()
	topic.Remove("a", "gone")
	topic.Remove("a", "again")
	if got, _ := sub.Next(t.Context()); got != "gone" {
		t.Errorf("Next = %q", got)
	}
	if _, ok := topic.Get("a"); ok {
		t.Error("the key is still there")
	}
	later := topic.Subscribe()
	defer later.Close()
	if _, ok := later.take(); ok {
		t.Error("a later subscriber got a key that is gone")
	}
}

func TestTopic_LaggingReaderSeesTheNewestOfEveryKey(t *testing.T) {
	topic := NewTopic[int]()
	sub := topic.Subscribe()
	defer sub.Close()
	var wg sync.WaitGroup
	for k := range 10 {
		wg.Go(func() {
			for v := range 100 {
				topic.Publish(fmt.Sprint(k), k*1000+v)
			}
		})
	}
	last := map[int]int{}
	for len(last) < 10 || !complete(last) {
		v, err := sub.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if v%1000 < last[v/1000] {
			t.Fatalf("key %d went back to %d", v/1000, v%1000)
		}
		last[v/1000] = v % 1000
	}
	wg.Wait()
}

func complete(last map[int]int) bool {
	for _, v := range last {
		if v != 99 {
			return false
		}
	}
	return true
}

func TestWatchRouteStatus_StreamsTheTopic(t *testing.T) {
	topic := NewTopic[wire.RouteStatus]()
	topic.Publish("1", wire.RouteStatus{Name: "first", State: wire.RoutePending})
	conn := start(t, func(s *grpc.Server) { RegisterRouteStatus(s, topic) })
	got := make(chan wire.RouteStatus)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- WatchRouteStatus(ctx, conn, func(s wire.RouteStatus) { got <- s }) }()
	if s := <-got; s.Name != "first" {
		t.Errorf("first value %+v", s)
	}
	topic.Publish("2", wire.RouteStatus{Name: "second", State: wire.RouteAcknowledged})
	if s := <-got; s.Name != "second" || s.State != wire.RouteAcknowledged {
		t.Errorf("second value %+v", s)
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("the watch ended without an error")
	}
}

func TestDemand_CarriesMessagesBothWays(t *testing.T) {
	conn := start(t, func(s *grpc.Server) {
		RegisterDemand(s, func(stream DemandServer) error {
			for {
				d, err := stream.Recv()
				if err != nil {
					return err
				}
				if err := stream.Send(&wire.Placement{Function: d.Function, Generation: int64(d.Waiting)}); err != nil {
					return err
				}
			}
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := OpenDemand(ctx, conn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		id := wire.FunctionID{Namespace: "ns", Name: "f", UID: "u"}
		if err := stream.Send(&wire.Demand{Function: id, Waiting: i}); err != nil {
			t.Fatal(err)
		}
		p, err := stream.Recv()
		if err != nil || p.Function != id || p.Generation != int64(i) {
			t.Fatalf("Recv = %+v, %v", p, err)
		}
	}
}

func TestSubscription_GathersWhatFollowsTheFirstChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := NewTopic[int]()
		sub := topic.Subscribe()
		defer sub.Close()
		for i := range 3 {
			time.AfterFunc(time.Duration(i+1)*10*time.Millisecond, func() { topic.Publish("a", i) })
		}
		began := time.Now()
		if err := sub.gather(t.Context(), 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 60*time.Millisecond {
			t.Errorf("gathered for %s, want 50 ms from the first change at 10 ms", took)
		}
		if v, ok := sub.take(); !ok || v != 2 {
			t.Errorf("took %d, %v, want the newest value, 2", v, ok)
		}
		if v, ok := sub.take(); ok {
			t.Errorf("took %d too, of the same key", v)
		}
		ctx, cancel := context.WithCancel(t.Context())
		topic.Publish("a", 3)
		time.AfterFunc(10*time.Millisecond, cancel)
		_ = sub.gather(ctx, 0) // the wake of what was taken already
		if err := sub.gather(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("gather with an ended context = %v", err)
		}
	})
}
