package platform

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	apiv1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// poolsTimeout bounds how long a start waits for warm pods. They are not needed to serve, only to be fast.
const poolsTimeout = 20 * time.Second

// warmPool is how full an environment's pool is.
type warmPool struct {
	environment  string // "namespace/name"
	warm, wanted int
	// problem is why the environment does not work, as it says itself; empty when it does or has not said yet.
	problem string
}

// waitPools waits until the environments' pools are full, as they were in an earlier start. It does not wait for an
// environment that does not work, and goes on in any case.
func (p *Platform) waitPools(ctx context.Context) {
	client, err := dynamic.NewForConfig(p.creds.client(certAdmin))
	if err != nil {
		p.log.Warn("pools not looked at", "error", err)
		return
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, poolsTimeout)
	defer cancel()
	var pools []warmPool
	err = poll(ctx, 50*time.Millisecond, func(ctx context.Context) error {
		now, err := readPools(ctx, client, p.began)
		if err != nil {
			return err
		}
		pools = now
		return filling(pools)
	}, p.node)
	if err != nil {
		p.log.Info("pools not full", "error", err)
	}
	p.tellPools(pools, time.Since(start))
}

// filling returns an error while a pool is not full that can become so.
func filling(pools []warmPool) error {
	for _, pool := range pools {
		if pool.warm < pool.wanted && pool.problem == "" {
			return fmt.Errorf("environment %s has %d of %d warm pods", pool.environment, pool.warm, pool.wanted)
		}
	}
	return nil
}

func (p *Platform) tellPools(pools []warmPool, after time.Duration) {
	warm := 0
	for _, pool := range pools {
		warm += pool.warm
		switch {
		case pool.warm >= pool.wanted:
		case pool.problem != "":
			p.config.say("environment %s has %d of %d warm pods: %s", pool.environment, pool.warm, pool.wanted, pool.problem)
		default:
			p.config.say("environment %s has %d of %d warm pods; the others follow", pool.environment, pool.warm, pool.wanted)
		}
	}
	if warm > 0 {
		p.config.say("%d warm pods ready %.1f s later", warm, after.Seconds())
	}
}

// readPools looks at each environment and its warm pods that became ready since.
func readPools(ctx context.Context, client dynamic.Interface, since time.Time) ([]warmPool, error) {
	var environments apiv1.EnvironmentList
	err := list(ctx, client, schema.GroupVersionResource{Group: "fission.io", Version: "v1", Resource: "environments"}, metav1.ListOptions{}, &environments)
	if err != nil || len(environments.Items) == 0 {
		return nil, err
	}
	var pods corev1.PodList
	warm := metav1.ListOptions{LabelSelector: wire.LabelState + "=" + string(wire.StateWarm)}
	if err := list(ctx, client, corev1.SchemeGroupVersion.WithResource("pods"), warm, &pods); err != nil {
		return nil, err
	}
	ready := map[string]int{}
	for i := range pods.Items {
		if pod := &pods.Items[i]; pod.DeletionTimestamp == nil && stale(pod, since) == nil && unready(pod) == nil {
			ready[pod.Labels[wire.LabelEnvironmentNamespace]+"/"+pod.Labels[wire.LabelEnvironmentName]]++
		}
	}
	pools := make([]warmPool, 0, len(environments.Items))
	for i := range environments.Items {
		e := &environments.Items[i]
		name := e.Namespace + "/" + e.Name
		pools = append(pools, warmPool{environment: name, warm: ready[name], wanted: e.PoolSize(), problem: problem(e)})
	}
	return pools, nil
}

// problem returns what the environment says is wrong with it.
func problem(e *apiv1.Environment) string {
	condition := meta.FindStatusCondition(e.Status.Conditions, apiv1.ConditionReady)
	if condition == nil || condition.Status != metav1.ConditionFalse {
		return ""
	}
	return condition.Message
}

// list reads objects of the resource in all namespaces. A resource that is not defined has none.
func list(ctx context.Context, client dynamic.Interface, resource schema.GroupVersionResource, o metav1.ListOptions, into any) error {
	objects, err := client.Resource(resource).List(ctx, o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(objects.UnstructuredContent(), into); err != nil {
		return errors.Join(fmt.Errorf("read %s", resource.Resource), err)
	}
	return nil
}
