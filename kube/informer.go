package kube

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// Informer keeps the objects of one kind, as the API server has them, and tells handlers of changes. Make it by a
// method of Cache. It is safe for concurrent use.
type Informer[T Object] struct {
	shared cache.SharedIndexInformer

	mu     sync.Mutex
	synced []syncing // of the handlers
}

// syncing is one handler's way through its first list.
type syncing struct {
	done <-chan struct{}
	then func()
}

// Watch adds a handler. One that is added while the cache runs is told of all objects first; its Synced is not called.
// It panics when the cache has stopped.
func (i *Informer[T]) Watch(h Handler[T]) {
	registration, err := i.shared.AddEventHandler(h.events())
	if err != nil {
		panic(fmt.Errorf("add a handler: %w", err))
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.synced = append(i.synced, syncing{done: registration.HasSyncedChecker().Done(), then: h.Synced})
}

// Index lets By find objects by the values that of returns. It panics for a name in use: call it before Cache.Run.
func (i *Informer[T]) Index(name string, of func(T) []string) {
	err := i.shared.AddIndexers(cache.Indexers{name: func(obj any) ([]string, error) {
		o, ok := obj.(T)
		if !ok {
			return nil, nil
		}
		return of(o), nil
	}})
	if err != nil {
		panic(fmt.Errorf("add index %s: %w", name, err))
	}
}

// Get returns an object as last seen; namespace is empty for kinds that are in none.
func (i *Informer[T]) Get(namespace, name string) (T, bool) {
	key := name
	if namespace != "" {
		key = namespace + "/" + name
	}
	obj, _, err := i.shared.GetIndexer().GetByKey(key)
	o, ok := obj.(T)
	return o, ok && err == nil
}

// List returns every object, in no order.
func (i *Informer[T]) List() []T { return typed[T](i.shared.GetIndexer().List()) }

// By returns the objects that the index has under value, in no order; none when there is no such index.
func (i *Informer[T]) By(index, value string) []T {
	objects, err := i.shared.GetIndexer().ByIndex(index, value)
	if err != nil {
		return nil
	}
	return typed[T](objects)
}

// Len returns the number of objects.
func (i *Informer[T]) Len() int { return len(i.shared.GetIndexer().ListKeys()) }

func typed[T Object](objects []any) []T {
	out := make([]T, 0, len(objects))
	for _, obj := range objects {
		if o, ok := obj.(T); ok {
			out = append(out, o)
		}
	}
	return out
}

// run lists and watches until ctx ends.
func (i *Informer[T]) run(ctx context.Context) { i.shared.RunWithContext(ctx) }

// handlers returns how far the informer and its handlers are.
func (i *Informer[T]) handlers() []syncing {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]syncing{{done: i.shared.HasSyncedChecker().Done()}}, i.synced...)
}

// source is what an informer reads from; a Client is one.
type source[L runtime.Object] interface {
	List(ctx context.Context, o metav1.ListOptions) (L, error)
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}

// selection chooses objects, by selectors of labels and of fields; empty ones choose all.
type selection struct{ labels, fields string }

func (s selection) apply(o metav1.ListOptions) metav1.ListOptions {
	o.LabelSelector, o.FieldSelector = s.labels, s.fields
	return o
}

func newInformer[T Object, L runtime.Object](s source[L], example T, which selection, transform cache.TransformFunc, log *slog.Logger) *Informer[T] {
	resource := fmt.Sprintf("%T", example)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return patient(ctx, log, resource, func() (runtime.Object, error) { return s.List(ctx, which.apply(o)) })
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return patient(ctx, log, resource, func() (watch.Interface, error) { return s.Watch(ctx, which.apply(o)) })
		},
	}
	shared := cache.NewSharedIndexInformerWithOptions(lw, example, cache.SharedIndexInformerOptions{Indexers: cache.Indexers{}})
	_ = shared.SetTransform(transform) // fails only once started
	return &Informer[T]{shared: shared}
}
