package controller

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

// sweepEvery is how often anchors are compared with environments, beside the look after each deletion.
const sweepEvery = time.Hour

// sweepAnchors deletes the anchors whose environment is gone, and with them, by the garbage collector, its pods.
// Owner references cannot reach another namespace, so the API server does not do it.
func (c *Controller) sweepAnchors(ctx context.Context, _ kube.Key) (time.Duration, error) {
	if c.config.FunctionNamespace == "" {
		return 0, nil
	}
	maps := c.clients.ConfigMaps(c.config.FunctionNamespace)
	anchors, err := maps.List(ctx, metav1.ListOptions{LabelSelector: wire.LabelEnvironmentUID})
	if err != nil {
		return 0, err
	}
	for i := range anchors.Items {
		a := &anchors.Items[i]
		key := a.Labels[wire.LabelEnvironmentNamespace] + "/" + a.Labels[wire.LabelEnvironmentName]
		e, err := lookup(ctx, c.environments, c.clients.Environments, key)
		if err != nil {
			return 0, err
		}
		if e != nil && string(e.UID) == a.Labels[wire.LabelEnvironmentUID] {
			continue
		}
		err = maps.Delete(ctx, a.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &a.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return 0, err
		}
		c.log.Info("anchor of a deleted environment deleted", "environment", key)
	}
	return sweepEvery, nil
}
