package kubewatcher

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kubewatcher/filter"
)

// session serves the trigger until ctx ends or something goes wrong; problems are told in the trigger's conditions.
func (r *runner) session(ctx context.Context, t *v1.KubernetesWatchTrigger) error {
	s := &stream{runner: r, trigger: t}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if source := sourceOf(t, s.resource); source != r.source {
		if r.source != "" || r.cursor != "" {
			r.forget()
		}
		r.source = source
	}
	r.mu.Lock()
	r.resource = s.resource.String()
	r.mu.Unlock()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go s.review(ctx, stop)
	err := s.follow(ctx)
	if p, ok := errors.AsType[*problem](context.Cause(ctx)); ok {
		err = p
	}
	if p, ok := errors.AsType[*problem](err); ok && p.reason == v1.ReasonAuthorForbidden {
		r.forget() // what happens meanwhile is not the author's to know later
	}
	return err
}

// prepare finds out what is to be watched, and whether it may be.
func (s *stream) prepare(ctx context.Context) error {
	spec := &s.trigger.Spec
	if err := s.trigger.Validate(); err != nil {
		return &problem{reason: v1.ReasonSelectorInvalid, message: err.Error(), lasting: true}
	}
	var err error
	if s.filter, err = filter.Compile(spec.Filter); err != nil {
		return &problem{reason: v1.ReasonFilterInvalid, message: err.Error(), lasting: true}
	}
	author, ok := s.trigger.Author()
	if !ok {
		return &problem{reason: v1.ReasonAuthorUnknown, lasting: true, message: "Nobody recorded who wrote this trigger, so that " +
			"nobody knows what it may read: write it by hotpod watch create or hotpod spec apply, which sign it, or see docs/events.md."}
	}
	s.author = author
	s.resource, err = s.runner.watcher.config.Cluster.Resolve(ctx, spec.Type, spec.APIVersion)
	if errors.Is(err, ErrUnknownType) {
		return &problem{reason: v1.ReasonTypeUnknown, message: err.Error() + ". See kubectl api-resources; a type that is installed later is found then."}
	}
	if err != nil {
		return err
	}
	if s.namespace = s.trigger.Watched(); !s.resource.Namespaced {
		s.namespace = ""
	}
	return s.allowed(ctx)
}

func (s *stream) access() Access {
	return Access{Resource: s.resource, Namespace: s.namespace, Name: named(s.trigger.Spec.FieldSelector)}
}

// allowed returns the problem that the author may not read, if so.
func (s *stream) allowed(ctx context.Context) error {
	may, why, err := s.runner.watcher.config.Cluster.MayRead(ctx, s.author, s.access())
	if err != nil {
		return fmt.Errorf("ask what %s may read: %w", s.author.Name, err)
	}
	if !may {
		return &problem{reason: v1.ReasonAuthorForbidden, message: forbiddenMessage(s.author, s.access(), why)}
	}
	return nil
}

// review looks at the author's rights now and then, and ends the session when they are gone.
func (s *stream) review(ctx context.Context, stop context.CancelCauseFunc) {
	for {
		select {
		case <-time.After(s.runner.watcher.config.Review):
		case <-ctx.Done():
			return
		}
		// While nobody can answer, what was allowed before goes on.
		if p, ok := errors.AsType[*problem](s.allowed(ctx)); ok {
			stop(p)
			return
		}
	}
}

// refused turns the API server's refusal of this process into a problem that says what to grant.
func (s *stream) refused(err error) error {
	if !apierrors.IsForbidden(err) {
		return err
	}
	return &problem{reason: v1.ReasonWatchForbidden, message: fmt.Sprintf("Hotpod itself may not list and watch %s: "+
		"grant it by a ClusterRole with the label hotpod.dev/aggregate-to-kubewatcher: \"true\", see docs/events.md (%v)",
		s.resource.GroupResource(), err)}
}

// options are those of lists and watches.
func (s *stream) options() metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: s.trigger.Selector(), FieldSelector: s.trigger.Spec.FieldSelector}
}
