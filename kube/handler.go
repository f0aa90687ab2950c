package kube

import "k8s.io/client-go/tools/cache"

// Handler is told of the objects of one kind, in order, from one goroutine of its own. Objects are shared with every
// other reader: they must not be changed. Nil functions are skipped.
type Handler[T Object] struct {
	// Set is called for each object that is there and after each change.
	Set func(T)
	// Update, when not nil, is called for changes instead of Set.
	Update func(before, after T)
	// Delete is called with the last state that was seen.
	Delete func(T)
	// Synced is called once, after every object of the first list was handed to Set.
	Synced func()
}

func (h Handler[T]) events() cache.ResourceEventHandlerFuncs {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { h.set(obj) },
		UpdateFunc: func(before, after any) { h.update(before, after) },
		DeleteFunc: func(obj any) { h.delete(obj) },
	}
}

func (h Handler[T]) set(obj any) {
	if o, ok := obj.(T); ok && h.Set != nil {
		h.Set(o)
	}
}

func (h Handler[T]) update(before, after any) {
	if h.Update == nil {
		h.set(after)
		return
	}
	b, ok1 := before.(T)
	a, ok2 := after.(T)
	if ok1 && ok2 {
		h.Update(b, a)
	}
}

func (h Handler[T]) delete(obj any) {
	// A deletion that happened while the watch was broken arrives as the last state known.
	if unknown, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = unknown.Obj
	}
	if o, ok := obj.(T); ok && h.Delete != nil {
		h.Delete(o)
	}
}
