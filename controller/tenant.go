package controller

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/manifests/tenant"
)

// byController says on a tenant's objects that the controller brought them; others it never takes away.
const byController = "hotpod-controller"

// byTenant is the index of FissionTenants by their namespace.
const byTenant = "tenant"

// tenants brings namespaces what the parts need there: those that a FissionTenant names, and those with the label. It needs rights in
// the whole cluster, so it is there only when the installation asks for it.
type tenants struct {
	platform   string
	clients    *kube.Clients
	foreign    *kube.Foreign
	declared   *kube.Informer[*v1.FissionTenant]
	namespaces *kube.Informer[*corev1.Namespace]
	loop       *kube.Loop
}

// newTenants watches what makes a namespace a tenant.
func (c *Controller) newTenants(m *metrics) (*tenants, error) {
	foreign, err := kube.NewForeign(c.clients)
	if err != nil {
		return nil, err
	}
	t := &tenants{
		platform: c.config.Platform, clients: c.clients, foreign: foreign,
		declared: c.cache.FissionTenants(), namespaces: c.cache.Namespaces(""),
	}
	t.loop = c.loop(m, "tenant", t.reconcile)
	t.declared.Index(byTenant, func(d *v1.FissionTenant) []string { return []string{d.Spec.Namespace} })
	declared := func(d *v1.FissionTenant) { t.loop.Add(kube.Key{Name: d.Spec.Namespace}) }
	t.declared.Watch(kube.Handler[*v1.FissionTenant]{Set: declared, Delete: declared})
	namespace := func(n *corev1.Namespace) { t.loop.Add(kube.Key{Name: n.Name}) }
	t.namespaces.Watch(kube.Handler[*corev1.Namespace]{Set: namespace, Delete: namespace})
	return t, nil
}

// reconcile brings a namespace what a tenant has, or takes away what it has from here when it is none any more.
func (t *tenants) reconcile(ctx context.Context, key kube.Key) (time.Duration, error) {
	declared := t.declared.By(byTenant, key.Name)
	namespace, exists := t.namespaces.Get("", key.Name)
	var err error
	again := time.Duration(0)
	switch {
	case !exists || namespace.DeletionTimestamp != nil:
	case len(declared) > 0 || namespace.Labels[tenant.Label] == "true":
		err, again = t.bring(ctx, key.Name), keepTenant
	default:
		return 0, t.takeAway(ctx, key.Name)
	}
	for _, d := range declared {
		if told := t.tell(ctx, d, exists, err); told != nil {
			return 0, told
		}
	}
	if apierrors.IsForbidden(err) { // somebody must act, and what they do is seen nowhere
		return time.Minute, nil
	}
	return again, err
}

// keepTenant is after how long a tenant is looked at again, as what it has is not watched.
const keepTenant = 10 * time.Minute

func (t *tenants) bring(ctx context.Context, namespace string) error {
	objects, err := tenant.Objects(namespace, t.platform, byController)
	if err != nil {
		return err
	}
	for _, o := range objects {
		there, err := t.foreign.Get(ctx, o)
		if err != nil {
			return err
		}
		if there != nil && there.GetLabels()[tenant.LabelManagedBy] != byController {
			continue // its owner keeps it
		}
		if err := t.foreign.Apply(ctx, o, byController); err != nil {
			return err
		}
	}
	return nil
}

func (t *tenants) takeAway(ctx context.Context, namespace string) error {
	objects, err := tenant.Objects(namespace, t.platform, byController)
	if err != nil {
		return err
	}
	first, err := t.foreign.Get(ctx, objects[0])
	if err != nil || first == nil {
		return err // it is taken away last, and most namespaces never had it
	}
	for _, o := range slices.Backward(objects) {
		there, err := t.foreign.Get(ctx, o)
		if err != nil {
			return err
		}
		if there == nil || there.GetLabels()[tenant.LabelManagedBy] != byController {
			continue
		}
		if err := t.foreign.Delete(ctx, there); err != nil {
			return err
		}
	}
	return nil
}

// tell applies the conditions of a FissionTenant, when they differ.
func (t *tenants) tell(ctx context.Context, d *v1.FissionTenant, exists bool, err error) error {
	conditions := tenantConditions(d.Spec.Namespace, exists, err)
	s := v1.FissionTenantStatus{
		ObservedGeneration: d.Generation, Conditions: date(d.Status.Conditions, conditions, d.Generation, metav1.Now()),
	}
	if d.DeletionTimestamp != nil || d.Status.ObservedGeneration == d.Generation && same(d.Status.Conditions, s.Conditions) {
		return nil
	}
	return kube.ApplyStatus(ctx, t.clients.FissionTenants(), d, s)
}

// tenantConditions returns RBACProvisioned, WatchActive and Ready of a tenant.
func tenantConditions(namespace string, exists bool, err error) []metav1.Condition {
	watched := truth(v1.ConditionWatchActive, v1.ReasonAvailable, "the parts watch every namespace")
	switch {
	case !exists:
		message := fmt.Sprintf("namespace %s does not exist: create it, and it is made a tenant", namespace)
		return []metav1.Condition{
			watched, untruth(v1.ConditionRBACProvisioned, v1.ReasonNamespaceNotFound, message), untruth(v1.ConditionReady, v1.ReasonNamespaceNotFound, message),
		}
	case err != nil:
		reason := v1.ReasonProvisioning
		if apierrors.IsForbidden(err) {
			reason = v1.ReasonNotAllowed
		}
		return []metav1.Condition{
			watched, untruth(v1.ConditionRBACProvisioned, reason, err.Error()), untruth(v1.ConditionReady, reason, err.Error()),
		}
	}
	return []metav1.Condition{
		watched, truth(v1.ConditionRBACProvisioned, v1.ReasonAvailable, "the parts have their rights, and policies are there"),
		truth(v1.ConditionReady, v1.ReasonAvailable, "functions can live in the namespace"),
	}
}
