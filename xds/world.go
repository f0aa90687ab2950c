package xds

import (
	"maps"
	"slices"
	"sync"

	"hotpod.dev/wire"
)

// world is what the informers said, indexed for what is made of it. It is safe for concurrent use.
type world struct {
	mu     sync.Mutex // guards all below
	routes map[Key]declared
	// byName holds the functions that exist; clusters also those that are gone but may still be in a route table.
	byName   map[Key]Function
	clusters map[string]Function
	// hot pods by function UID and pod UID, and where each pod is.
	hot        map[string]map[string]Pod
	pods       map[string]Pod
	activators []string
}

// declared is a route as its owner declared it, readable or not.
type declared struct {
	uid        string
	generation int64
	route      *Route // nil when err is not
	err        error
}

func newWorld() *world {
	return &world{
		routes: map[Key]declared{}, byName: map[Key]Function{}, clusters: map[string]Function{},
		hot: map[string]map[string]Pod{}, pods: map[string]Pod{},
	}
}

func (w *world) setRoute(k Key, d declared) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.routes[k] = d
}

func (w *world) deleteRoute(k Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.routes, k)
}

// setFunction says whether the function's cluster and whether its routes are another than before.
func (w *world) setFunction(f Function) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := Key{f.ID.Namespace, f.ID.Name}
	old, ok := w.byName[name]
	w.byName[name], w.clusters[f.ID.UID] = f, f
	return !ok || old != f
}

// deleteFunction forgets the function unless another one has its name by now. Its cluster stays until bury.
func (w *world) deleteFunction(id wire.FunctionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := Key{id.Namespace, id.Name}
	if w.byName[name].ID.UID == id.UID {
		delete(w.byName, name)
	}
}

// setPod returns the UIDs of the functions whose endpoints changed; all says that those of every function did.
func (w *world) setPod(p Pod) (functions []string, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, known := w.pods[p.UID]
	if old == p {
		return nil, false
	}
	if known {
		functions, all = w.remove(old)
	}
	w.pods[p.UID] = p
	if p.Function == "" {
		return functions, w.countActivators() || all
	}
	if w.hot[p.Function] == nil {
		w.hot[p.Function] = map[string]Pod{}
	}
	w.hot[p.Function][p.UID] = p
	return append(functions, p.Function), all
}

// deletePod is the opposite of setPod; an unknown pod changes nothing.
func (w *world) deletePod(uid string) (functions []string, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	old, known := w.pods[uid]
	if !known {
		return nil, false
	}
	return w.remove(old)
}

// remove is called with mu held.
func (w *world) remove(p Pod) (functions []string, all bool) {
	delete(w.pods, p.UID)
	if p.Function == "" {
		return nil, w.countActivators()
	}
	delete(w.hot[p.Function], p.UID)
	if len(w.hot[p.Function]) == 0 {
		delete(w.hot, p.Function)
	}
	return []string{p.Function}, false
}

// countActivators says whether the list changed. When the last activator goes the list stays as it was, since it is
// likely to come back where it was: see nobody. Before there was one, those that are not ready will do: what the API
// server says of them may be old. It is called with mu held.
func (w *world) countActivators() bool {
	addresses := w.activatorsThat(func(p Pod) bool { return !p.Unready })
	if len(addresses) == 0 && len(w.activators) == 0 {
		addresses = w.activatorsThat(func(p Pod) bool { return p.Unready })
	}
	if len(addresses) == 0 || slices.Equal(addresses, w.activators) {
		return false
	}
	w.activators = addresses
	return true
}

// activatorsThat are in order. It is called with mu held.
func (w *world) activatorsThat(fit func(Pod) bool) []string {
	var addresses []string
	for _, p := range w.pods {
		if p.Function == "" && fit(p) {
			addresses = append(addresses, p.Address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// cluster makes the function's cluster, nil when there is no such function.
func (w *world) cluster(uid string) *resource {
	if refusal := refusalCluster(uid); refusal != nil {
		return newResource(uid, refusal)
	}
	w.mu.Lock()
	f, ok := w.clusters[uid]
	w.mu.Unlock()
	if !ok {
		return nil
	}
	return newResource(uid, functionCluster(f))
}

// endpoints makes the function's endpoints, nil when there is no such function.
func (w *world) endpoints(uid string) *resource {
	w.mu.Lock()
	_, ok := w.clusters[uid]
	hot, activators := slices.Collect(maps.Values(w.hot[uid])), w.activators
	w.mu.Unlock()
	if !ok {
		return nil
	}
	return newResource(uid, functionEndpoints(uid, hot, activators))
}

// cold reports whether the function exists and has no hot pod, as far as is known here.
func (w *world) cold(uid string) (id wire.FunctionID, cold bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.clusters[uid]
	return f.ID, ok && len(w.hot[uid]) == 0
}

// view is a copy of what route tables are made of.
type view struct {
	declared  map[Key]declared
	functions map[Key]Function
}

func (w *world) view() view {
	w.mu.Lock()
	defer w.mu.Unlock()
	return view{maps.Clone(w.routes), maps.Clone(w.byName)}
}

// bury forgets the clusters that v has no function for, if that is still so, and returns their UIDs.
func (w *world) bury(v view) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var gone []string
	for uid, f := range w.clusters {
		name := Key{f.ID.Namespace, f.ID.Name}
		if v.functions[name].ID.UID != uid && w.byName[name].ID.UID != uid {
			delete(w.clusters, uid)
			gone = append(gone, uid)
		}
	}
	return gone
}
