package test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotpod.dev/hack/toolchain"
)

// collected is an OpenTelemetry Collector that writes spans to a file.
type collected struct{ endpoint, file string }

func collector(t *testing.T) collected {
	t.Helper()
	if os.Getenv("HOTPOD_OTELCOL") == "" {
		t.Skip("HOTPOD_OTELCOL names no OpenTelemetry Collector: `go run ./hack/setup collector` builds one and prints its path")
	}
	tool, err := toolchain.Collector(t.Context(), toolchain.Config{Progress: t.Output(), Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := lis.Addr().String()
	_ = lis.Close()
	c := collected{endpoint: "http://" + address, file: filepath.Join(t.TempDir(), "spans")}
	config := fmt.Sprintf("receivers: {otlp: {protocols: {http: {endpoint: %q}}}}\nexporters: {lines: {path: %q}}\n"+
		"service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [lines]}}}\n", address, c.file)
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool.Path, "--config", "file:"+path)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	return c
}

// collectedSpan is a span in the file.
type collectedSpan struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
	Parent  string `json:"parentSpanId"`
	Name    string `json:"name"`
}

// spans returns the spans of a trace by their names.
func (c collected) spans(t *testing.T, trace string) map[string]collectedSpan {
	t.Helper()
	found := map[string]collectedSpan{}
	f, err := os.Open(c.file)
	if err != nil {
		return found
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var batch struct {
			ResourceSpans []struct {
				ScopeSpans []struct {
					Spans []collectedSpan `json:"spans"`
				} `json:"scopeSpans"`
			} `json:"resourceSpans"`
		}
		if json.Unmarshal(lines.Bytes(), &batch) != nil {
			continue // it is being written
		}
		for _, r := range batch.ResourceSpans {
			for _, s := range r.ScopeSpans {
				for _, span := range s.Spans {
					if span.TraceID == trace {
						found[span.Name] = span
					}
				}
			}
		}
	}
	return found
}

const coldTrace, coldParent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"

// One trace leads from the client through every part to the function, with the steps of the cold start that the request waited for.
func TestTraces_LeadFromTheClientToTheFunction(t *testing.T) {
	if testing.Short() || shared == nil || shared.cluster {
		t.Skip("it starts a platform of its own and a collector; run without -short, on the embedded platform")
	}
	c := collector(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.endpoint)
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0.000001") // callers who say that they are sampled are heeded all the same
	p, err := start()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}()
	code := filepath.Join(t.TempDir(), "seen.js")
	text := "module.exports = async (ctx) => ({ status: 200, body: ctx.request.headers.traceparent || '' });\n"
	if err := os.WriteFile(code, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"env", "create", "nodejs", "--image", "fission/node-env"}, {"fn", "create", "seen", "--env", "nodejs", "--code", code, "--url", "/seen"},
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(p.bin, "hotpod"), args...)
		for k, v := range p.env {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	seen := callTraced(t, p, "00-"+coldTrace+"-"+coldParent+"-01")
	want := map[string]string{
		"edge": "", "activator": "edge", "hold": "activator", "claim": "hold", "specialize": "hold", "fetch": "specialize", "load": "specialize",
		"function": "activator",
	}
	got := awaitSpans(t, c, slices.Collect(maps.Keys(want)))
	for name, parent := range want {
		id := coldParent
		if parent != "" {
			id = got[parent].SpanID
		}
		if got[name].Parent != id {
			t.Errorf("the parent of %s is %s, want %s (%s)", name, got[name].Parent, id, parent)
		}
	}
	if !strings.Contains(seen, coldTrace+"-"+got["function"].SpanID) {
		t.Errorf("the function's parent is %q, want its span %s", seen, got["function"].SpanID)
	}
	// Who says that a request is not sampled is heeded by all parts.
	const unsampled = "1af7651916cd43dd8448eb211c80319c"
	if seen := callTraced(t, p, "00-"+unsampled+"-"+coldParent+"-00"); !strings.HasSuffix(seen, "-00") {
		t.Errorf("a request that is not sampled comes to the function as %q", seen)
	}
	if spans := c.spans(t, unsampled); len(spans) > 0 {
		t.Errorf("a request that is not sampled has spans: %v", spans)
	}
}

// callTraced calls the function and returns the traceparent that it saw.
func callTraced(t *testing.T, p *platform, parent string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.env["FISSION_ROUTER"]+"/seen", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("traceparent", parent)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body [256]byte
	n, _ := resp.Body.Read(body[:])
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", resp.Status, body[:n])
	}
	return strings.TrimSpace(string(body[:n]))
}

// awaitSpans returns the spans of the cold request, when all of the names are there.
func awaitSpans(t *testing.T, c collected, names []string) map[string]collectedSpan {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		got := c.spans(t, coldTrace)
		if missing := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return got[n].SpanID != "" }); len(missing) == 0 {
			return got
		} else if time.Now().After(deadline) {
			t.Fatalf("spans %v are missing, there are %v", missing, slices.Sorted(maps.Keys(got)))
		}
	}
}
