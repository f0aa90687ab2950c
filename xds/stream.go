package xds

import (
	"slices"
	"strconv"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
)

// page bounds the resources of one answer, so that a reconnecting Envoy with thousands of clusters holds up nobody.
const page = 256

// stream is one Envoy's discovery stream: what it wants, what it has, and what was sent and not yet answered. At most
// one answer of a type is under way, so changes that come meanwhile are sent together. Its fields are guarded by
// catalog.mu; its methods are called with that held.
type stream struct {
	catalog *catalog
	node    string
	wants   map[string]*subscription
	nonce   uint64
	wake    chan struct{} // has one element when there may be something to send
}

// subscription is a stream's interest in a type.
type subscription struct {
	everything bool
	// has is the version that Envoy has of each name it subscribed to; "" when it has none.
	has map[string]string
	// todo are names to look at; true when Envoy waits for an answer, be it that there is no such resource.
	todo map[string]bool
	// refusals are the versions that this Envoy refused, by name.
	refusals map[string]string
	sent     *answer
}

// answer is a response that Envoy has not yet acknowledged or refused.
type answer struct {
	nonce     string
	resources []*resource
	removed   []string
}

func newStream(c *catalog) *stream {
	return &stream{catalog: c, wants: map[string]*subscription{}, wake: make(chan struct{}, 1)}
}

// changed notes that a resource is another than before.
func (s *stream) changed(kind, name string) {
	sub := s.wants[kind]
	if sub == nil {
		return
	}
	if _, wanted := sub.has[name]; wanted || sub.everything {
		sub.look(name)
		s.rouse()
	}
}

// look puts a name on the list, where it may be already with somebody waiting.
func (sub *subscription) look(name string) {
	if _, listed := sub.todo[name]; !listed {
		sub.todo[name] = false
	}
}

func (s *stream) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// receive takes a request of Envoy's: subscriptions, and the answer to an answer.
func (s *stream) receive(req *discoveryv3.DeltaDiscoveryRequest) {
	if s.node == "" && req.Node != nil {
		s.node = req.Node.Id
	}
	sub := s.wants[req.TypeUrl]
	if sub == nil {
		sub = s.subscribe(req)
	}
	if sub.sent != nil && req.ResponseNonce == sub.sent.nonce {
		s.settle(req, sub)
	}
	for _, name := range req.ResourceNamesSubscribe {
		if name != "*" {
			sub.has[name] = req.InitialResourceVersions[name]
			sub.todo[name] = true
		}
	}
	for _, name := range req.ResourceNamesUnsubscribe {
		delete(sub.has, name)
		delete(sub.todo, name)
		delete(sub.refusals, name)
	}
	s.rouse()
}

// subscribe begins a subscription. After a reconnection Envoy says what it has, and is sent only what is another.
func (s *stream) subscribe(req *discoveryv3.DeltaDiscoveryRequest) *subscription {
	sub := &subscription{
		everything: len(req.ResourceNamesSubscribe) == 0 || slices.Contains(req.ResourceNamesSubscribe, "*"),
		has:        map[string]string{}, todo: map[string]bool{}, refusals: map[string]string{},
	}
	for name, version := range req.InitialResourceVersions {
		sub.has[name], sub.todo[name] = version, false
	}
	if sub.everything {
		for _, name := range s.catalog.names(req.TypeUrl) {
			sub.todo[name] = false
		}
	}
	s.wants[req.TypeUrl] = sub
	return sub
}

// settle notes what became of the answer under way.
func (s *stream) settle(req *discoveryv3.DeltaDiscoveryRequest, sub *subscription) {
	sent := sub.sent
	sub.sent = nil
	if req.ErrorDetail != nil {
		names := slices.Clone(sent.removed)
		for _, r := range sent.resources {
			r.refused = true
			sub.refusals[r.name] = r.version
			names = append(names, r.name)
			s.catalog.tell(req.TypeUrl, r.name) // others may have to go back to the last good version
		}
		s.catalog.events.refused(s, req.TypeUrl, names, req.ErrorDetail.Message)
		return
	}
	for _, name := range sent.removed {
		if _, wanted := sub.has[name]; wanted {
			sub.has[name] = ""
		}
	}
	for _, r := range sent.resources {
		r.acked = true
		if _, wanted := sub.has[r.name]; wanted || sub.everything {
			sub.has[r.name] = r.version
		}
		delete(sub.refusals, r.name)
		s.catalog.events.acknowledged(s, req.TypeUrl, r)
	}
}

// next returns what is to be sent now, nil when nothing is.
func (s *stream) next() *discoveryv3.DeltaDiscoveryResponse {
	for _, kind := range typesInOrder() {
		sub := s.wants[kind]
		if sub == nil || sub.sent != nil || len(sub.todo) == 0 {
			continue
		}
		a := s.collect(kind, sub)
		if len(a.resources)+len(a.removed) == 0 {
			continue
		}
		s.nonce++
		a.nonce = strconv.FormatUint(s.nonce, 10)
		sub.sent = a
		return a.response(kind)
	}
	return nil
}

// collect takes a page of what is to do. What Envoy has already, or has refused, is dropped.
func (s *stream) collect(kind string, sub *subscription) *answer {
	a := &answer{}
	routesSettled := s.routesSettled()
	for name, waits := range sub.todo {
		if len(a.resources)+len(a.removed) == page {
			break
		}
		r := s.catalog.get(kind, name)
		switch {
		case r != nil && r.version != sub.has[name] && r.version != sub.refusals[name]:
			a.resources = append(a.resources, r)
			if kind == typeCluster && sub.has[name] != "" {
				s.again(typeEndpoint, name)
			}
		case r == nil && sub.has[name] != "" && !routesSettled:
			continue // a route may still lead there: later
		case r == nil && (waits || sub.has[name] != ""):
			a.removed = append(a.removed, name)
		case r != nil && r.version == sub.has[name]: // it has it from before this stream
			r.acked = true
			s.catalog.events.acknowledged(s, kind, r)
		}
		delete(sub.todo, name)
	}
	return a
}

// again sends a resource although Envoy has it: one that replaces a cluster waits for its endpoints, and does not ask for
// them since the one before did.
func (s *stream) again(kind, name string) {
	if sub := s.wants[kind]; sub != nil {
		if _, wanted := sub.has[name]; wanted {
			sub.has[name] = ""
			sub.look(name)
		}
	}
}

// routesSettled says whether Envoy has acknowledged the current route tables.
func (s *stream) routesSettled() bool {
	sub := s.wants[typeRoute]
	return sub == nil || sub.sent == nil && len(sub.todo) == 0 && len(sub.refusals) == 0
}

func (a *answer) response(kind string) *discoveryv3.DeltaDiscoveryResponse {
	out := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: kind, Nonce: a.nonce, RemovedResources: a.removed}
	for _, r := range a.resources {
		out.Resources = append(out.Resources, r.wire())
	}
	return out
}
