package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
)

// TimeTriggers reads time triggers and writes their status.
type TimeTriggers struct{ clients *Clients }

// NewTimeTriggers returns the time triggers of a cluster.
func NewTimeTriggers(clients *Clients) *TimeTriggers { return &TimeTriggers{clients} }

// Get returns the trigger as the API server has it.
func (t *TimeTriggers) Get(ctx context.Context, namespace, name string) (*v1.TimeTrigger, error) {
	found, err := t.clients.TimeTriggers(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read time trigger %s/%s: %w", namespace, name, err)
	}
	return found, nil
}

// WriteStatus replaces the status of the trigger as t is.
func (t *TimeTriggers) WriteStatus(ctx context.Context, trigger *v1.TimeTrigger, s v1.TimeTriggerStatus) error {
	return ApplyStatus(ctx, t.clients.TimeTriggers(trigger.Namespace), trigger, s)
}

// WatchTriggers reads watch triggers and writes their status.
type WatchTriggers struct{ clients *Clients }

// NewWatchTriggers returns the watch triggers of a cluster.
func NewWatchTriggers(clients *Clients) *WatchTriggers { return &WatchTriggers{clients} }

// Get returns the trigger as the API server has it.
func (t *WatchTriggers) Get(ctx context.Context, namespace, name string) (*v1.KubernetesWatchTrigger, error) {
	found, err := t.clients.KubernetesWatchTriggers(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read watch trigger %s/%s: %w", namespace, name, err)
	}
	return found, nil
}

// WriteStatus replaces the status of the trigger as t is.
func (t *WatchTriggers) WriteStatus(ctx context.Context, trigger *v1.KubernetesWatchTrigger, s v1.KubernetesWatchTriggerStatus) error {
	return ApplyStatus(ctx, t.clients.KubernetesWatchTriggers(trigger.Namespace), trigger, s)
}
