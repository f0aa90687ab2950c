package xds

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"hotpod.dev/internal/envoytest"
	"hotpod.dev/wire"
)

// randomRoutes are many routes in a small world, each to a function of its own.
func randomRoutes(t *testing.T, rnd *rand.Rand, n int) []*Route {
	t.Helper()
	pick := func(from ...string) string { return from[rnd.IntN(len(from))] }
	routes := make([]*Route, 0, n)
	for i := range n {
		text := ""
		for depth := range 1 + rnd.IntN(3) {
			text += "/" + pick("a", "b", "c", fmt.Sprintf("{v%d}", depth), fmt.Sprintf("{v%d:[ab]}", depth))
		}
		r := &Route{
			Key: Key{"ns", fmt.Sprintf("r%d", i)}, Host: pick("", "", "h.example", "h.example:81"),
			Methods: sorted([]string{pick("GET", "POST", "PUT"), pick("GET", "POST", "DELETE")}),
			Targets: []Target{{Name: fmt.Sprintf("r%d", i), Weight: 1}}, KeepPath: rnd.IntN(3) == 0,
		}
		var err error
		if rnd.IntN(2) == 0 {
			r.Exact, err = parsePattern("relativeurl", text)
		} else {
			r.Exact, _ = parsePattern("prefix", text)
			r.Subtree, err = parsePattern("prefix", text+"/")
			r.KeepPath = r.KeepPath || r.Subtree.Regex != ""
		}
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, r)
	}
	return routes
}

func TestEnvoy_MatchesAsTheTreeSays(t *testing.T) {
	const seed = 7
	rnd := rand.New(rand.NewPCG(seed, seed))
	routes := randomRoutes(t, rnd, 60)
	pod := newBackend(t, "pod")
	host := envoytest.Address(t)
	c := testConfig()
	c.Public, c.Internal = []string{host + ":8888"}, []string{host + ":8889"}
	c.shareFrom = 1
	table := resolve(routes, known, nil)
	s := static{admin: host + ":9901", listeners: listeners(c)[:1]}
	s.tables = publicTables(c, table, division{most: 45, least: 2})
	for _, r := range routes {
		f, _ := known(Key{r.Namespace, r.Name})
		s.clusters = append(s.clusters, functionCluster(f))
		s.endpoints = append(s.endpoints, functionEndpoints(f.ID.UID, []Pod{{Address: pod.ip + ":8012"}}, nil))
	}
	for _, name := range []string{clusterMiss, clusterWrongMethod} {
		s.clusters = append(s.clusters, refusalCluster(name))
		s.endpoints = append(s.endpoints, refusalCluster(name).LoadAssignment)
	}
	envoytest.Start(t, s.admin, s.bootstrap(t))
	if len(s.tables) < 3 {
		t.Errorf("%d tables do not show that they work together", len(s.tables))
	}
	for range 1500 {
		method := []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"}[rnd.IntN(5)]
		authority := []string{"h.example", "h.example:81", "other"}[rnd.IntN(3)]
		path := ""
		for range 1 + rnd.IntN(4) {
			path += "/" + []string{"a", "b", "c", "d", ""}[rnd.IntN(5)]
		}
		route := interpretAll(t, s.tables, request{headerAuthority: authority, headerMethod: method, headerPath: path})
		got := call(method, "http://"+host+":8888"+path+"?q=1", nil, "Host", authority)
		if got.err != nil {
			t.Fatal(got.err)
		}
		if want := decision(route); strings.TrimSuffix(strings.TrimSuffix(want, " exact"), " subtree") != answerOf(got) {
			t.Errorf("%s %s%s: Envoy says %s, the tree %s", method, authority, path, answerOf(got), want)
			continue
		}
		if got.status == http.StatusOK && route.GetRoute() != nil {
			if want := rewritten(path, route.GetRoute().PathRewrite, route.GetRoute().PrefixRewrite, route.GetMatch().GetPrefix()) + "?q=1"; got.seen.Path != want {
				t.Errorf("%s %s%s: the function gets %s, want %s", method, authority, path, got.seen.Path, want)
			}
		}
	}
}

// answerOf names what a request got as decision does.
func answerOf(a answered) string {
	if a.seen.Backend == "" {
		return fmt.Sprint(a.status)
	}
	id, _ := wire.ParseFunctionID(a.seen.Header.Get(wire.HeaderFunction))
	return id.Name
}

func rewritten(path, whole, prefix, matched string) string {
	if whole != "" {
		return whole
	}
	if prefix != "" {
		return prefix + strings.TrimPrefix(path, matched)
	}
	return path
}
