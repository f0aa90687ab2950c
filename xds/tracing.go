package xds

import (
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tracev3 "github.com/envoyproxy/go-control-plane/envoy/config/trace/v3"
	hcmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	samplersv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/tracers/opentelemetry/samplers/v3"
	tracingtypev3 "github.com/envoyproxy/go-control-plane/envoy/type/tracing/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"hotpod.dev/wire"
)

// Tracing says where Envoy sends its spans. The zero value sends none and lets W3C headers pass untouched.
type Tracing struct {
	// Endpoint takes spans by OTLP over HTTP, for example "http://collector:4318/v1/traces".
	Endpoint string
	// Share of requests without a sampling decision of the caller that are traced, in (0, 1]; 0 means 1.
	Share float64
}

// TracingFromEnv reads the standard OpenTelemetry variables.
func TracingFromEnv(getenv func(string) string) (Tracing, error) {
	if getenv("OTEL_SDK_DISABLED") == "true" {
		return Tracing{}, nil
	}
	t := Tracing{Endpoint: getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")}
	if base := getenv("OTEL_EXPORTER_OTLP_ENDPOINT"); t.Endpoint == "" && base != "" {
		t.Endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if share := getenv("OTEL_TRACES_SAMPLER_ARG"); share != "" {
		var err error
		if t.Share, err = strconv.ParseFloat(share, 64); err != nil {
			return Tracing{}, fmt.Errorf("read OTEL_TRACES_SAMPLER_ARG: %w", err)
		}
	}
	return t, t.validate()
}

func (t Tracing) enabled() bool { return t.Endpoint != "" }

func (t Tracing) validate() error {
	if !t.enabled() {
		return nil
	}
	if u, err := url.Parse(t.Endpoint); err != nil || u.Scheme != "http" || u.Hostname() == "" {
		return fmt.Errorf("trace endpoint %q is not http://host:port/path", t.Endpoint)
	}
	if t.Share < 0 || t.Share > 1 {
		return fmt.Errorf("trace share %v is not between 0 and 1", t.Share)
	}
	return nil
}

// clusterTracing is the collector's cluster, part of Bootstrap.
const clusterTracing = "tracing"

func (t Tracing) connectionManager() *hcmv3.HttpConnectionManager_Tracing {
	if !t.enabled() {
		return nil
	}
	return &hcmv3.HttpConnectionManager_Tracing{
		RandomSampling: &typev3.Percent{Value: 100}, // the sampler decides
		Operation:      string(wire.StepEdge),
		CustomTags:     []*tracingtypev3.CustomTag{tag("faas.name", wire.HeaderFunction), tag("hotpod.request_id", "x-request-id")},
		Provider: &tracev3.Tracing_Http{
			Name: "envoy.tracers.opentelemetry",
			ConfigType: &tracev3.Tracing_Http_TypedConfig{TypedConfig: pack(&tracev3.OpenTelemetryConfig{
				ServiceName: "hotpod-envoy", Sampler: t.sampler(),
				HttpService: &corev3.HttpService{HttpUri: &corev3.HttpUri{
					Uri: t.Endpoint, HttpUpstreamType: &corev3.HttpUri_Cluster{Cluster: clusterTracing}, Timeout: durationpb.New(5 * time.Second),
				}},
			})},
		},
	}
}

// sampler heeds the caller's decision, and takes the share of requests that come without one. Envoy's own random sampling would
// not heed a caller's.
func (t Tracing) sampler() *corev3.TypedExtensionConfig {
	share := t.Share
	if share == 0 {
		share = 1
	}
	return sampler("parent_based", &samplersv3.ParentBasedSamplerConfig{
		WrappedSampler: sampler("trace_id_ratio_based", &samplersv3.TraceIdRatioBasedSamplerConfig{
			SamplingPercentage: &typev3.FractionalPercent{
				Numerator: uint32(math.Round(1e6 * share)), Denominator: typev3.FractionalPercent_MILLION,
			},
		}),
	})
}

func sampler(name string, config proto.Message) *corev3.TypedExtensionConfig {
	return &corev3.TypedExtensionConfig{Name: "envoy.tracers.opentelemetry.samplers." + name, TypedConfig: pack(config)}
}

// tag is a request's header as an attribute of its span.
func tag(name, header string) *tracingtypev3.CustomTag {
	return &tracingtypev3.CustomTag{Tag: name, Type: &tracingtypev3.CustomTag_RequestHeader{
		RequestHeader: &tracingtypev3.CustomTag_Header{Name: header},
	}}
}

// address of the collector, "host:port".
func (t Tracing) address() string {
	u, err := url.Parse(t.Endpoint)
	if err != nil {
		return ""
	}
	if u.Port() == "" {
		return u.Hostname() + ":80"
	}
	return u.Host
}
