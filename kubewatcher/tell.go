package kubewatcher

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"

	"hotpod.dev/event"
)

// Headers of an event, as in Fission.
const (
	HeaderEventType  = "X-Kubernetes-Event-Type"
	HeaderObjectType = "X-Kubernetes-Object-Type"
)

// tell puts a change into the queue when somebody wants it. A position is reached with it, unless it is empty.
func (s *stream) tell(ctx context.Context, kind watch.EventType, o *unstructured.Unstructured, position string) error {
	r := s.runner
	if !s.wanted(kind, o) {
		r.watcher.events.WithLabelValues(string(kind), "filtered").Inc()
		if position != "" {
			r.queue.Reached(position)
		}
		return nil
	}
	body, err := o.MarshalJSON() // as it stands in the API, with apiVersion and kind
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", o.GetKind(), o.GetName(), err)
	}
	name := o.GetName()
	if o.GetNamespace() != "" {
		name = o.GetNamespace() + "/" + name
	}
	r.watcher.events.WithLabelValues(string(kind), "taken").Inc()
	return r.queue.Put(ctx, &event.Call{
		ID:   event.ID(string(s.trigger.UID), string(o.GetUID()), o.GetResourceVersion()),
		What: fmt.Sprintf("%s %s %s", kind, o.GetKind(), name),
		Key:  string(o.GetUID()), Due: time.Now(), Position: position,
		Namespace: s.trigger.Namespace, Function: s.trigger.Spec.FunctionReference.Name, Method: http.MethodPost,
		Header: http.Header{
			HeaderEventType: {string(kind)}, HeaderObjectType: {s.resource.Kind}, "Content-Type": {"application/json"},
		},
		Body: body,
	})
}

func (s *stream) wanted(kind watch.EventType, o *unstructured.Unstructured) bool {
	if events := s.trigger.Spec.Events; len(events) > 0 && !slices.Contains(events, string(kind)) {
		return false
	}
	wants, err := s.filter.Wants(string(kind), o.Object)
	if err != nil {
		s.runner.flusher.Log.Debug("filter has no answer", "object", o.GetName(), "error", err)
	}
	return wants
}
