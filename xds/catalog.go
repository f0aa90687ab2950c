package xds

import (
	"sync"
)

// catalog holds the current resources and the streams that are told of changes. It is safe for concurrent use.
type catalog struct {
	// makers make clusters and endpoints when somebody asks for them.
	makers map[string]func(name string) *resource
	events events

	mu      sync.Mutex // guards all below, and the streams' fields
	set     map[string]map[string]*resource
	numbers map[string]uint64               // of the sets
	made    map[string]map[string]*resource // what makers made and nobody has touched since
	streams map[*stream]struct{}
}

// events is told what Envoys answer. Its methods are called with the catalog locked and must not call it.
type events interface {
	// acknowledged says that the Envoy has the set with the number, or a newer one, whole.
	acknowledged(s *stream, kind string, number uint64)
	refused(s *stream, kind string, names []string, reason string)
	// awaited says that the Envoy asked for something that it does not have.
	awaited(kind, name string)
	closed(s *stream)
}

func newCatalog(makers map[string]func(string) *resource, e events) *catalog {
	c := &catalog{
		makers: makers, events: e,
		set: map[string]map[string]*resource{}, numbers: map[string]uint64{}, made: map[string]map[string]*resource{}, streams: map[*stream]struct{}{},
	}
	for _, kind := range typesInOrder() {
		c.set[kind], c.made[kind] = map[string]*resource{}, map[string]*resource{}
	}
	return c
}

// replace makes these all the resources of a kind, listeners or scopes, at once. It returns the number of that set, for
// those who wait for it: another than before if anything is.
func (c *catalog) replace(kind string, all []*resource) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	set, changed := make(map[string]*resource, len(all)), false
	for _, r := range all {
		old := c.set[kind][r.name]
		if old != nil && old.version == r.version {
			r = old
		} else {
			changed = true
		}
		set[r.name] = r
		if old != nil && old != r {
			r.good = old.good
			if old.acked {
				r.good = old
				old.good = nil // a chain of all versions would never end
			}
		}
	}
	before := c.set[kind]
	c.set[kind] = set
	for name, r := range set {
		if before[name] != r {
			c.tell(kind, name)
		}
	}
	for name := range before {
		if set[name] == nil {
			changed = true
			c.tell(kind, name)
		}
	}
	if changed {
		c.numbers[kind]++
	}
	return c.numbers[kind]
}

// touch says that what a maker would make changed.
func (c *catalog) touch(kind string, names ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		delete(c.made[kind], name)
		c.tell(kind, name)
	}
}

// touchAll says that whatever a maker would make changed.
func (c *catalog) touchAll(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.made[kind] {
		delete(c.made[kind], name)
		c.tell(kind, name)
	}
}

// tell is called with mu held.
func (c *catalog) tell(kind, name string) {
	for s := range c.streams {
		s.changed(kind, name)
	}
}

// get returns the current resource, nil when there is none: the last good one while the newest was refused and nobody
// has taken it. It is called with mu held.
func (c *catalog) get(kind, name string) *resource {
	if r := c.set[kind][name]; r != nil {
		if r.refused && !r.acked && r.good != nil {
			return r.good
		}
		return r
	}
	if r := c.made[kind][name]; r != nil {
		return r
	}
	maker := c.makers[kind]
	if maker == nil {
		return nil
	}
	r := maker(name)
	if r != nil {
		c.made[kind][name] = r
	}
	return r
}

// names returns the resources that a subscription to everything gets. It is called with mu held.
func (c *catalog) names(kind string) []string {
	names := make([]string, 0, len(c.set[kind]))
	for name := range c.set[kind] {
		names = append(names, name)
	}
	return names
}

func (c *catalog) join(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams[s] = struct{}{}
}

func (c *catalog) leave(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, s)
	c.events.closed(s)
}
