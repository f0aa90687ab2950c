package xds

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/internal/envoytest"
	"hotpod.dev/internal/golden"
)

// The cases' "objects.yaml" are what users and the pool declare, "show" names what of Envoy's configuration the case is
// about. Whatever is shown, Envoy must accept all of it.
func TestGolden(t *testing.T) {
	golden.Run(t, "testdata/*.txtar", func(t *testing.T, inputs map[string][]byte) []golden.File {
		t.Helper()
		w := newWorld()
		load(t, w, inputs["objects.yaml"])
		s, fates := everything(testConfig(), w)
		envoytest.Validate(t, s.bootstrap(t))
		files := []golden.File{}
		for what := range strings.FieldsSeq(string(inputs["show"])) {
			files = append(files, golden.File{Name: what, Data: show(t, s, fates, what)})
		}
		return files
	})
}

func testConfig() Config {
	return Config{
		Public: []string{"127.0.0.1:8888", "127.0.0.2:8888"}, Internal: []string{"127.0.0.1:8889"},
		Version: "v0.0.0-test", Log: slog.New(slog.DiscardHandler),
	}.withDefaults()
}

// load puts the objects of a YAML stream into w.
func load(tb testing.TB, w *world, text []byte) {
	tb.Helper()
	docs := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := docs.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			tb.Fatal(err)
		}
		loadOne(tb, w, doc)
	}
}

func loadOne(tb testing.TB, w *world, doc []byte) {
	tb.Helper()
	var kind struct{ Kind string }
	if err := yaml.Unmarshal(doc, &kind); err != nil {
		tb.Fatal(err)
	}
	decode := func(into any) {
		if err := yaml.UnmarshalStrict(doc, into); err != nil {
			tb.Fatal(err)
		}
	}
	switch kind.Kind {
	case "HTTPTrigger":
		var trigger v1.HTTPTrigger
		decode(&trigger)
		d := declared{uid: string(trigger.UID), generation: trigger.Generation}
		d.route, d.err = ParseRoute(&trigger)
		w.setRoute(Key{trigger.Namespace, trigger.Name}, d)
	case "Function":
		var f v1.Function
		decode(&f)
		w.setFunction(FunctionOf(&f))
	case "Pod":
		var p corev1.Pod
		decode(&p)
		if pod, ok := PodOf(&p); ok {
			w.setPod(pod)
		}
	default:
		tb.Fatalf("unknown kind %q", kind.Kind)
	}
}

// everything is what Envoy would get if it asked for all.
func everything(c Config, w *world) (static, map[Key]fate) {
	v := w.view()
	var routes []*Route
	for _, d := range v.declared {
		if d.route != nil {
			routes = append(routes, d.route)
		}
	}
	table := resolve(routes, func(k Key) (Function, bool) { f, ok := v.functions[k]; return f, ok }, nil)
	for k, d := range v.declared {
		if d.err != nil {
			table.fates[k] = fate{"Invalid", d.err.Error()}
		}
	}
	s := static{listeners: listeners(c)}
	functions := slices.SortedFunc(maps.Values(v.functions), func(a, b Function) int { return strings.Compare(a.ID.UID, b.ID.UID) })
	for _, f := range functions {
		s.clusters = append(s.clusters, functionCluster(f))
		hot := []Pod{}
		for _, p := range w.hot[f.ID.UID] {
			hot = append(hot, p)
		}
		s.endpoints = append(s.endpoints, functionEndpoints(f.ID.UID, hot, w.activators))
	}
	s.tables = append(publicTables(c, table, publicDivision()), internalTables(c, functions, internalDivision())...)
	return s, table.fates
}

func show(tb testing.TB, s static, fates map[Key]fate, what string) []byte {
	tb.Helper()
	switch what {
	case "public":
		return withoutOwn(outline(tb, s.tables[0].VirtualHosts[0].Matcher))
	case "own":
		return outline(tb, s.tables[0].VirtualHosts[0].Matcher)
	case "internal":
		return outline(tb, s.tables[1].VirtualHosts[0].Matcher)
	case "tables":
		all := make([]proto.Message, 0, 2)
		for _, table := range s.tables {
			bare := proto.CloneOf(table)
			bare.VirtualHosts[0].Matcher = nil
			all = append(all, bare)
		}
		return list(tb, all...)
	case "listeners":
		return list(tb, s.listeners[0], s.listeners[1])
	case "clusters":
		return list(tb, messages(s.clusters)...)
	case "endpoints":
		return list(tb, messages(s.endpoints)...)
	case "fates":
		return showFates(fates)
	}
	tb.Fatalf("nothing is called %q", what)
	return nil
}

// publicTables are the tables of the public listener, readable, the root first.
func publicTables(c Config, t *table, d division) []*routev3.RouteConfiguration {
	s := scopes[claim]{listener: tablePublic, division: d}
	return reading(s.update(c, t.items, true, renderPublic(t.ownPaths(c.Version), c.shareFrom)))
}

func internalTables(c Config, functions []Function, d division) []*routev3.RouteConfiguration {
	s := scopes[entry]{listener: tableInternal, division: d}
	return reading(s.update(c, internalItems(byKey(functions), nil, nil), true, renderInternal))
}

func byKey(functions []Function) map[Key]Function {
	m := make(map[Key]Function, len(functions))
	for _, f := range functions {
		m[Key{f.ID.Namespace, f.ID.Name}] = f
	}
	return m
}

func reading(resources []*resource) []*routev3.RouteConfiguration {
	out := make([]*routev3.RouteConfiguration, len(resources))
	for i, r := range resources {
		message := &routev3.ScopedRouteConfiguration{}
		if err := r.body.UnmarshalTo(message); err != nil {
			panic(err)
		}
		out[i] = message.RouteConfiguration
	}
	return out
}

// withoutOwn leaves out the platform's own paths, which are the same in every case.
func withoutOwn(text []byte) []byte {
	var out []byte
	own := false
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("  ")) {
			own = bytes.HasPrefix(line, []byte("x-hotpod-path is "+pathVersion)) || bytes.HasPrefix(line, []byte("x-hotpod-path is "+pathHealth)) ||
				bytes.HasPrefix(line, []byte("x-hotpod-path is "+pathReady))
		}
		if !own {
			out = append(out, line...)
		}
	}
	return out
}

func messages[M proto.Message](in []M) []proto.Message {
	out := make([]proto.Message, len(in))
	for i, m := range in {
		out[i] = m
	}
	return out
}

// list is like marshal for several, without validation: what is shown may be a part.
func list(tb testing.TB, all ...proto.Message) []byte {
	tb.Helper()
	var out bytes.Buffer
	for _, m := range all {
		text, err := protojson.Marshal(m)
		if err == nil {
			text, err = indent(text)
		}
		if err != nil {
			tb.Fatal(err)
		}
		out.Write(text)
	}
	return out.Bytes()
}

func showFates(fates map[Key]fate) []byte {
	lines := make([]string, 0, len(fates))
	for k, f := range fates {
		lines = append(lines, fmt.Sprintf("%s: %s %s\n", k, f.state, f.message))
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, ""))
}

func TestEnvoy_AcceptsTheLargestTemplate(t *testing.T) {
	r := &Route{Key: Key{"n", "r"}, Methods: []string{"GET"}, Targets: []Target{{Name: "f", Weight: 1}}}
	var err error
	for _, repeat := range []string{"{1,990}", "{1,1000}"} {
		pattern, parseErr := parsePattern("relativeurl", "/{a:[\\pL-]"+repeat+"}/{b:(x|[^/]y){1,2}}")
		if err = parseErr; err == nil {
			r.Exact = pattern
		}
	}
	if err == nil || r.Exact.Regex == "" {
		t.Fatalf("the largest template is not between the two: %v", err)
	}
	s := static{listeners: listeners(testConfig())[:1], tables: publicTables(testConfig(), resolve([]*Route{r}, known, nil), publicDivision())}
	envoytest.Validate(t, s.bootstrap(t))
}

func TestBootstrap_IsAcceptedByEnvoy(t *testing.T) {
	for name, c := range map[string]BootstrapConfig{
		"least":      {XDS: "xds.fission:18000"},
		"everything": {XDS: "127.0.0.1:18000", Admin: "127.9.9.9:9901", Debug: "127.9.9.9:8080", NodeID: "a", Tracing: Tracing{Endpoint: "http://collector:4318/v1/traces", Share: .1}},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := Bootstrap(c)
			if err != nil {
				t.Fatal(err)
			}
			envoytest.Validate(t, text)
			again, _ := Bootstrap(c)
			if !bytes.Equal(text, again) {
				t.Error("the same configuration makes another text")
			}
		})
	}
}
