package xds

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"hotpod.dev/wire"
)

// table says who serves each path of each host, and what became of every route.
//
// Precedence: routes of the request's host before routes of any host; in each, literal paths, then templates, then
// subtree templates (longest first), then literal subtrees (longest first). Where two want the same path, the older
// goes first. Methods filter: a route that does not answer the method leaves the request to the next that matches,
// and a request that only wrong methods match gets 405.
type table struct {
	fates  map[Key]fate
	served map[Key]*served
	routes []*Route      // the older first
	items  []item[claim] // what all that is served may match, sorted by head
	// templates says that some of them are no literals.
	templates bool
}

// claim is one of the two things that a route may match, if it has it.
type claim struct {
	*served
	part part
}

func (c claim) pattern() Pattern {
	if c.part == exactPart {
		return c.Exact
	}
	return c.Subtree
}

// fate is what became of a route.
type fate struct {
	state   wire.RouteState
	message string
}

// bucket holds the routes of one host, in each list the best first.
type bucket struct {
	exact            map[string][]*served
	templates        []*served
	subtreeTemplates []*served
	subtrees         map[string][]*served
	paths            []string // keys of exact and subtrees, sorted
}

// served is a route with its functions found.
type served struct {
	*Route
	backends []backend

	// kept is what each part leads to in the usual case, made once.
	kept [parts]*onMatch
}

// part is one of the two things that a route may match.
type part int

const (
	exactPart part = iota
	subtreePart
	parts
)

// backend is a function and its share of a route's requests.
type backend struct {
	Function
	weight uint32
}

// lookup finds a function by namespace and name.
type lookup func(Key) (Function, bool)

// resolve decides among routes. The result depends on the set of routes and not on its order. Routes that before, which
// may be nil, served in the same way are taken from there with what was made of them.
func resolve(routes []*Route, functions lookup, before *table) *table {
	if before == nil {
		before = &table{}
	}
	t := &table{
		served: make(map[Key]*served, len(routes)), fates: make(map[Key]fate, len(routes)),
		routes: sortedLike(routes, before.routes, (*Route).older),
	}
	items := make([]item[claim], 0, len(before.items)+2)
	for _, r := range t.routes {
		serves := before.served[r.Key]
		if serves == nil || serves.Route != r || !serves.still(functions) {
			backends, missing := r.backends(functions)
			if missing != "" {
				t.fates[r.Key] = fate{wire.RouteFunctionNotFound, fmt.Sprintf("function %s/%s does not exist", r.Namespace, missing)}
				continue
			}
			serves = &served{Route: r, backends: backends}
		}
		t.fates[r.Key] = fate{state: wire.RoutePending}
		t.served[r.Key] = serves
		items = serves.claim(items)
		t.templates = t.templates || r.Exact.Regex+r.Subtree.Regex != ""
	}
	t.items = sortedLike(items, before.items, byHead)
	t.findConflicts()
	return t
}

// claim appends what the route may match.
func (r *served) claim(items []item[claim]) []item[claim] {
	for p := range parts {
		c := claim{r, p}
		if c.pattern().Text != "" {
			head, whole := c.pattern().head()
			items = append(items, item[claim]{head, !whole || p == subtreePart, c})
		}
	}
	return items
}

// bucketsOf sorts claims, the best first, by host.
func bucketsOf(claims []claim) map[string]*bucket {
	hosts := map[string]*bucket{}
	for _, c := range claims {
		b := hosts[c.Host]
		if b == nil {
			b = newBucket()
			hosts[c.Host] = b
		}
		b.add(c)
	}
	for _, b := range hosts {
		slices.SortStableFunc(b.subtreeTemplates, func(x, y *served) int {
			return cmp.Compare(len(y.Subtree.Text), len(x.Subtree.Text))
		})
		b.paths = slices.AppendSeq(slices.Collect(maps.Keys(b.exact)), maps.Keys(b.subtrees))
		slices.Sort(b.paths)
	}
	return hosts
}

func (r *Route) backends(functions lookup) (backends []backend, missing string) {
	backends = make([]backend, len(r.Targets))
	for i, target := range r.Targets {
		f, ok := functions(Key{r.Namespace, target.Name})
		if !ok {
			return nil, target.Name
		}
		backends[i] = backend{Function: f, weight: target.Weight}
	}
	return backends, ""
}

// still says whether the functions are as they were.
func (r *served) still(functions lookup) bool {
	for i, target := range r.Targets {
		if f, ok := functions(Key{r.Namespace, target.Name}); !ok || f != r.backends[i].Function {
			return false
		}
	}
	return true
}

func newBucket() *bucket {
	return &bucket{exact: map[string][]*served{}, subtrees: map[string][]*served{}}
}

func (b *bucket) add(c claim) {
	text, template := c.pattern().Text, c.pattern().Regex != ""
	switch {
	case c.part == exactPart && template:
		b.templates = append(b.templates, c.served)
	case c.part == exactPart:
		b.exact[text] = append(b.exact[text], c.served)
	case template:
		b.subtreeTemplates = append(b.subtreeTemplates, c.served)
	default:
		b.subtrees[text] = append(b.subtrees[text], c.served)
	}
}

// findConflicts marks routes that lose a method of a path to an older one; they keep serving what they do not lose.
func (t *table) findConflicts() {
	for rest := t.items; len(rest) > 0; {
		same := 1
		for same < len(rest) && rest[same].head == rest[0].head {
			same++
		}
		if same > 1 {
			claims := values(rest[:same])
			slices.SortFunc(claims, older)
			for _, b := range bucketsOf(claims) {
				t.findConflictsIn(b)
			}
		}
		rest = rest[same:]
	}
}

// older orders claims, the best first.
func older(a, b claim) int { return cmp.Or(a.older(b.Route), int(a.part-b.part)) }

func (t *table) findConflictsIn(b *bucket) {
	for _, routes := range b.exact {
		t.markLosers(routes)
	}
	for _, routes := range b.subtrees {
		t.markLosers(routes)
	}
	for _, group := range byText(b.templates, func(r *served) string { return r.Exact.Text }) {
		t.markLosers(group)
	}
	for _, group := range byText(b.subtreeTemplates, func(r *served) string { return r.Subtree.Text }) {
		t.markLosers(group)
	}
}

func byText(routes []*served, text func(*served) string) map[string][]*served {
	groups := map[string][]*served{}
	for _, r := range routes {
		groups[text(r)] = append(groups[text(r)], r)
	}
	return groups
}

// markLosers looks at routes that want the same path, best first.
func (t *table) markLosers(routes []*served) {
	if len(routes) < 2 {
		return
	}
	taken := map[string]*served{}
	for _, r := range routes {
		for _, m := range r.Methods {
			winner := taken[m]
			if winner == nil {
				taken[m] = r
				continue
			}
			if !r.preflightOnly(m) && !winner.preflightOnly(m) && t.fates[r.Key].state != wire.RouteConflict {
				t.fates[r.Key] = fate{wire.RouteConflict, conflict(winner, m)}
			}
		}
	}
}

// conflict says what a route lost and how its owner can get it.
func conflict(winner *served, method string) string {
	return fmt.Sprintf("route %s is older and has %s %s%s: change one of the two, or `hotpod route delete %s --namespace %s`",
		winner.Key, method, winner.Host, winner.text(), winner.Name, winner.Namespace)
}

// preflightOnly says that the route answers the method for the sake of CORS alone.
func (r *Route) preflightOnly(method string) bool { return r.impliedOptions && method == "OPTIONS" }

// text is the path that the route is known by.
func (r *Route) text() string {
	if r.Subtree.Text != "" {
		return r.Subtree.Text
	}
	return r.Exact.Text
}
