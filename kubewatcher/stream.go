package kubewatcher

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/kubewatcher/filter"
)

const (
	// page is how many objects are listed at a time.
	page = 500
	// slack is what the time of a position may be after that of the last change before it, clocks and whole seconds included. What was
	// made within it is told as added: somebody who waits for additions alone would miss it else.
	slack = 5 * time.Second
)

// stream is one session's way through the changes.
type stream struct {
	runner    *runner
	trigger   *v1.KubernetesWatchTrigger
	author    v1.Author
	resource  Resource
	namespace string
	filter    *filter.Filter
}

// follow tells of changes from the cursor on, until ctx ends or something breaks.
func (s *stream) follow(ctx context.Context) error {
	r := s.runner
	switch {
	case r.cursor == "":
		if err := s.listAll(ctx); err != nil {
			return s.refused(err)
		}
	case r.known == nil:
		if err := s.recall(ctx); err != nil {
			return s.refused(err)
		}
	}
	for ctx.Err() == nil {
		err := s.watch(ctx)
		if gone(err) {
			err = s.compare(ctx)
		}
		if err != nil {
			return s.refused(err)
		}
	}
	return nil
}

// gone reports that the API server has forgotten a resourceVersion.
func gone(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

// listAll tells of every object that is there, and sets the cursor.
func (s *stream) listAll(ctx context.Context) error {
	found := map[types.UID]known{}
	at, err := s.pages(ctx, func(o *unstructured.Unstructured) error {
		found[o.GetUID()] = knownOf(o)
		if s.trigger.Spec.SkipExisting {
			return nil
		}
		return s.tell(ctx, watch.Added, o, "")
	})
	if err != nil {
		return err
	}
	s.reached(at, found)
	return nil
}

// pages calls each for every object, and returns the list's resourceVersion.
func (s *stream) pages(ctx context.Context, each func(*unstructured.Unstructured) error) (at string, err error) {
	o := s.options()
	o.Limit = page
	for {
		list, err := s.runner.watcher.config.Cluster.List(ctx, s.resource, s.namespace, o)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			if err := each(&list.Items[i]); err != nil {
				return "", err
			}
		}
		if o.Continue = list.GetContinue(); o.Continue == "" {
			return list.GetResourceVersion(), nil
		}
	}
}

// recall finds out what objects there were at the cursor, which a process before this one has left. When the API server
// has forgotten that, it tells what has changed since.
func (s *stream) recall(ctx context.Context) error {
	r := s.runner
	found := map[types.UID]known{}
	o := s.options()
	o.Limit, o.ResourceVersion, o.ResourceVersionMatch = page, r.cursor, metav1.ResourceVersionMatchExact
	for {
		list, err := r.watcher.config.Cluster.ListMetadata(ctx, s.resource, s.namespace, o)
		if gone(err) {
			return s.compareUnknown(ctx)
		}
		if err != nil {
			return err
		}
		for i := range list.Items {
			found[list.Items[i].UID] = knownOf(&list.Items[i])
		}
		if o.Continue = list.Continue; o.Continue == "" {
			break
		}
		o.ResourceVersion, o.ResourceVersionMatch = "", "" // the token says it
	}
	r.known = found
	return nil
}

// compare tells what differs between the objects that are known and those that are there: the watch could not resume.
func (s *stream) compare(ctx context.Context) error {
	s.gap("The API server had forgotten where to resume; what differs now was told.")
	found := map[types.UID]known{}
	at, err := s.pages(ctx, func(o *unstructured.Unstructured) error {
		now := knownOf(o)
		found[o.GetUID()] = now
		switch before, ok := s.runner.known[o.GetUID()]; {
		case !ok:
			return s.tell(ctx, watch.Added, o, "")
		case before.version != now.version:
			return s.tell(ctx, watch.Modified, o, "")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for uid, k := range s.runner.known {
		if _, ok := found[uid]; !ok {
			if err := s.tell(ctx, watch.Deleted, s.tombstone(uid, k, at), ""); err != nil {
				return err
			}
		}
	}
	s.reached(at, found)
	return nil
}

// compareUnknown does what can be done when nobody knows what objects there were: a newer resourceVersion is a change.
// Deletions stay unknown.
func (s *stream) compareUnknown(ctx context.Context) error {
	s.gap("The API server had forgotten where to resume; what changed since was told, deletions meanwhile are not known.")
	since, err := strconv.ParseUint(s.runner.cursor, 10, 64)
	if err != nil {
		since = 0 // not comparable: everything may have changed
	}
	found := map[types.UID]known{}
	at, err := s.pages(ctx, func(o *unstructured.Unstructured) error {
		found[o.GetUID()] = knownOf(o)
		version, err := strconv.ParseUint(o.GetResourceVersion(), 10, 64)
		if err == nil && version <= since {
			return nil
		}
		if o.GetCreationTimestamp().After(s.runner.since.Add(-slack)) {
			return s.tell(ctx, watch.Added, o, "")
		}
		return s.tell(ctx, watch.Modified, o, "")
	})
	if err != nil {
		return err
	}
	s.reached(at, found)
	return nil
}

func (s *stream) gap(message string) {
	r := s.runner
	r.watcher.gaps.Inc()
	r.mu.Lock()
	r.gaps++
	r.lastGap = " At " + time.Now().UTC().Format(time.RFC3339) + ": " + message
	r.mu.Unlock()
	r.flusher.Log.Warn("gap in a watch", "message", message)
}

// reached says that everything up to a resourceVersion was told, and what objects there are.
func (s *stream) reached(at string, found map[types.UID]known) {
	s.runner.cursor, s.runner.known = at, found
	s.runner.queue.Reached(at)
}

// tombstone is all that is known of an object that nobody saw go.
func (s *stream) tombstone(uid types.UID, k known, at string) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(s.resource.GroupVersion().WithKind(s.resource.Kind))
	o.SetNamespace(k.namespace)
	o.SetName(k.name)
	o.SetUID(uid)
	o.SetResourceVersion(at)
	return o
}

func knownOf(o metav1.Object) known {
	return known{namespace: o.GetNamespace(), name: o.GetName(), version: o.GetResourceVersion()}
}

// watch tells of changes until the API server ends the watch, which is no error.
func (s *stream) watch(ctx context.Context) error {
	o := s.options()
	seconds := int64(300 + rand.IntN(300)) //nolint:gosec // spreads the ends, nothing more
	o.ResourceVersion, o.AllowWatchBookmarks, o.TimeoutSeconds = s.runner.cursor, true, &seconds
	w, err := s.runner.watcher.config.Cluster.Watch(ctx, s.resource, s.namespace, o)
	if err != nil {
		return err
	}
	defer w.Stop()
	s.runner.say(metav1.ConditionTrue, v1.ReasonWatching, "The function is called when "+s.resource.GroupResource().String()+" change."+s.runner.gapMessage())
	began := time.Now()
	for {
		select {
		case e, ok := <-w.ResultChan():
			switch {
			case !ok && time.Since(began) < time.Second:
				return errShort
			case !ok:
				return nil
			}
			if err := s.take(ctx, e); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// errShort keeps watches that end at once from being made without pause.
var errShort = errors.New("the API server ended the watch at once")

// take handles one event of the watch.
func (s *stream) take(ctx context.Context, e watch.Event) error {
	if e.Type == watch.Error {
		return apierrors.FromObject(e.Object)
	}
	o, ok := e.Object.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	r, at := s.runner, o.GetResourceVersion()
	switch e.Type {
	case watch.Bookmark:
		r.cursor = at
		r.queue.Reached(at)
		return nil
	case watch.Deleted:
		delete(r.known, o.GetUID())
	default:
		r.known[o.GetUID()] = knownOf(o)
	}
	if err := s.tell(ctx, e.Type, o, at); err != nil {
		return err
	}
	r.cursor = at
	return nil
}
