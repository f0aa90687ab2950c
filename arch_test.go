package hotpod_test

import (
	"os/exec"
	"strings"
	"testing"
)

// rules says which packages must not reach which, and why. It is the dependency picture of ARCHITECTURE.md.
var rules = []struct{ from, not, why string }{
	{"api/v1", "hotpod.dev/", "the API is what everything else depends on"},
	{"wire", ".", "sidecars use it: the standard library only"},
	{"sign", "hotpod.dev/", "sidecars use it: the standard library only"},
	{"shard", ".", "every part agrees on it: the standard library only"},
	{"telemetry", "hotpod.dev/", "shared by every part, it knows none"},
	{"feed", "k8s.io/", "streams carry plain values"},
	{"environments/generic", ".", "runtimes are small and start at once: the standard library only"},
	{"environments/go", "k8s.io/", "a runtime knows no part and no Kubernetes"},
	{"environments/binary", "k8s.io/", "a runtime knows no part and no Kubernetes"},
	{"proxy", "k8s.io/", "sidecars link no Kubernetes code"},
	{"queueproxy", "k8s.io/", "the sidecar knows nothing of Kubernetes"},
	{"queueproxy", "google.golang.org/grpc", "the sidecar stays small"},
	{"fetcher", "k8s.io/", "the sidecar knows nothing of Kubernetes"},
	{"fetcher", "google.golang.org/grpc", "the sidecar stays small"},
	{"storage", "k8s.io/", "the archive store takes plain values; kube adapts"},
	{"storage/client", "hotpod.dev/storage", "clients of the archive store meet it on the wire"},
	{"storage/image", "hotpod.dev/storage", "the command line takes code out of images too, without the archive store"},
	{"storage/image", "k8s.io/", "images are plain files and registries"},
	{"logline", ".", "the command line and the logger read lines alike: the standard library only"},
	{"logger", "k8s.io/", "the follower takes plain values; cmd adapts"},
	{"logger/client", "hotpod.dev/logstore", "clients of the logger meet it on the wire"},
	{"logstore", "k8s.io/", "a database knows no Kubernetes"},
	{"leader", ".", "an election knows no part and no Kubernetes: the standard library only"},
	{"environments/contract", "hotpod.dev/", "runtimes are judged on the wire alone"},
	{"router", "hotpod.dev/", "it runs beside Envoy and knows no part"},
	{"guard", "k8s.io/", "it runs beside Envoy, which the whole world talks to: it holds one key and nothing of Kubernetes"},
	{"guard", "hotpod.dev/router", "parts meet in cmd"},
	{"fresh", ".", "the standard library only"},
	{"seldom", ".", "the standard library only"},
	{"certs", "k8s.io/", "certificates are files; kube keeps them in Secrets"},
	{"activator", "k8s.io/client-go", "no Kubernetes objects on the request path"},
	{"autoscaler", "k8s.io/client-go", "the law takes plain values; kube adapts"},
	{"pool", "k8s.io/client-go", "the pool takes plain values; kube adapts"},
	{"xds", "k8s.io/client-go", "translation takes plain values; kube adapts"},
	{"autoscaler", "hotpod.dev/pool", "parts meet in cmd"},
	{"autoscaler", "hotpod.dev/dedicated", "parts meet in cmd"},
	{"pool", "hotpod.dev/autoscaler", "parts meet in cmd"},
	{"pool", "hotpod.dev/dedicated", "it is built on the pool"},
	{"dedicated", "hotpod.dev/autoscaler", "parts meet in cmd"},
	{"dedicated", "k8s.io/client-go", "the pool takes plain values; kube adapts"},
	{"event", "k8s.io/client-go", "deliveries take plain values; kube adapts"},
	{"event", "hotpod.dev/timer", "it does not know who uses it"},
	{"event", "hotpod.dev/kubewatcher", "it does not know who uses it"},
	{"timer", "k8s.io/client-go", "it takes plain values; kube adapts"},
	{"timer", "hotpod.dev/kubewatcher", "parts meet on the wire"},
	{"kubewatcher", "k8s.io/client-go", "it takes plain values; kube/watched adapts"},
	{"kubewatcher", "hotpod.dev/timer", "parts meet on the wire"},
	{"kube", "hotpod.dev/kubewatcher", "every part would carry it: kube/watched is apart"},
	{"kube", "github.com/google/cel-go", "every part would carry it"},
	{"cli", "hotpod.dev/event", "the CLI talks to the API server and to Envoy only"},
	{"builder", "k8s.io/", "it runs beside a user's build and knows nothing of Kubernetes"},
	{"builder", "google.golang.org/grpc", "it stays small"},
	{"buildmgr", "hotpod.dev/controller", "parts meet in cmd"},
	{"buildmgr", "hotpod.dev/autoscaler", "parts meet in cmd"},
	{"controller", "hotpod.dev/buildmgr", "parts meet in cmd"},
	{"pool", "hotpod.dev/buildmgr", "builder pods are made as its pods are, not the other way round"},
	{"explain", "k8s.io/client-go", "causes are found in plain values"},
	{"explain", "hotpod.dev/kube", "causes are found in plain values"},
	{"timelines", "k8s.io/", "every part sends timelines: they stay small"},
	{"timelines", "hotpod.dev/logstore", "parts meet the store on the wire"},
	{"timelines/store", "k8s.io/", "the store takes plain values"},
	{"xds", "hotpod.dev/pool", "parts meet on the wire"},
	{"xds", "hotpod.dev/autoscaler", "parts meet on the wire"},
	{"activator", "hotpod.dev/autoscaler", "parts meet on the wire"},
	{"activator", "hotpod.dev/queueproxy", "parts meet on the wire"},
	{"queueproxy", "hotpod.dev/activator", "parts meet on the wire"},
	{"controller", "hotpod.dev/pool", "parts meet on the wire"},
	{"controller", "hotpod.dev/autoscaler", "parts meet on the wire"},
	{"controller", "hotpod.dev/xds", "parts meet on the wire"},
	{"kube", "hotpod.dev/controller", "kube holds no domain rules"},
	{"kube", "hotpod.dev/autoscaler", "kube holds no domain rules"},
	{"spec", "k8s.io/client-go", "specs are files and plans; the CLI talks to the cluster"},
	{"spec", "hotpod.dev/kube", "specs are files and plans; the CLI talks to the cluster"},
	{"install", "k8s.io/client-go", "what is installed is plain values; the CLI talks to the cluster"},
	{"install", "helm.sh/", "the chart is rendered with the standard library"},
	{"dashboards", "hotpod.dev/", "it knows the metrics by their names only"},
	{"cli", "hotpod.dev/pool", "the CLI talks to the API server and to Envoy only"},
	{"cli", "hotpod.dev/autoscaler", "the CLI talks to the API server and to Envoy only"},
}

func TestDependencies_PointTheRightWay(t *testing.T) {
	deps := map[string][]string{}
	for _, r := range rules {
		if _, ok := deps[r.from]; !ok {
			deps[r.from] = list(t, r.from)
		}
		for _, dep := range deps[r.from] {
			if dep != "hotpod.dev/"+r.from && forbidden(dep, r.not) {
				t.Errorf("%s reaches %s: %s", r.from, dep, r.why)
				break
			}
		}
	}
}

// forbidden reports whether dep falls under not; "." stands for everything outside the standard library.
func forbidden(dep, not string) bool {
	if not == "." {
		return strings.Contains(strings.SplitN(dep, "/", 2)[0], ".")
	}
	return strings.HasPrefix(dep, not)
}

func list(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "hotpod.dev/"+pkg).Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pkg, err)
	}
	return strings.Fields(string(out))
}

func TestInternalPackages_AreForTestsOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}}: {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !strings.HasPrefix(pkg, "hotpod.dev/internal/") && strings.Contains(imports, "hotpod.dev/internal/") {
			t.Errorf("%s imports a test-support package outside its tests", pkg)
		}
	}
}
