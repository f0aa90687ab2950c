package xds

import (
	"maps"
	"slices"
	"time"
)

// build makes the route tables of what is known now, and lets go of the clusters that they no longer lead to.
func (s *Server) build() {
	start := time.Now()
	v := s.world.view()
	routes := make([]*Route, 0, len(v.declared))
	for _, d := range v.declared {
		if d.route != nil {
			routes = append(routes, d.route)
		}
	}
	t := resolve(routes, func(k Key) (Function, bool) { f, ok := v.functions[k]; return f, ok }, s.before)
	if s.functions == nil || !maps.Equal(v.functions, s.functions) {
		s.names = internalItems(v.functions, s.names, s.functions)
		s.tables[1] = s.internal.update(s.config, s.names, false, renderInternal)
		if len(s.config.Services) > 0 {
			s.tables[2] = s.services.update(s.config, serviceItems(v.functions), false, renderServices)
		}
	}
	own := t.ownPaths(s.config.Version)
	fresh := s.before == nil || own != s.before.ownPaths(s.config.Version)
	s.tables[0] = s.public.update(s.config, t.items, fresh, renderPublic(own, s.config.shareFrom))
	number := s.catalog.replace(typeScope, slices.Concat(s.tables[:]...))
	s.before, s.functions = t, v.functions
	s.tracker.built(v, t, number, time.Now())
	gone := s.world.bury(v)
	s.catalog.touch(typeCluster, gone...)
	s.catalog.touch(typeEndpoint, gone...)
	s.metrics.rebuild.Observe(time.Since(start).Seconds())
}
