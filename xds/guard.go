package xds

import (
	"net/http"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authzv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_authz/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// clusterGuard is who says whether a call of the internal listener may come in. Only an Envoy whose bootstrap names one
	// asks: guardSwitch is on there.
	clusterGuard = "guard"
	guardSwitch  = "hotpod.guard"
	// guardedBody is the largest body of a call: it is needed whole before its signature can be judged.
	guardedBody = 64 << 20
	// guardTimeout bounds a question, in which such a body is sent.
	guardTimeout = 10 * time.Second
)

// guard asks about a call before anything else is done with it. A guard that does not answer lets nothing in, and says so by
// an error that may pass.
func guard() *authzv3.ExtAuthz {
	names := append(signatureHeaders(), wire.HeaderRequestID, "X-Forwarded-For")
	headers := make([]*matcherv3.StringMatcher, 0, len(names))
	for _, name := range names {
		headers = append(headers, &matcherv3.StringMatcher{
			MatchPattern: &matcherv3.StringMatcher_Exact{Exact: name}, IgnoreCase: true,
		})
	}
	return &authzv3.ExtAuthz{
		TransportApiVersion: corev3.ApiVersion_V3,
		Services: &authzv3.ExtAuthz_HttpService{HttpService: &authzv3.HttpService{ServerUri: &corev3.HttpUri{
			Uri: "http://" + clusterGuard, HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: clusterGuard},
			Timeout: durationpb.New(guardTimeout),
		}}},
		AllowedHeaders:  &matcherv3.ListStringMatcher{Patterns: headers},
		WithRequestBody: &authzv3.BufferSettings{MaxRequestBytes: guardedBody},
		StatusOnError:   &typev3.HttpStatus{Code: http.StatusServiceUnavailable},
		FilterEnabled: &corev3.RuntimeFractionalPercent{
			DefaultValue: &typev3.FractionalPercent{}, RuntimeKey: guardSwitch,
		},
	}
}

// signatureHeaders sign a call of the internal listener. No function sees them: it could repeat the call.
func signatureHeaders() []string {
	return []string{sign.HeaderSharedTime, sign.HeaderSharedSignature, sign.HeaderSharedNamespace}
}
