package xds

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hotpod.dev/wire"
)

// twin decides which route serves a request in the plainest way: it tries all in the order of precedence.
func twin(routes []*Route, exists lookup, host, method, path string) string {
	wrongMethod := false
	for _, hosted := range []bool{true, false} {
		for _, r := range byPrecedence(routes) {
			if _, missing := r.backends(exists); missing != "" || (r.Host != "") != hosted || hosted && r.Host != host || !r.hit(path) {
				continue
			}
			if slices.Contains(r.Methods, method) {
				return r.Name + r.half
			}
			wrongMethod = true
		}
	}
	switch {
	case path == "/" && (method == http.MethodGet || method == http.MethodOptions):
		return "200"
	case wrongMethod || path == "/":
		return "405"
	}
	return "404"
}

// half is one of the two paths that a route may have.
type half struct {
	*Route
	Pattern
	class int
	half  string
}

func byPrecedence(routes []*Route) []half {
	var all []half
	for _, r := range routes {
		for _, h := range []half{{r, r.Exact, 0, " exact"}, {r, r.Subtree, 3, " subtree"}} {
			if h.Text == "" {
				continue
			}
			if h.Regex != "" {
				h.class = map[int]int{0: 1, 3: 2}[h.class]
			}
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b half) int {
		length := 0
		if a.class >= 2 {
			length = len(b.Text) - len(a.Text)
		}
		return cmp.Or(a.class-b.class, length, a.older(b.Route))
	})
	return all
}

func (h half) hit(path string) bool {
	return [...]func() bool{
		func() bool { return h.Text == path },
		func() bool { return h.whole(path) },
		func() bool { return h.begins(path) },
		func() bool { return strings.HasPrefix(path, h.Text) },
	}[h.class]()
}

// anyRoute draws a route from a small world, so that routes meet.
func anyRoute(t *rapid.T, i int) *Route {
	pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(t, name) }
	text := ""
	for range rapid.IntRange(0, 3).Draw(t, "depth") {
		text += "/" + pick("segment", "a", "b", "{x}", "{x:[ab]}", "{x:a|b/c}")
		if strings.Contains(text, "{") { // one variable of that name
			text = strings.Replace(text, "x", fmt.Sprintf("v%d", len(text)), 1)
		}
	}
	name := fmt.Sprintf("r%d", i)
	r := &Route{
		Key: Key{pick("namespace", "m", "n"), name}, Host: pick("host", "", "", "h", "i:1"),
		Created: time.Unix(int64(rapid.IntRange(0, 3).Draw(t, "created")), 0),
		Methods: sorted(rapid.SliceOfN(rapid.SampledFrom([]string{"GET", "POST", "PUT"}), 1, 2).Draw(t, "methods")),
		Targets: []Target{{Name: pick("function", name, name, name, "none"), Weight: 1}},
	}
	var err error
	switch pick("kind", "exact", "subtree", "below") {
	case "exact":
		r.Exact, err = parsePattern("relativeurl", cmp.Or(text, "/"))
	case "subtree":
		r.Exact, err = parsePattern("prefix", cmp.Or(text, "/a"))
		r.Subtree, _ = parsePattern("prefix", cmp.Or(text, "/a")+"/")
	case "below":
		r.Subtree, err = parsePattern("prefix", cmp.Or(text, "/a")+"/")
	}
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return r
}

func anyRoutes(t *rapid.T) []*Route {
	routes := make([]*Route, rapid.IntRange(0, 8).Draw(t, "routes"))
	for i := range routes {
		routes[i] = anyRoute(t, i)
	}
	return routes
}

func anyPath(t *rapid.T) string {
	path := ""
	for range rapid.IntRange(0, 4).Draw(t, "depth") {
		path += "/" + rapid.SampledFrom([]string{"a", "b", "c", ""}).Draw(t, "segment")
	}
	return cmp.Or(path, "/")
}

func known(k Key) (Function, bool) {
	return Function{ID: wire.FunctionID{Namespace: k.Namespace, Name: k.Name, UID: k.Namespace + "-" + k.Name}}, k.Name != "none"
}

func TestPublicTree_DecidesAsTheTwinDoes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		routes := anyRoutes(rt)
		c := testConfig()
		c.shareFrom = rapid.IntRange(1, 4).Draw(rt, "share")
		tables := publicTables(c, resolve(routes, known, nil), division{most: rapid.IntRange(1, 20).Draw(rt, "most"), least: 1})
		for range 30 {
			host := rapid.SampledFrom([]string{"h", "i:1", "other"}).Draw(rt, "host")
			method := rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE", "OPTIONS"}).Draw(rt, "method")
			path := anyPath(rt)
			want := twin(routes, known, host, method, path)
			got := decision(interpretAll(t, tables, request{headerAuthority: host, headerMethod: method, headerPath: path}))
			same := got == want || strings.HasPrefix(want, "r") && strings.HasPrefix(want, got+" ") // a kept path says no half
			if !same {
				rt.Fatalf("%s %s%s: %s, want %s\n%s", method, host, path, got, want, outlineAll(t, tables))
			}
		}
	})
}

func TestResolve_DoesNotDependOnTheOrderOfRoutes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		routes := anyRoutes(rt)
		shuffled := rapid.Permutation(routes).Draw(rt, "shuffled")
		a := resolve(routes, known, nil)
		b := resolve(shuffled, known, a)
		for k, fate := range a.fates {
			if b.fates[k] != fate {
				rt.Fatalf("%s is %v or %v", k, fate, b.fates[k])
			}
		}
		d := division{most: rapid.IntRange(1, 20).Draw(rt, "most"), least: 1}
		if x, y := outlineAll(t, publicTables(testConfig(), a, d)), outlineAll(t, publicTables(testConfig(), b, d)); x != y {
			rt.Fatalf("the same routes make two sets of tables:\n%s\n%s", x, y)
		}
	})
}
