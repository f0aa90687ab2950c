package xds

import (
	"crypto/sha256"
	"encoding/hex"

	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Types of resources, in the order in which changes are sent: what a route needs before the route.
const (
	typeCluster  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	typeEndpoint = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	typeListener = "type.googleapis.com/envoy.config.listener.v3.Listener"
	typeScope    = "type.googleapis.com/envoy.config.route.v3.ScopedRouteConfiguration"
)

func typesInOrder() []string { return []string{typeCluster, typeEndpoint, typeListener, typeScope} }

// resource is one message as it is sent. It is never changed after newResource but for the marks of catalog.
type resource struct {
	name    string
	version string // hash of body
	body    *anypb.Any

	acked, refused bool      // by any Envoy; guarded by catalog.mu
	good           *resource // the last version that an Envoy acknowledged, nil when none did; guarded by catalog.mu
}

func newResource(name string, m proto.Message) *resource {
	body := pack(m)
	sum := sha256.Sum256(body.Value)
	return &resource{name: name, version: hex.EncodeToString(sum[:12]), body: body}
}

func (r *resource) wire() *discoveryv3.Resource {
	return &discoveryv3.Resource{Name: r.name, Version: r.version, Resource: r.body}
}
