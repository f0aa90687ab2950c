package controller

import (
	"context"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kube"
	"hotpod.dev/wire"
)

const (
	// pendingGrace is how long a route may wait for Envoy before that is written down: mostly it takes milliseconds.
	pendingGrace = time.Second
	// silentGrace is how long xds may say nothing of a route.
	silentGrace = 5 * time.Second
)

// routeConditions returns RouteAdmitted and Ready of a route.
func routeConditions(s wire.RouteStatus) []metav1.Condition {
	admitted := truth(v1.ConditionRouteAdmitted, v1.ReasonRouteAdmitted, "the route is accepted")
	refused := func(reason, fallback string) []metav1.Condition {
		message := s.Message
		if message == "" {
			message = fallback
		}
		return []metav1.Condition{
			untruth(v1.ConditionRouteAdmitted, reason, message),
			untruth(v1.ConditionReady, reason, message),
		}
	}
	switch s.State {
	case wire.RouteAcknowledged:
		return []metav1.Condition{admitted, truth(v1.ConditionReady, v1.ReasonAcknowledged, "every connected Envoy serves the route")}
	case wire.RouteNoEnvoy:
		return []metav1.Condition{admitted, unknown(v1.ConditionReady, v1.ReasonNoEnvoyConnected, "no Envoy is connected to serve the route")}
	case wire.RouteConflict:
		return refused(v1.ReasonRouteConflict, "another route has the same URL")
	case wire.RouteInvalid:
		return refused(v1.ReasonRouteInvalid, "the route cannot be served as it is")
	case wire.RouteFunctionNotFound:
		return refused(v1.ReasonFunctionNotFound, "the function does not exist")
	default:
		return []metav1.Condition{admitted, untruth(v1.ConditionReady, v1.ReasonWaitingForEnvoy, "not every connected Envoy serves the route yet")}
	}
}

// silentConditions are those of a route of which xds has said nothing.
func silentConditions() []metav1.Condition {
	return []metav1.Condition{unknown(v1.ConditionReady, v1.ReasonWaitingForEnvoy, "xds has not said yet what became of the route")}
}

// reconcileRoute applies what xds said of a route.
func (c *Controller) reconcileRoute(ctx context.Context, key kube.Key) (time.Duration, error) {
	t, ok := c.routes.Get(key.Namespace, key.Name)
	if !ok || t.DeletionTimestamp != nil {
		if c.publisher == nil {
			return 0, nil
		}
		return 0, c.publisher.withdraw(ctx, key, "")
	}
	published, again, err := c.publish(ctx, t)
	if err != nil {
		return 0, err
	}
	conditions, wait := c.routeFacts(t, time.Now())
	if wait > 0 {
		again = wait
	}
	if conditions == nil {
		if conditions = spoken(t); conditions == nil {
			return again, nil
		}
	}
	s := v1.HTTPTriggerStatus{
		ObservedGeneration: t.Generation,
		Conditions:         date(t.Status.Conditions, slices.Concat(conditions, published), t.Generation, metav1.Now()),
	}
	if s.ObservedGeneration == t.Status.ObservedGeneration && same(t.Status.Conditions, s.Conditions) && !outlived(t.Status.Conditions, s.Conditions) {
		return again, nil
	}
	for _, kind := range []string{v1.ConditionRouteAdmitted, v1.ConditionPublished} {
		if bad := worsened(t.Status.Conditions, s.Conditions, kind); bad != nil {
			c.events.Warning(t, bad.Reason, bad.Message)
		}
	}
	return again, kube.ApplyStatus(ctx, c.clients.HTTPTriggers(t.Namespace), t, s)
}

// spoken are the conditions that xds has spoken of, as they stand, of a route whose present generation it has spoken of; else nil:
// what was written of another generation stays as it is.
func spoken(t *v1.HTTPTrigger) []metav1.Condition {
	if t.Status.ObservedGeneration != t.Generation {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.Status.Conditions), func(c metav1.Condition) bool {
		return c.Type != v1.ConditionRouteAdmitted && c.Type != v1.ConditionReady
	})
}

// publish has the route published, where routes are.
func (c *Controller) publish(ctx context.Context, t *v1.HTTPTrigger) ([]metav1.Condition, time.Duration, error) {
	if c.publisher == nil {
		return nil, 0, nil
	}
	return c.publisher.publish(ctx, t)
}

// routeDeleted has what published a route taken away.
func (c *Controller) routeDeleted(t *v1.HTTPTrigger) {
	c.reports.drop(string(t.UID))
	c.routeLoop.Add(kube.KeyOf(t))
}

// findPublished has the routes looked at that were published before the controller started, as they may be gone by now.
func (c *Controller) findPublished(ctx context.Context) {
	if c.publisher == nil {
		return
	}
	keys, err := c.publisher.find(ctx)
	if err != nil {
		c.log.Error("published routes not found, those deleted meanwhile stay published", "error", err)
	}
	for _, key := range keys {
		c.routeLoop.Add(key)
	}
}

// routeFacts returns the conditions to write now, or none and when to look again.
func (c *Controller) routeFacts(t *v1.HTTPTrigger, now time.Time) ([]metav1.Condition, time.Duration) {
	s, since := c.reports.route(string(t.UID))
	if s == nil || s.Generation < t.Generation {
		if t.Status.ObservedGeneration != 0 {
			return nil, 0 // what was written last stands until xds speaks
		}
		if age := now.Sub(t.CreationTimestamp.Time); age < silentGrace {
			return nil, silentGrace - age
		}
		return silentConditions(), 0
	}
	if s.Generation > t.Generation {
		return nil, 0 // the informer is behind and will tell
	}
	if age := now.Sub(since); s.State == wire.RoutePending && age < pendingGrace {
		return nil, pendingGrace - age
	}
	return routeConditions(*s), 0
}
