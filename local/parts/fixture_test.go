package parts

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// values are those of a platform in the network 127.42.0.0/16.
func values() Values {
	cidr := netip.MustParsePrefix("127.42.0.0/16")
	return Values{
		Addresses: Addresses(cidr), RouterPort: 8888, InternalPort: 8889,
		APIServer: "https://127.0.0.1:6443", NodeIP: netip.MustParseAddr("127.42.0.1"), DataDir: "/data",
	}
}

// render renders a kustomization of one file.
func render(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"kustomization.yaml": "resources: [all.yaml]\n", "all.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	objects, err := Render(dir, values())
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func plan(t *testing.T, text string) *Plan {
	t.Helper()
	p, err := NewPlan(render(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func options() Options {
	return Options{NodeName: "node1", Dir: "/data/parts", Addresses: values().Addresses}
}
