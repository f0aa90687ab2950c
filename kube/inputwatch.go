package kube

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"

	v1 "hotpod.dev/api/v1"
)

// byOrigin is the index of functions by the Secrets and ConfigMaps that they name.
const byOrigin = "origin"

// InputWatch tells which functions name a Secret or ConfigMap that may have changed. It watches their metadata only,
// and only in namespaces with functions that name one: one watch for a namespace's Secrets, one for its ConfigMaps.
type InputWatch struct {
	client    metadata.Interface
	functions *Informer[*v1.Function]
	changed   func(functionUID string)
	log       *slog.Logger

	mu sync.Mutex // guards all below
	// named are the places where a function, by its UID, names something; users counts them.
	named map[types.UID][]place
	users map[place]int
	// running are the watches' ends; wake has a value when users has changed.
	running map[place]context.CancelFunc
	wake    chan struct{}
}

// place is the Secrets of a namespace, or its ConfigMaps.
type place struct {
	namespace string
	secret    bool
}

// key is what the index has a function under that names that object.
func (p place) key(name string) string {
	return origin{secret: p.secret}.kind() + "/" + p.namespace + "/" + name
}

// NewInputWatch returns a watch over what the functions of the cache name. Make it before Cache.Run; changed is called
// from Run, and must not block for long.
func NewInputWatch(clients *Clients, cache *Cache, changed func(functionUID string), log *slog.Logger) (*InputWatch, error) {
	client, err := metadata.NewForConfig(clients.Config())
	if err != nil {
		return nil, err
	}
	w := &InputWatch{
		client: client, functions: cache.Functions(), changed: changed, log: log,
		named: map[types.UID][]place{}, users: map[place]int{}, running: map[place]context.CancelFunc{}, wake: make(chan struct{}, 1),
	}
	w.functions.Index(byOrigin, func(f *v1.Function) (keys []string) {
		for _, o := range originsOf(f) {
			keys = append(keys, place{f.Namespace, o.secret}.key(o.name))
		}
		return keys
	})
	return w, nil
}

// Run watches until ctx ends.
func (w *InputWatch) Run(ctx context.Context) error {
	w.functions.Watch(Handler[*v1.Function]{
		Set:    func(f *v1.Function) { w.count(f.UID, placesOf(f)) },
		Delete: func(f *v1.Function) { w.count(f.UID, nil) },
	})
	var watches sync.WaitGroup
	defer watches.Wait()
	for {
		w.settle(ctx, &watches)
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

func placesOf(f *v1.Function) (places []place) {
	for _, o := range originsOf(f) {
		if p := (place{f.Namespace, o.secret}); !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

// count notes where a function names something now.
func (w *InputWatch) count(uid types.UID, now []place) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(w.named[uid], now) {
		return
	}
	for _, p := range w.named[uid] {
		w.users[p]--
	}
	for _, p := range now {
		w.users[p]++
	}
	if w.named[uid] = now; now == nil {
		delete(w.named, uid)
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// settle starts the watches that are wanted and ends the others.
func (w *InputWatch) settle(ctx context.Context, watches *sync.WaitGroup) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, users := range w.users {
		stop := w.running[p]
		switch {
		case users > 0 && stop == nil:
			ctx, cancel := context.WithCancel(ctx)
			w.running[p] = cancel
			watches.Go(func() { w.watch(ctx, p) })
		case users == 0 && stop != nil:
			stop()
			delete(w.running, p)
		}
		if users == 0 {
			delete(w.users, p)
		}
	}
}

// watch tells of changes of a place until ctx ends. What is found at first may have changed while nobody looked.
func (w *InputWatch) watch(ctx context.Context, p place) {
	resource := corev1.SchemeGroupVersion.WithResource("configmaps")
	if p.secret {
		resource.Resource = "secrets"
	}
	informer := metadatainformer.NewFilteredMetadataInformer(w.client, resource, p.namespace, 0, cache.Indexers{}, nil).Informer()
	_ = informer.SetTransform(nameOnly) // fails only once started
	_ = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			w.log.Warn("watch broke, will be made again", "resource", resource.Resource, "namespace", p.namespace, "error", err)
		}
	})
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{ // fails only once stopped
		AddFunc: func(obj any) { w.tell(p, obj) },
		UpdateFunc: func(before, after any) {
			if version(before) != version(after) {
				w.tell(p, after)
			}
		},
		DeleteFunc: func(obj any) { w.tell(p, obj) },
	})
	informer.RunWithContext(ctx)
}

// tell tells of the functions that name an object.
func (w *InputWatch) tell(p place, obj any) {
	key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(obj)
	if err != nil {
		return
	}
	_, name, _ := cache.SplitMetaNamespaceKey(key)
	for _, f := range w.functions.By(byOrigin, p.key(name)) {
		w.changed(string(f.UID))
	}
}

func version(obj any) string {
	if o, ok := obj.(metav1.Object); ok {
		return o.GetResourceVersion()
	}
	return ""
}

// nameOnly keeps of an object what tells it from others and from itself before.
func nameOnly(obj any) (any, error) {
	o, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil // a tombstone
	}
	return &metav1.PartialObjectMetadata{TypeMeta: o.TypeMeta, ObjectMeta: metav1.ObjectMeta{
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion,
	}}, nil
}
