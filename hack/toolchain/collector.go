package toolchain

import (
	"context"
	"fmt"
	"path/filepath"
)

// Collector returns an OpenTelemetry Collector that receives OTLP and writes what it gets to a file: the one that HOTPOD_OTELCOL
// names, else one compiled from test/otelcol.
func Collector(ctx context.Context, c Config) (Tool, error) {
	if tool, ok, err := c.given("HOTPOD_OTELCOL"); ok || err != nil {
		return tool, err
	}
	m := module{
		name: "otelcol", pkg: ".", what: "the OpenTelemetry Collector", packages: 700, of: "go.opentelemetry.io/collector/otelcol",
		ldflags: "-s -w", dir: filepath.Join(c.Source, "test", "otelcol"),
	}
	if err := m.read(); err != nil {
		return Tool{}, fmt.Errorf("find the sources of otelcol: %w", err)
	}
	return c.module(ctx, "otelcol", m)
}
