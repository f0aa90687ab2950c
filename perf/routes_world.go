package perf

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/feed"
	"hotpod.dev/wire"
	"hotpod.dev/xds"
)

// discoveredWorld is a discovery server in this process, the objects that it was told of, and what answers for them.
type discoveredWorld struct {
	server *xds.Server
	public string
	client *http.Client

	activatorIP, podIP string
	// size is how many functions there were in the beginning; all are of one time.
	size int
	// atPod counts the requests that reached the pod.
	atPod atomic.Int64
}

// startWorld starts a server that knows n functions with a route each, and writes the bootstrap of its Envoys to file.
func startWorld(ctx context.Context, ips [2]string, n int, file string, log *slog.Logger) (w *discoveredWorld, stop func(), err error) {
	ports, err := freePorts(ctx, 4)
	if err != nil {
		return nil, nil, err
	}
	const host = "127.0.0.1:"
	w = &discoveredWorld{public: host + ports[0], activatorIP: ips[0], podIP: ips[1], size: n, client: &http.Client{
		Timeout: callTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 16},
	}}
	w.server, err = xds.New(xds.Config{
		Public: []string{w.public}, Internal: []string{host + ports[1]}, Log: log, Patience: time.Millisecond, Timelines: noTimelines{},
	})
	if err != nil {
		return nil, nil, err
	}
	for i := range n {
		w.declare(i)
	}
	w.server.SetPod(w.activatorPod())
	text, err := xds.Bootstrap(xds.BootstrapConfig{XDS: host + ports[2], Admin: host + ports[3]})
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return nil, nil, err
	}
	stop, err = w.run(ctx, host+ports[2])
	if err != nil {
		return nil, nil, err
	}
	w.server.Synced()
	return w, stop, poll(ctx, "the discovery server", func() (bool, error) { err := w.server.Ready(); return err == nil, err })
}

// run serves discovery, the activator and the pod.
func (w *discoveredWorld) run(ctx context.Context, address string) (stop func(), err error) {
	port := ":" + strconv.Itoa(wire.PortRequests)
	stopActivator, err := runBackendHere(ctx, &backend{}, w.activatorIP+port)
	if err != nil {
		return nil, err
	}
	stopPod, err := runBackendHere(ctx, &backend{arrived: func(int) { w.atPod.Add(1) }}, w.podIP+port)
	if err != nil {
		stopActivator()
		return nil, err
	}
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		stopPod()
		stopActivator()
		return nil, fmt.Errorf("listen for Envoy: %w", err)
	}
	g := feed.NewServer()
	w.server.Register(g)
	stopServer := serveDiscovery(ctx, w.server, g, lis)
	return func() { stopServer(); stopPod(); stopActivator(); w.client.CloseIdleConnections() }, nil
}

// routeMeta names the function and the route of a number.
func routeMeta(i int) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: "default", Name: fmt.Sprintf("function-%05d", i), Generation: 1,
		UID: types.UID(fmt.Sprintf("5f7c1d52-8a4e-4c5e-9f4d-%012d", i)),
	}
}

func (w *discoveredWorld) path(i int) string { return "/api/v1/" + routeMeta(i).Name }

// declare tells of a function and its route.
func (w *discoveredWorld) declare(i int) {
	meta := routeMeta(i)
	w.server.SetFunction(&v1.Function{ObjectMeta: meta})
	w.server.SetRoute(&v1.HTTPTrigger{ObjectMeta: meta, Spec: v1.HTTPTriggerSpec{
		RelativeURL: w.path(i), Methods: []string{"GET"},
		FunctionReference: v1.FunctionReference{Type: v1.ReferenceName, Name: meta.Name},
	}})
}

// acknowledged says whether Envoy has the route.
func (w *discoveredWorld) acknowledged(i int) bool {
	s, ok := w.server.Statuses().Get("default/" + routeMeta(i).Name)
	return ok && s.State == wire.RouteAcknowledged
}

func (w *discoveredWorld) activatorPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: "activator", Labels: map[string]string{wire.LabelComponent: "activator"}},
		Status: corev1.PodStatus{
			PodIP: w.activatorIP, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
}

// setPod makes the pod hot for a function, or no pod of anyone.
func (w *discoveredWorld) setPod(function int, hot bool) {
	const uid = "pod"
	if !hot {
		w.server.DeletePod(uid)
		return
	}
	w.server.SetPod(&corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: uid, Labels: map[string]string{
			wire.LabelState: string(wire.StateHot), wire.LabelFunctionUID: string(routeMeta(function).UID), wire.LabelFunctionGeneration: "1",
		}},
		Status: corev1.PodStatus{PodIP: w.podIP},
	})
}

// status calls a path and returns the status, 0 when there was no answer.
func (w *discoveredWorld) status(ctx context.Context, path string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.public+path, nil)
	if err != nil {
		return 0
	}
	req.Header.Set(headerNumber, "1")
	res, err := w.client.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res.StatusCode
}

// reachesPod says whether a request goes to the pod.
func (w *discoveredWorld) reachesPod(ctx context.Context, path string) bool {
	before := w.atPod.Load()
	return w.status(ctx, path) == http.StatusOK && w.atPod.Load() > before
}
