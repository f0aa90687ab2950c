package perf

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Requests that a pool makes to the API server, as they are counted.
const (
	callCreate = "create"
	callPatch  = "patch"
	callDelete = "delete"
)

// simulatedCluster is an API server with nodes, as far as a pool sees them: it makes pods at addresses where simulated
// pods are, tells of each change as a watch does, and counts the requests.
type simulatedCluster struct {
	// starts is how long a pod takes to get its address.
	starts time.Duration

	mu       sync.Mutex // guards what follows
	watchers []chan podEvent
	pods     map[string]*corev1.Pod
	// serial is the number of pods made.
	serial uint32
	calls  map[string]int
	told   int
}

func newSimulatedCluster(starts time.Duration) *simulatedCluster {
	return &simulatedCluster{
		starts: starts, pods: map[string]*corev1.Pod{}, calls: map[string]int{},
	}
}

// podEvent is a change of a pod, or its end when there is none.
type podEvent struct {
	pod *corev1.Pod
	uid string
}

// subscribe returns changes from now on.
func (c *simulatedCluster) subscribe() <-chan podEvent {
	events := make(chan podEvent, 1<<16)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, events)
	return events
}

// watch tells of changes, one at a time, until ctx ends.
func watch(ctx context.Context, events <-chan podEvent, set func(*corev1.Pod), gone func(uid string)) {
	for {
		select {
		case e := <-events:
			if e.pod == nil {
				gone(e.uid)
			} else {
				set(e.pod)
			}
		case <-ctx.Done():
			return
		}
	}
}

// counted returns the requests so far by kind, and the events that were told.
func (c *simulatedCluster) counted() (calls map[string]int, events int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls), c.told
}

// simulatedIP is the address of the pod made after n others: 127.64.0.1 and so on.
func simulatedIP(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 127<<24|64<<16+1+n)
	return netip.AddrFrom4(b)
}

// CreatePod implements pool.Cluster.
func (c *simulatedCluster) CreatePod(_ context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[callCreate]++
	ip := simulatedIP(c.serial)
	c.serial++
	pod = pod.DeepCopy()
	pod.UID, pod.CreationTimestamp = types.UID(podUIDOf(ip)), metav1.Now()
	c.pods[string(pod.UID)] = pod
	created := pod.DeepCopy()
	time.AfterFunc(c.starts, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		pod.Status.PodIP, pod.Status.Phase = ip.String(), corev1.PodRunning
		c.tell(pod)
	})
	return created, nil
}

// DeletePod implements pool.Cluster. The nodes end the pod in an instant.
func (c *simulatedCluster) DeletePod(_ context.Context, _, _, uid string, _ time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[callDelete]++
	pod, ok := c.pods[uid]
	if !ok {
		return nil
	}
	delete(c.pods, uid)
	now := metav1.Now()
	pod.DeletionTimestamp = &now
	c.tell(pod)
	c.send(podEvent{uid: uid})
	return nil
}

// PatchPodLabels implements pool.Cluster.
func (c *simulatedCluster) PatchPodLabels(_ context.Context, _, _, uid string, labels map[string]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[callPatch]++
	pod, ok := c.pods[uid]
	if !ok {
		return nil
	}
	maps.Copy(pod.Labels, labels)
	c.tell(pod)
	return nil
}

// Anchor implements pool.Cluster.
func (c *simulatedCluster) Anchor(context.Context, string, *v1.Environment) (metav1.OwnerReference, error) {
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "anchor", UID: "anchor"}, nil
}

// tell queues a watch event. The caller holds the lock.
func (c *simulatedCluster) tell(pod *corev1.Pod) {
	if _, there := c.pods[string(pod.UID)]; !there && pod.DeletionTimestamp == nil {
		return // deleted before it ran
	}
	// As an informer keeps it: what nobody reads of the spec is left out.
	c.send(podEvent{pod: &corev1.Pod{ObjectMeta: *pod.ObjectMeta.DeepCopy(), Status: *pod.Status.DeepCopy()}})
}

// send queues an event for each watcher. The caller holds the lock.
func (c *simulatedCluster) send(e podEvent) {
	c.told++
	for _, events := range c.watchers {
		events <- e
	}
}

// Code implements pool.Codes: a function of one file.
func (c *simulatedCluster) Code(context.Context, string, string) (wire.Code, error) {
	return wire.Code{Literal: make([]byte, 1000)}, nil
}

// Files implements pool.Files.
func (c *simulatedCluster) Inputs(context.Context, *v1.Function) (wire.Inputs, error) {
	return wire.Inputs{}, nil
}

// simulatedEnvironments are n environments, together with so large pools.
func simulatedEnvironments(n, poolsize int) []*v1.Environment {
	all := make([]*v1.Environment, 0, n)
	for i := range n {
		e := &v1.Environment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint("environment-", i), UID: types.UID(fmt.Sprint("environment-", i))},
			Spec:       v1.EnvironmentSpec{Version: 3, Poolsize: (poolsize + n - 1) / n, Runtime: v1.Runtime{Image: "simulated"}},
		}
		all = append(all, e)
	}
	return all
}

// simulatedID names the function of a number.
func simulatedID(n int) wire.FunctionID {
	// As long as UIDs are.
	return wire.FunctionID{Namespace: "default", Name: fmt.Sprint("function-", n), UID: fmt.Sprintf("5d0a3c1e-9d6c-4c1b-8f43-%012d", n)}
}

// simulatedFunctions are the functions numbered from up to to, taking turns with the environments; change may set more.
func simulatedFunctions(from, to int, environments []*v1.Environment, change func(*v1.Function)) []*v1.Function {
	all := make([]*v1.Function, 0, to-from)
	for n := from; n < to; n++ {
		id, e := simulatedID(n), environments[n%len(environments)]
		f := &v1.Function{ObjectMeta: metav1.ObjectMeta{
			Namespace: id.Namespace, Name: id.Name, UID: types.UID(id.UID), Generation: 1, ResourceVersion: "1",
		}}
		f.Spec.Environment = v1.EnvironmentReference{Namespace: e.Namespace, Name: e.Name}
		f.Spec.Package.PackageRef = v1.PackageRef{Namespace: id.Namespace, Name: id.Name}
		if change != nil {
			change(f)
		}
		all = append(all, f)
	}
	return slices.Clip(all)
}
