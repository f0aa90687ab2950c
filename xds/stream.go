package xds

import (
	"math"
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
	// alone is how many answers to come have one resource each, to find out which one Envoy refuses.
	alone int
	sent  *answer
}

// answer is a response that Envoy has not yet acknowledged or refused.
type answer struct {
	nonce     string
	number    uint64 // of the set that Envoy has with it
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
			if sub.has[name] == "" {
				s.catalog.events.awaited(req.TypeUrl, name)
			}
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
		s.refused(req, sub, sent)
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
	}
	s.has(req.TypeUrl, sub, sent.number)
}

// has tells that Envoy has a set, unless it refused some of it.
func (s *stream) has(kind string, sub *subscription, number uint64) {
	if len(sub.refusals) == 0 && number > 0 {
		s.catalog.events.acknowledged(s, kind, number)
	}
}

// refused notes which resource Envoy cannot take. When there were several, they are sent again one by one.
func (s *stream) refused(req *discoveryv3.DeltaDiscoveryRequest, sub *subscription, sent *answer) {
	names := slices.Clone(sent.removed)
	for _, r := range sent.resources {
		names = append(names, r.name)
		if len(sent.resources) > 1 {
			sub.look(r.name)
			continue
		}
		r.refused = true
		sub.refusals[r.name] = r.version
		s.catalog.tell(req.TypeUrl, r.name) // others may have to go back to the last good version
	}
	if len(sent.resources) > 1 {
		sub.alone = len(sent.resources)
	}
	s.catalog.events.refused(s, req.TypeUrl, names, req.ErrorDetail.Message)
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
			s.has(kind, sub, a.number)
			continue
		}
		s.nonce++
		a.nonce = strconv.FormatUint(s.nonce, 10)
		sub.sent = a
		return a.response(kind)
	}
	return nil
}

// room is how many resources an answer may have. Scopes come all at once: Envoy serves as soon as it has any of them, and
// a new one and the way to it belong together.
func (sub *subscription) room(kind string) int {
	switch {
	case sub.alone > 0:
		sub.alone--
		return 1
	case kind == typeScope:
		return math.MaxInt
	}
	return page
}

// collect takes a page of what is to do. What Envoy has already, or has refused, is dropped.
func (s *stream) collect(kind string, sub *subscription) *answer {
	a := &answer{}
	room := sub.room(kind)
	if s.collectChanged(kind, sub, a, room) {
		a.number = s.catalog.numbers[kind]
		s.collectGone(kind, sub, a, room)
	}
	return a
}

// collectChanged takes what Envoy is to have; all says that nothing of it is left.
func (s *stream) collectChanged(kind string, sub *subscription, a *answer, room int) (all bool) {
	for name := range sub.todo {
		r := s.catalog.get(kind, name)
		if r == nil || r.version == sub.has[name] || r.version == sub.refusals[name] {
			continue
		}
		if len(a.resources) == room {
			return false
		}
		a.resources = append(a.resources, r)
		if kind == typeCluster && sub.has[name] != "" {
			s.again(typeEndpoint, name)
		}
		delete(sub.todo, name)
	}
	return true
}

// collectGone takes what Envoy has and is no more, unless something may still lead there.
func (s *stream) collectGone(kind string, sub *subscription, a *answer, room int) {
	later := kind == typeScope && len(a.resources) > 0 || kind != typeScope && !s.routesSettled()
	for name, waits := range sub.todo {
		r := s.catalog.get(kind, name)
		switch {
		case r == nil && sub.has[name] != "" && later:
			continue
		case r == nil && (waits || sub.has[name] != ""):
			if len(a.resources)+len(a.removed) == room {
				return
			}
			a.removed = append(a.removed, name)
		case r != nil && r.version == sub.has[name]: // it has it from before this stream
			r.acked = true
		}
		delete(sub.todo, name)
	}
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

// routesSettled says whether Envoy has acknowledged the current scopes.
func (s *stream) routesSettled() bool {
	sub := s.wants[typeScope]
	return sub == nil || sub.sent == nil && len(sub.todo) == 0 && len(sub.refusals) == 0
}

func (a *answer) response(kind string) *discoveryv3.DeltaDiscoveryResponse {
	out := &discoveryv3.DeltaDiscoveryResponse{TypeUrl: kind, Nonce: a.nonce, RemovedResources: a.removed}
	for _, r := range a.resources {
		out.Resources = append(out.Resources, r.wire())
	}
	return out
}
