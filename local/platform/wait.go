package platform

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	apiv1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

const (
	// partsTimeout bounds the time from the parts' start until all are ready.
	partsTimeout = time.Minute
	// poolsTimeout bounds how long a start waits for warm pods. They are not needed to serve, only to be fast.
	poolsTimeout = 20 * time.Second
)

// waitParts returns when every part is ready, or tells which are not and why.
func waitParts(ctx context.Context, client kubernetes.Interface, pods []*corev1.Pod, node *child) error {
	ctx, cancel := context.WithTimeout(ctx, partsTimeout)
	defer cancel()
	err := poll(ctx, 25*time.Millisecond, func(ctx context.Context) error {
		var errs []error
		for _, pod := range pods {
			got, err := client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
			if err == nil {
				err = unready(got)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("part %s: %w", pod.Name, err))
			}
		}
		return errors.Join(errs...)
	}, node)
	if err != nil {
		return fmt.Errorf("wait for the parts: %w", err)
	}
	return nil
}

// unready tells why a pod is not ready, nil when it is.
func unready(pod *corev1.Pod) error {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return nil
		}
	}
	var reasons []string
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil {
			reasons = append(reasons, fmt.Sprintf("%s waits: %s %s", c.Name, w.Reason, w.Message))
		}
		if t := c.LastTerminationState.Terminated; t != nil {
			reasons = append(reasons, fmt.Sprintf("%s ended with code %d %s", c.Name, t.ExitCode, t.Message))
		}
	}
	if len(reasons) == 0 {
		reasons = []string{fmt.Sprintf("not ready (%s)", pod.Status.Phase)}
	}
	return errors.New(strings.Join(reasons, "; "))
}

// waitPools waits until the environments' pools are full, as they were in an earlier start, and goes on when they do
// not become so.
func (p *Platform) waitPools(ctx context.Context) {
	client, err := dynamic.NewForConfig(p.creds.client(certAdmin))
	if err != nil {
		return
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, poolsTimeout)
	defer cancel()
	var warm, wanted int
	err = poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		var err error
		if warm, wanted, err = countWarm(ctx, client); err == nil && warm < wanted {
			err = errors.New("pools are not full")
		}
		return err
	})
	switch {
	case err != nil:
		p.config.say("%d of %d warm pods are ready; the others follow", warm, wanted)
	case wanted > 0:
		p.config.say("%d warm pods ready %.1f s later", warm, time.Since(start).Seconds())
	}
}

// countWarm returns how many warm pods are ready and how many the environments want.
func countWarm(ctx context.Context, client dynamic.Interface) (warm, wanted int, err error) {
	environments, err := client.Resource(schema.GroupVersionResource{Group: "fission.io", Version: "v1", Resource: "environments"}).
		List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	for _, e := range environments.Items {
		wanted += poolSize(&e)
	}
	if wanted == 0 {
		return 0, 0, nil
	}
	pods, err := client.Resource(corev1.SchemeGroupVersion.WithResource("pods")).
		List(ctx, metav1.ListOptions{LabelSelector: wire.LabelState + "=" + string(wire.StateWarm)})
	if err != nil {
		return 0, wanted, err
	}
	for _, object := range pods.Items {
		if readyNow(&object) {
			warm++
		}
	}
	return warm, wanted, nil
}

func poolSize(object *unstructured.Unstructured) int {
	environment := &apiv1.Environment{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, environment); err != nil {
		return 0 // the pool cannot read it either
	}
	return environment.PoolSize()
}

func readyNow(pod *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == string(corev1.PodReady) {
			return c["status"] == string(corev1.ConditionTrue) && pod.GetDeletionTimestamp() == nil
		}
	}
	return false
}
