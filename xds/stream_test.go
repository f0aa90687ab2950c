package xds

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// conversation is a catalog and one stream, without a network.
type conversation struct {
	t       *testing.T
	catalog *catalog
	stream  *stream
	made    map[string]string // what the cluster maker makes, by name
	scopes  map[string]string
	events  []string
	awaits  []string // clusters that were asked for
}

func converse(t *testing.T) *conversation {
	t.Helper()
	c := &conversation{t: t, made: map[string]string{}, scopes: map[string]string{}}
	c.catalog = newCatalog(map[string]func(string) *resource{typeCluster: func(name string) *resource {
		if text, ok := c.made[name]; ok {
			return newResource(name, wrapperspb.String(text))
		}
		return nil
	}, typeEndpoint: func(name string) *resource { return newResource(name, wrapperspb.String("endpoints")) }}, c)
	c.reconnect()
	return c
}

func (c *conversation) reconnect() {
	if c.stream != nil {
		c.catalog.leave(c.stream)
	}
	c.stream = newStream(c.catalog)
	c.catalog.join(c.stream)
}

func (c *conversation) acknowledged(_ *stream, kind string, number uint64) {
	c.events = append(c.events, fmt.Sprintf("ack %s %d", short(kind), number))
}

func (c *conversation) refused(_ *stream, kind string, names []string, reason string) {
	c.events = append(c.events, fmt.Sprintf("refused %s %v %s", short(kind), names, reason))
}

func (c *conversation) awaited(kind, name string) {
	if kind == typeCluster {
		c.awaits = append(c.awaits, name)
	}
}

func (c *conversation) closed(*stream) { c.events = append(c.events, "closed") }

func (c *conversation) put(name, text string) {
	c.scopes[name] = text
	all := make([]*resource, 0, len(c.scopes))
	for name, text := range c.scopes {
		all = append(all, newResource(name, wrapperspb.String(text)))
	}
	c.catalog.replace(typeScope, all)
}

func (c *conversation) make(name, text string) {
	c.made[name] = text
	c.catalog.touch(typeCluster, name)
}

func (c *conversation) unmake(name string) {
	delete(c.made, name)
	c.catalog.touch(typeCluster, name)
}

// subscribe asks for names; "name=text" says that Envoy has that version.
func (c *conversation) subscribe(kind string, names ...string) {
	req := &discoveryv3.DeltaDiscoveryRequest{TypeUrl: kind, InitialResourceVersions: map[string]string{}}
	for _, n := range names {
		name, text, has := strings.Cut(n, "=")
		req.ResourceNamesSubscribe = append(req.ResourceNamesSubscribe, name)
		if has {
			req.InitialResourceVersions[name] = newResource(name, wrapperspb.String(text)).version
		}
	}
	c.stream.receive(req)
}

// next is what is sent, as "Type: +name -name", "" when nothing is.
func (c *conversation) next() (text string, res *discoveryv3.DeltaDiscoveryResponse) {
	res = c.stream.next()
	if res == nil {
		return "", nil
	}
	parts := []string{}
	for _, r := range res.Resources {
		parts = append(parts, "+"+r.Name)
	}
	for _, name := range res.RemovedResources {
		parts = append(parts, "-"+name)
	}
	slices.Sort(parts)
	return short(res.TypeUrl) + ": " + strings.Join(parts, " "), res
}

func (c *conversation) expect(want string) *discoveryv3.DeltaDiscoveryResponse {
	c.t.Helper()
	got, res := c.next()
	if got != want {
		c.t.Fatalf("sent %q, want %q", got, want)
	}
	return res
}

func (c *conversation) ack(res *discoveryv3.DeltaDiscoveryResponse) {
	c.stream.receive(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: res.TypeUrl, ResponseNonce: res.Nonce})
}

func (c *conversation) nack(res *discoveryv3.DeltaDiscoveryResponse) {
	c.stream.receive(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: res.TypeUrl, ResponseNonce: res.Nonce, ErrorDetail: &status.Status{Message: "bad"}})
}

func TestStream_SendsWhatChangedAndNothingElse(t *testing.T) {
	c := converse(t)
	c.put("public", "1")
	c.put("other", "1")
	c.subscribe(typeScope, "public")
	res := c.expect("ScopedRouteConfiguration: +public")
	c.put("public", "2")
	c.expect("") // one answer at a time
	c.put("public", "3")
	c.ack(res)
	res = c.expect("ScopedRouteConfiguration: +public")
	c.ack(res)
	c.put("public", "3")
	c.put("other", "2")
	c.expect("")
	if want := []string{"ack ScopedRouteConfiguration 2", "ack ScopedRouteConfiguration 4"}; !slices.Equal(c.events, want) {
		t.Errorf("events %q", c.events)
	}
}

func TestStream_SendsNothingThatEnvoyHasFromBefore(t *testing.T) {
	c := converse(t)
	c.put("public", "1")
	c.put("internal", "2")
	c.make("a", "1")
	c.make("b", "2")
	c.subscribe(typeCluster, "a=1", "b=1", "gone=1")
	c.subscribe(typeScope, "public=1", "internal=1")
	first := c.expect("Cluster: +b")
	c.ack(first)
	res := c.expect("ScopedRouteConfiguration: +internal")
	if slices.Contains(c.events, "ack ScopedRouteConfiguration 2") {
		t.Errorf("acknowledged although one is missing: %q", c.events)
	}
	c.ack(res)
	if !slices.Contains(c.events, "ack ScopedRouteConfiguration 2") {
		t.Errorf("what Envoy has counts as acknowledged: %q", c.events)
	}
	c.reconnect()
	c.events = nil
	c.subscribe(typeScope, "public=1", "internal=2")
	c.expect("")
	if !slices.Equal(c.events, []string{"ack ScopedRouteConfiguration 2"}) {
		t.Errorf("what Envoy has from before counts as acknowledged: %q", c.events)
	}
}

func TestStream_SendsClustersWhenTheyAreAskedFor(t *testing.T) {
	c := converse(t)
	c.make("a", "1")
	c.make("b", "1")
	c.expect("")
	c.subscribe(typeCluster, "a")
	c.ack(c.expect("Cluster: +a"))
	c.make("b", "2")
	c.expect("") // nobody called b
	c.subscribe(typeCluster, "nobody")
	c.ack(c.expect("Cluster: -nobody")) // so that Envoy need not wait
	c.make("nobody", "1")
	c.ack(c.expect("Cluster: +nobody"))
	c.stream.receive(&discoveryv3.DeltaDiscoveryRequest{TypeUrl: typeCluster, ResourceNamesUnsubscribe: []string{"a"}})
	c.make("a", "2")
	c.expect("")
}

func TestStream_RemovesAClusterAfterTheRoutesAreAcknowledged(t *testing.T) {
	c := converse(t)
	c.make("a", "1")
	c.put("public", "with a")
	c.subscribe(typeScope, "public")
	c.ack(c.expect("ScopedRouteConfiguration: +public"))
	c.subscribe(typeCluster, "a")
	c.ack(c.expect("Cluster: +a"))
	c.put("public", "without a")
	c.unmake("a")
	routes := c.expect("ScopedRouteConfiguration: +public")
	c.expect("")
	c.ack(routes)
	c.ack(c.expect("Cluster: -a"))
	c.expect("")
}

func TestStream_KeepsAClusterWhileEnvoyRefusesTheRoutes(t *testing.T) {
	c := converse(t)
	c.make("a", "1")
	c.put("public", "with a")
	c.subscribe(typeScope, "public")
	c.ack(c.expect("ScopedRouteConfiguration: +public"))
	c.subscribe(typeCluster, "a")
	c.ack(c.expect("Cluster: +a"))
	c.put("public", "without a")
	c.unmake("a")
	c.nack(c.expect("ScopedRouteConfiguration: +public"))
	c.expect("") // neither again what was refused nor the removal
	c.put("public", "without a, better")
	c.ack(c.expect("ScopedRouteConfiguration: +public"))
	c.ack(c.expect("Cluster: -a"))
}

func TestStream_NewEnvoysGetTheLastGoodVersionOfWhatWasRefused(t *testing.T) {
	c := converse(t)
	c.put("public", "good")
	c.subscribe(typeScope, "public")
	c.ack(c.expect("ScopedRouteConfiguration: +public"))
	c.put("public", "bad")
	c.nack(c.expect("ScopedRouteConfiguration: +public"))
	c.put("public", "bad too")
	c.nack(c.expect("ScopedRouteConfiguration: +public"))
	c.reconnect()
	c.subscribe(typeScope, "public")
	res := c.expect("ScopedRouteConfiguration: +public")
	if want := newResource("public", wrapperspb.String("good")); res.Resources[0].Version != want.version {
		t.Errorf("sent %s", res.Resources[0].Resource)
	}
}

func TestStream_SendsManyResourcesInPages(t *testing.T) {
	c := converse(t)
	names := make([]string, 0, 2*page+10)
	for i := range 2*page + 10 {
		names = append(names, fmt.Sprint("c", i))
		c.make(names[i], "1")
	}
	c.subscribe(typeCluster, names...)
	seen := map[string]bool{}
	for _, want := range []int{page, page, 10} {
		_, res := c.next()
		if len(res.GetResources()) != want {
			t.Fatalf("a page of %d, want %d", len(res.GetResources()), want)
		}
		for _, r := range res.Resources {
			seen[r.Name] = true
		}
		c.ack(res)
	}
	c.expect("")
	if len(slices.Collect(maps.Keys(seen))) != len(names) {
		t.Errorf("%d of %d were sent", len(seen), len(names))
	}
}

func TestStream_ASubscriptionToEverythingGetsAllListeners(t *testing.T) {
	c := converse(t)
	listeners := func(public string) {
		c.catalog.replace(typeListener, []*resource{newResource("public", wrapperspb.String(public)), newResource("internal", wrapperspb.String("1"))})
	}
	listeners("1")
	c.subscribe(typeListener)
	c.ack(c.expect("Listener: +internal +public"))
	listeners("2")
	c.ack(c.expect("Listener: +public"))
}

// Envoy does not ask for the endpoints of a cluster that replaces one, but waits for them.
func TestStream_SendsTheEndpointsOfAClusterThatChanged(t *testing.T) {
	c := converse(t)
	c.make("f", "1")
	c.subscribe(typeCluster, "f")
	c.subscribe(typeEndpoint, "f")
	c.ack(c.expect("Cluster: +f"))
	c.ack(c.expect("ClusterLoadAssignment: +f"))
	c.expect("")
	c.make("f", "2")
	c.ack(c.expect("Cluster: +f"))
	c.ack(c.expect("ClusterLoadAssignment: +f"))
	c.expect("")
}

// Envoy serves as soon as it has any scope, so it gets all at once; and one that goes is still led to until the others
// are acknowledged.
func TestStream_ScopesComeTogetherAndGoAfterwards(t *testing.T) {
	c := converse(t)
	for i := range page {
		c.scopes[fmt.Sprintf("region %03d", i)] = "1"
	}
	c.put("public", "1")
	c.subscribe(typeScope)
	text, res := c.next()
	if len(res.GetResources()) != page+1 {
		t.Fatalf("sent %s", text)
	}
	c.ack(res)
	delete(c.scopes, "region 001")
	c.put("public", "2")
	res = c.expect("ScopedRouteConfiguration: +public")
	c.expect("")
	c.ack(res)
	c.ack(c.expect("ScopedRouteConfiguration: -region 001"))
	c.expect("")
}

// What Envoy refuses among many is found out, and the others take effect.
func TestStream_SendsOneByOneWhatWasRefusedTogether(t *testing.T) {
	c := converse(t)
	c.scopes["a"], c.scopes["b"] = "good", "good"
	c.put("bad", "bad")
	c.subscribe(typeScope)
	c.nack(c.expect("ScopedRouteConfiguration: +a +b +bad"))
	for range 3 {
		text, res := c.next()
		if text == "ScopedRouteConfiguration: +bad" {
			c.nack(res)
		} else {
			c.ack(res)
		}
	}
	c.expect("")
	if !slices.ContainsFunc(c.events, func(e string) bool { return strings.HasPrefix(e, "refused ScopedRouteConfiguration [bad]") }) ||
		slices.ContainsFunc(c.events, func(e string) bool { return strings.HasPrefix(e, "ack") }) {
		t.Errorf("events %q", c.events)
	}
	c.put("bad", "better")
	c.ack(c.expect("ScopedRouteConfiguration: +bad"))
	if c.events[len(c.events)-1] != "ack ScopedRouteConfiguration 2" {
		t.Errorf("events %q", c.events)
	}
}

// A cluster that an Envoy has from before is not awaited, one that it asks for is.
func TestStream_SaysWhatIsAwaited(t *testing.T) {
	c := converse(t)
	c.make("old", "1")
	c.make("new", "1")
	c.subscribe(typeCluster, "old=1")
	c.subscribe(typeCluster, "new")
	c.make("new", "2")
	if want := []string{"new"}; !slices.Equal(c.awaits, want) {
		t.Errorf("got %v, want %v", c.awaits, want)
	}
}
