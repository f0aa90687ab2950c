package xds

import (
	"cmp"
	"slices"

	mutationv3 "github.com/envoyproxy/go-control-plane/envoy/config/common/mutation_rules/v3"
	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	headermutationv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	filterstatev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/anypb"
)

// Envoy holds one route table for each scope and takes in a table that changed without looking at the others, whereas one
// large table would cost it some 20 µs for each route whenever a single one changed. A request begins in the scope that
// is named as its listener. Where that has too many routes, it is divided by the paths' beginnings (see divide): the
// first table then leaps to the region's, by a route that changes headerScope and makes Envoy match again.

// publicDivision and internalDivision are a compromise: a larger region costs Envoy more time when one of its routes
// changes, each region costs it some 20 kB. A function by its name costs half as much as a route.
func publicDivision() division   { return division{most: 1024, least: 16} }
func internalDivision() division { return division{most: 2048, least: 16} }

// Names of the filters that a leap wakes: one changes headerScope, the other makes Envoy match again.
const (
	filterScope = "scope"
	filterAgain = "again"
)

// scopedRoutes says that headerScope names the table. Both listeners share one set of scopes.
func scopedRoutes() *hcmv3.ScopedRoutes {
	type (
		builder   = hcmv3.ScopedRoutes_ScopeKeyBuilder
		fragment  = hcmv3.ScopedRoutes_ScopeKeyBuilder_FragmentBuilder
		extractor = hcmv3.ScopedRoutes_ScopeKeyBuilder_FragmentBuilder_HeaderValueExtractor
	)
	return &hcmv3.ScopedRoutes{
		Name: "routes",
		ScopeKeyBuilder: &builder{Fragments: []*fragment{{Type: &hcmv3.ScopedRoutes_ScopeKeyBuilder_FragmentBuilder_HeaderValueExtractor_{
			HeaderValueExtractor: &extractor{Name: headerScope, ExtractType: &hcmv3.ScopedRoutes_ScopeKeyBuilder_FragmentBuilder_HeaderValueExtractor_Index{}},
		}}}},
		RdsConfigSource: viaADS(),
		ConfigSpecifier: &hcmv3.ScopedRoutes_ScopedRds{ScopedRds: &hcmv3.ScopedRds{ScopedRdsConfigSource: viaADS()}},
	}
}

// scope is a route table with its place.
func scope(table *routev3.RouteConfiguration) *routev3.ScopedRouteConfiguration {
	type key = routev3.ScopedRouteConfiguration_Key
	return &routev3.ScopedRouteConfiguration{
		Name: table.Name, RouteConfiguration: table,
		Key: &key{Fragments: []*routev3.ScopedRouteConfiguration_Key_Fragment{{
			Type: &routev3.ScopedRouteConfiguration_Key_Fragment_StringKey{StringKey: table.Name},
		}}},
	}
}

// scopeName names a region of a listener, the root when there is no prefix.
func scopeName(listener, prefix string) string {
	if prefix == "" {
		return listener
	}
	return listener + " " + prefix
}

// leaps sends the paths of regions on to their tables. It returns nil when there are none.
func leaps(listener string, regions []string) *matcher {
	targets := make(map[string]*onMatch, len(regions))
	for _, prefix := range regions {
		targets[prefix] = act(leap(scopeName(listener, prefix)))
	}
	return beginning(targets)
}

func leap(scope string) *routev3.Route {
	r := reply(500, "") // never given: the filters see to another route
	r.ResponseHeadersToAdd = nil
	r.TypedPerFilterConfig = map[string]*anypb.Any{
		filterScope: pack(&headermutationv3.HeaderMutationPerRoute{Mutations: &headermutationv3.Mutations{
			RequestMutations: []*mutationv3.HeaderMutation{
				{Action: &mutationv3.HeaderMutation_Append{Append: set(headerScope, literally(scope))}},
			},
		}}),
		filterAgain: pack(&routev3.FilterConfig{Config: pack(&filterstatev3.Config{ClearRouteCache: true})}),
	}
	return r
}

// scopes makes the tables of one listener, and remakes those whose content changed.
type scopes[T comparable] struct {
	listener string
	division division
	made     map[string]made[T] // by prefix
}

type made[T comparable] struct {
	items    []item[T]
	regions  []string
	resource *resource
}

// update returns the tables of items, sorted by head. render makes the matching of the values of a region; regions are
// the prefixes of the others when it is the root. fresh says that the root is to be made anew in any case.
func (s *scopes[T]) update(c Config, items []item[T], fresh bool, render func(prefix string, values []T, regions []string) *matcher) []*resource {
	all := divide(items, s.division)
	regions := make([]string, 0, len(all)-1)
	for _, r := range all[1:] {
		regions = append(regions, r.prefix)
	}
	before := s.made
	s.made = make(map[string]made[T], len(all))
	resources := make([]*resource, 0, len(all))
	for i, r := range all {
		m := made[T]{items: r.items}
		if i == 0 {
			m.regions = regions
		}
		old, ok := before[r.prefix]
		if ok && (!fresh || i > 0) && slices.Equal(old.items, m.items) && slices.Equal(old.regions, m.regions) {
			m = old
		} else {
			name := scopeName(s.listener, r.prefix)
			m.resource = newResource(name, scope(routeTable(c, s.listener, name, render(r.prefix, values(m.items), m.regions))))
		}
		s.made[r.prefix] = m
		resources = append(resources, m.resource)
	}
	return resources
}

func values[T comparable](items []item[T]) []T {
	out := make([]T, len(items))
	for i := range items {
		out[i] = items[i].value
	}
	return out
}

func byHead[T comparable](a, b item[T]) int { return cmp.Compare(a.head, b.head) }

// renderPublic makes the public listener's matching.
func renderPublic(own ownPaths, shareFrom int) func(string, []claim, []string) *matcher {
	return func(prefix string, claims []claim, regions []string) *matcher {
		slices.SortFunc(claims, older)
		if prefix == "" {
			return publicTree(bucketsOf(claims), own, regions, shareFrom)
		}
		return regionTree(bucketsOf(claims), shareFrom)
	}
}

// internalItems are the paths of functions, sorted by head. Most functions are as they were when the items of before
// were made.
func internalItems(functions map[Key]Function, before []item[entry], those map[Key]Function) []item[entry] {
	kept, fresh := make([]item[entry], 0, len(before)), []item[entry](nil)
	for _, i := range before {
		f, ok := functions[Key{i.value.ID.Namespace, i.value.ID.Name}]
		if !ok || f != i.value.Function {
			continue
		}
		if again := entryOf(f, i.value.group, functions); again != i.value {
			fresh = append(fresh, again.item())
			continue
		}
		kept = append(kept, i)
	}
	for k, f := range functions {
		if old, ok := those[k]; ok && old == f {
			continue
		}
		fresh = append(fresh, entryOf(f, pathInternal+f.ID.Namespace+"/", functions).item())
		if f.ID.Namespace == defaultNamespace {
			fresh = append(fresh, entryOf(f, pathInternal, functions).item())
		}
	}
	slices.SortFunc(fresh, byHead)
	return merge(kept, fresh, byHead)
}

// renderInternal makes the internal listener's matching.
func renderInternal(prefix string, entries []entry, regions []string) *matcher {
	if prefix == "" {
		return internalTree(entries, regions)
	}
	return internalRegionTree(entries)
}
