package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The times of the node's signs of life.
const (
	leaseInterval  = 10 * time.Second
	leaseDuration  = 40 * time.Second
	statusInterval = 5 * time.Minute
)

// maxPods is how many pods the node says that it takes.
const maxPods = 1000

// register makes the Node object and keeps it and its lease fresh until ctx ends.
func (a *Agent) register(ctx context.Context) {
	node := nodeObject(a.config)
	var written time.Time
	for gap := firstPublishGap; ctx.Err() == nil; {
		wait := leaseInterval
		if err := a.signOfLife(ctx, node, &written); err != nil {
			a.log.Debug("register node", "error", err)
			wait = gap
			gap = min(2*gap, maxPublishGap)
		} else {
			gap = firstPublishGap
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func (a *Agent) signOfLife(ctx context.Context, node *corev1.Node, written *time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if time.Since(*written) >= statusInterval {
		if err := a.writeNode(ctx, node); err != nil {
			return err
		}
		*written = time.Now()
		a.log.Info("node is registered", "node", node.Name)
	}
	return a.renewLease(ctx)
}

func (a *Agent) writeNode(ctx context.Context, node *corev1.Node) error {
	nodes := a.client.CoreV1().Nodes()
	_, err := nodes.Create(ctx, node, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create node: %w", err)
	}
	patch, err := json.Marshal(corev1.Node{Status: nodeStatus(a.config, metav1.Now())})
	if err != nil {
		return err
	}
	if _, err := nodes.Patch(ctx, node.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
		return fmt.Errorf("write node status: %w", err)
	}
	return nil
}

// renewLease says that the node lives, at little cost.
func (a *Agent) renewLease(ctx context.Context) error {
	leases := a.client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	now := metav1.NowMicro()
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: a.config.NodeName, Namespace: corev1.NamespaceNodeLease},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: &a.config.NodeName, LeaseDurationSeconds: new(int32(leaseDuration.Seconds())), RenewTime: &now,
		},
	}
	_, err := leases.Update(ctx, lease, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("renew lease: %w", err)
	}
	return nil
}

// nodeObject is the node as it is created.
func nodeObject(c Config) *corev1.Node {
	return &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: c.NodeName,
		Labels: map[string]string{
			corev1.LabelHostname: c.NodeName, corev1.LabelOSStable: runtime.GOOS, corev1.LabelArchStable: runtime.GOARCH,
		},
	}}
}

func nodeStatus(c Config, now metav1.Time) corev1.NodeStatus {
	resources := capacity()
	status := corev1.NodeStatus{
		Capacity: resources, Allocatable: resources, NodeInfo: systemInfo(c.Version),
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: nodeAddress(c)}, {Type: corev1.NodeHostName, Address: c.NodeName},
		},
		Conditions: []corev1.NodeCondition{
			nodeCondition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "the node agent runs", now),
			nodeCondition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "", now),
			nodeCondition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "", now),
			nodeCondition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "", now),
		},
	}
	if _, port, err := net.SplitHostPort(c.StreamAddr); err == nil {
		number, _ := strconv.ParseInt(port, 10, 32)
		status.DaemonEndpoints.KubeletEndpoint.Port = int32(number)
	}
	return status
}

func nodeCondition(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string, now metav1.Time) corev1.NodeCondition {
	return corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
}

// capacity is what the machine has.
func capacity() corev1.ResourceList {
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info)
	var disk unix.Statfs_t
	_ = unix.Statfs("/", &disk)
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(int64(info.Totalram)*int64(info.Unit), resource.BinarySI), //nolint:gosec // no machine has 8 EiB
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(int64(disk.Blocks)*disk.Bsize, resource.BinarySI),         //nolint:gosec // nor such a disk
		corev1.ResourcePods:             *resource.NewQuantity(maxPods, resource.DecimalSI),
	}
}

func systemInfo(version string) corev1.NodeSystemInfo {
	var name unix.Utsname
	_ = unix.Uname(&name)
	return corev1.NodeSystemInfo{
		KubeletVersion: version, ContainerRuntimeVersion: "hotpod://" + strings.TrimPrefix(version, "v"),
		OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, OSImage: osImage(),
		KernelVersion: unix.ByteSliceToString(name.Release[:]),
		MachineID:     readLine("/etc/machine-id"), BootID: readLine("/proc/sys/kernel/random/boot_id"),
	}
}

func osImage() string {
	data, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return runtime.GOOS
}

func readLine(path string) string {
	data, _ := os.ReadFile(path)
	return strings.TrimSpace(string(data))
}
