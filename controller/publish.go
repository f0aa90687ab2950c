package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/manifests/tenant"
)

const (
	// keepPublished is after how long what publishes a route is looked at again: it is not watched.
	keepPublished = 10 * time.Minute
	// awaitPublished is the same while nobody has said yet what became of it.
	awaitPublished = 5 * time.Second
	// patience is for how long somebody's word is awaited; some never say anything.
	patience = time.Minute
)

// publisher keeps the objects by which routes are published outside of the cluster.
type publisher struct {
	platform, service string
	foreign           *kube.Foreign

	mu   sync.Mutex // guards made
	made map[kube.Key][]string
}

func newPublisher(c *Config) (*publisher, error) {
	foreign, err := kube.NewForeign(c.Clients)
	if err != nil {
		return nil, err
	}
	return &publisher{platform: c.Platform, service: c.Publish, foreign: foreign, made: map[kube.Key][]string{}}, nil
}

// find learns what was published before the controller started, and returns its routes.
func (p *publisher) find(ctx context.Context) ([]kube.Key, error) {
	var keys []kube.Key
	for provider, kind := range publishedKinds() {
		found, err := p.foreign.List(ctx, kind, p.platform, tenant.LabelManagedBy+"="+byController)
		if apierrors.IsNotFound(err) {
			continue // the cluster has no such kind
		}
		if err != nil {
			return nil, err
		}
		for i := range found {
			key := splitKey(found[i].GetAnnotations()[annotationRoute])
			p.note(key, provider)
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (p *publisher) note(key kube.Key, provider string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Contains(p.made[key], provider) {
		p.made[key] = append(slices.Clone(p.made[key]), provider)
	}
}

// others are the providers by which the route was published, but for one.
func (p *publisher) others(key kube.Key, but string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.made[key]), func(provider string) bool { return provider == but })
}

// withdraw deletes what published the route, but for one provider's.
func (p *publisher) withdraw(ctx context.Context, key kube.Key, but string) error {
	for _, provider := range p.others(key, but) {
		o, err := p.foreign.Get(ctx, publishedRef(key.Namespace, key.Name, provider, p.platform))
		if err == nil && o != nil && o.GetLabels()[tenant.LabelManagedBy] == byController {
			err = p.foreign.Delete(ctx, o)
		}
		if err != nil {
			return err
		}
		p.mu.Lock()
		p.made[key] = slices.DeleteFunc(slices.Clone(p.made[key]), func(made string) bool { return made == provider })
		if len(p.made[key]) == 0 {
			delete(p.made, key)
		}
		p.mu.Unlock()
	}
	return nil
}

// publish makes or mends what publishes the route. It returns the condition that says so, none for a route that is not to be
// published, and when to look again.
func (p *publisher) publish(ctx context.Context, t *v1.HTTPTrigger) ([]metav1.Condition, time.Duration, error) {
	no := func(reason, message string) ([]metav1.Condition, time.Duration, error) {
		return []metav1.Condition{untruth(v1.ConditionPublished, reason, message)}, time.Minute, nil
	}
	key := kube.KeyOf(t)
	wanted, fault := publicationOf(t)
	provider := ""
	if wanted != nil && fault == nil {
		provider = wanted.provider
	}
	if err := p.withdraw(ctx, key, provider); err != nil {
		return nil, 0, err
	}
	switch {
	case wanted == nil:
		return nil, 0, nil
	case fault != nil:
		return no(v1.ReasonIngressInvalid, fault.Error())
	}
	o := wanted.object(t, p.platform, p.service)
	there, err := p.foreign.Get(ctx, o)
	switch {
	case err == nil && there != nil && there.GetLabels()[tenant.LabelManagedBy] != byController:
		return no(v1.ReasonPublishConflict, fmt.Sprintf("there is %s %s/%s that is not the route's, and it stays as it is", o.GetKind(), p.platform, o.GetName()))
	case err == nil:
		err = p.foreign.Apply(ctx, o, byController)
	}
	switch {
	case apierrors.IsNotFound(err):
		return no(v1.ReasonProviderMissing, fmt.Sprintf("the cluster has no objects of kind %s (%s): install what serves them, or use another provider",
			o.GetKind(), o.GetAPIVersion()))
	case apierrors.IsForbidden(err):
		return no(v1.ReasonNotAllowed, err.Error())
	case apierrors.IsInvalid(err) || apierrors.IsBadRequest(err):
		return no(v1.ReasonIngressInvalid, err.Error())
	case err != nil:
		return nil, 0, err
	}
	p.note(key, provider)
	conditions, again := publishedConditions(o, there)
	if before := find(t.Status.Conditions, v1.ConditionPublished); before != nil && time.Since(before.LastTransitionTime.Time) > patience {
		again = keepPublished
	}
	return conditions, again, nil
}

// publishedConditions tells what became of an object, as whoever serves it said last; there is nil when it was made just now.
func publishedConditions(o, there *unstructured.Unstructured) ([]metav1.Condition, time.Duration) {
	what := fmt.Sprintf("%s %s/%s", o.GetKind(), o.GetNamespace(), o.GetName())
	address, refusal, known := "", "", false
	if there != nil {
		address, refusal, known = outcome(there)
	}
	switch {
	case refusal != "":
		return []metav1.Condition{untruth(v1.ConditionPublished, v1.ReasonNotAccepted, what+" is refused: "+refusal)}, awaitPublished
	case !known:
		return []metav1.Condition{truth(v1.ConditionPublished, v1.ReasonPublished, what+" is made")}, awaitPublished
	case address != "":
		what += " at " + address
	}
	return []metav1.Condition{truth(v1.ConditionPublished, v1.ReasonPublished, what+" is served")}, keepPublished
}

// outcome reads the status of what publishes a route: where it is reached, or why it is refused; known is false while nobody has
// said anything.
func outcome(o *unstructured.Unstructured) (address, refusal string, known bool) {
	switch o.GetKind() {
	case "HTTPRoute":
		parents, _, _ := unstructured.NestedSlice(o.Object, "status", "parents")
		refusal, known = refused(parents, "Accepted")
		return "", refusal, known
	case "Route":
		ingress, _, _ := unstructured.NestedSlice(o.Object, "status", "ingress")
		refusal, known = refused(ingress, "Admitted")
		if len(ingress) > 0 {
			first, _ := ingress[0].(map[string]any)
			address, _, _ = unstructured.NestedString(first, "host")
		}
		return address, refusal, known
	}
	addresses, _, _ := unstructured.NestedSlice(o.Object, "status", "loadBalancer", "ingress")
	for _, a := range addresses {
		entry, _ := a.(map[string]any)
		for _, field := range []string{"hostname", "ip"} {
			if text, _, _ := unstructured.NestedString(entry, field); text != "" {
				return text, "", true
			}
		}
	}
	return "", "", false
}

// refused looks for a condition that is False in what each server of an object says.
func refused(servers []any, kind string) (refusal string, known bool) {
	for _, s := range servers {
		server, _ := s.(map[string]any)
		conditions, _, _ := unstructured.NestedSlice(server, "conditions")
		for _, c := range conditions {
			condition, _ := c.(map[string]any)
			if condition["type"] != kind {
				continue
			}
			known = true
			if condition["status"] == "False" {
				refusal = fmt.Sprint(condition["reason"], ": ", condition["message"])
			}
		}
	}
	return refusal, known
}
