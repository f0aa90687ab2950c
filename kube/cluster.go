package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// Cluster makes, labels and deletes environment pods for the pool. It is safe for concurrent use.
type Cluster struct {
	clients *Clients
}

// NewCluster returns a Cluster.
func NewCluster(clients *Clients) *Cluster { return &Cluster{clients: clients} }

// CreatePod creates the pod, which has a name.
func (c *Cluster) CreatePod(ctx context.Context, pod *corev1.Pod) (*corev1.Pod, error) {
	made, err := c.clients.Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{FieldManager: FieldOwner})
	if err != nil {
		return nil, fmt.Errorf("create pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	return made, nil
}

// DeletePod deletes the pod with that UID, giving it grace to finish. A pod that is gone is no error.
func (c *Cluster) DeletePod(ctx context.Context, namespace, name, uid string, grace time.Duration) error {
	seconds := int64((grace + time.Second - 1) / time.Second)
	id := types.UID(uid)
	err := c.clients.Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{
		GracePeriodSeconds: &seconds,
		Preconditions:      &metav1.Preconditions{UID: &id},
	})
	if err != nil && !gone(err) {
		return fmt.Errorf("delete pod %s/%s: %w", namespace, name, err)
	}
	return nil
}

// PatchPodLabels sets labels of the pod with that UID and leaves the others. A pod that is gone is no error.
func (c *Cluster) PatchPodLabels(ctx context.Context, namespace, name, uid string, labels map[string]string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": uid, "labels": labels}})
	if err != nil {
		return fmt.Errorf("label pod %s/%s: %w", namespace, name, err)
	}
	_, err = c.clients.Pods(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: FieldOwner})
	if err != nil && !gone(err) {
		return fmt.Errorf("label pod %s/%s: %w", namespace, name, err)
	}
	return nil
}

// gone reports that the object does not exist, or that another one has its name: a deletion conflicts by its
// precondition, and a patch would change the UID, which no object allows.
func gone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsConflict(err) || isUID(err)
}

func isUID(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool { return c.Field == "metadata.uid" })
}

// Anchor returns the owner of an environment's pods in another namespace than the environment's, which owner
// references cannot reach. It makes the object when it is not there.
func (c *Cluster) Anchor(ctx context.Context, namespace string, e *v1.Environment) (metav1.OwnerReference, error) {
	maps := c.clients.ConfigMaps(namespace)
	anchor := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace,
			Name:      AnchorPrefix + string(e.UID),
			Labels: map[string]string{
				wire.LabelEnvironmentName:      e.Name,
				wire.LabelEnvironmentNamespace: e.Namespace,
				wire.LabelEnvironmentUID:       string(e.UID),
			},
		},
	}
	found, err := maps.Get(ctx, anchor.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		found, err = maps.Create(ctx, anchor, metav1.CreateOptions{FieldManager: FieldOwner})
	}
	if apierrors.IsAlreadyExists(err) { // made by another at the same moment
		found, err = maps.Get(ctx, anchor.Name, metav1.GetOptions{})
	}
	if err != nil {
		return metav1.OwnerReference{}, fmt.Errorf("make the anchor of environment %s/%s: %w", e.Namespace, e.Name, err)
	}
	owns := true
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: found.Name, UID: found.UID, Controller: &owns}, nil
}

// AnchorPrefix begins the names of anchors; the environment's UID follows.
const AnchorPrefix = "environment-"
