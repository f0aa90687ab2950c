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
	made    map[string]map[string]*resource // what makers made and nobody has touched since
	streams map[*stream]struct{}
}

// events is told what Envoys answer. Its methods are called with the catalog locked and must not call it.
type events interface {
	acknowledged(s *stream, kind string, r *resource)
	refused(s *stream, kind string, names []string, reason string)
	closed(s *stream)
}

func newCatalog(makers map[string]func(string) *resource, e events) *catalog {
	c := &catalog{
		makers: makers, events: e,
		set: map[string]map[string]*resource{}, made: map[string]map[string]*resource{}, streams: map[*stream]struct{}{},
	}
	for _, kind := range typesInOrder() {
		c.set[kind], c.made[kind] = map[string]*resource{}, map[string]*resource{}
	}
	return c
}

// put replaces a listener or a route table and returns the resource that is current now: the old one when nothing
// changed.
func (c *catalog) put(kind string, r *resource) *resource {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.set[kind][r.name]
	if old != nil {
		if old.version == r.version {
			return old
		}
		r.number, r.good = old.number, old.good
		if old.acked {
			r.good = old
			old.good = nil // a chain of all versions would never end
		}
	}
	r.number++
	c.set[kind][r.name] = r
	c.tell(kind, r.name)
	return r
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
