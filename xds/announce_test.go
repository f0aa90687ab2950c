package xds

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/shard"
	"hotpod.dev/wire"
)

// hearer is an autoscaler that writes down what it hears.
type hearer struct {
	address string
	server  *grpc.Server
	heard   chan wire.Demand
}

func hear(t *testing.T, address string) *hearer {
	t.Helper()
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l := &hearer{address: lis.Addr().String(), server: feed.NewServer(feed.ServerCodec()), heard: make(chan wire.Demand, 100)}
	feed.RegisterDemand(l.server, func(s feed.DemandServer) error {
		for {
			d, err := s.Recv()
			if err != nil {
				return err
			}
			l.heard <- *d
		}
	})
	go func() { _ = l.server.Serve(lis) }()
	t.Cleanup(l.server.Stop)
	return l
}

// hears repeats an announcement, which may be lost, until it is heard.
func (l *hearer) hears(t *testing.T, a *Announcer, f wire.FunctionID) {
	t.Helper()
	deadline, again := time.After(20*time.Second), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for {
		a.Announce(f)
		select {
		case d := <-l.heard:
			if want := (wire.Demand{Function: f, Ahead: true}); d != want {
				t.Fatalf("heard %+v, want %+v", d, want)
			}
			return
		case <-again.C:
		case <-deadline:
			t.Fatal("nobody heard of it")
		}
	}
}

func announcer(t *testing.T, addresses string) *Announcer {
	t.Helper()
	conns, err := feed.DialShards(addresses)
	if err != nil {
		t.Fatal(err)
	}
	a := NewAnnouncer(conns, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return a
}

func TestAnnouncer_TellsTheShardOfTheFunction(t *testing.T) {
	shards := []*hearer{hear(t, "127.0.0.1:0"), hear(t, "127.0.0.1:0")}
	a := announcer(t, shards[0].address+";"+shards[1].address)
	for _, uid := range []string{"a", "b", "c", "d"} {
		f := wire.FunctionID{Namespace: "default", Name: "f" + uid, UID: uid}
		mine, other := shard.Of(uid, 2), 1-shard.Of(uid, 2)
		shards[mine].hears(t, a, f)
		for len(shards[mine].heard) > 0 {
			<-shards[mine].heard
		}
		if len(shards[other].heard) > 0 {
			t.Errorf("the other shard heard of %s", uid)
		}
	}
}

func TestAnnouncer_GoesOnWhenTheAutoscalerIsBack(t *testing.T) {
	f := wire.FunctionID{Namespace: "default", Name: "f", UID: "u"}
	first := hear(t, "127.0.0.1:0")
	a := announcer(t, first.address)
	first.hears(t, a, f)
	first.server.Stop()
	for range 10 * announcements { // nobody waits for an autoscaler that is away
		a.Announce(f)
	}
	hear(t, first.address).hears(t, a, f)
}

func TestAnnouncer_IsSilentWithoutAutoscalers(t *testing.T) {
	a := NewAnnouncer(nil, slog.New(slog.DiscardHandler))
	a.Announce(wire.FunctionID{UID: "u"})
	if err := a.Run(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServer_AnnouncesFirstRequestsOfFunctionsWithoutPods(t *testing.T) {
	var announced []string
	c := testConfig()
	c.Announce = func(f wire.FunctionID) { announced = append(announced, f.Name) }
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cold", "hot"} {
		s.SetFunction(&v1.Function{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name + "-uid")}})
	}
	s.SetPod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "p", Labels: map[string]string{
			wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: "hot-uid", wire.LabelFunctionGeneration: "1",
		}},
		Status: corev1.PodStatus{PodIP: "10.0.0.1", Phase: corev1.PodRunning},
	})
	for _, uid := range []string{"cold-uid", "hot-uid", "unknown", clusterMiss} {
		s.awaited(typeCluster, uid)
	}
	s.awaited(typeEndpoint, "cold-uid")
	if len(announced) != 1 || announced[0] != "cold" {
		t.Errorf("announced %v, want cold alone", announced)
	}
}
