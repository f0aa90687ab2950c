package manifests

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotpod.dev/xds"
)

var update = flag.Bool("update", false, "write Envoy's bootstraps anew")

// Envoy's bootstrap, and the files that it names, are what xds says that they must be.
func TestRouter_BootstrapIsThatOfXDS(t *testing.T) {
	files, err := xds.SecretFiles("/etc/hotpod/tls")
	if err != nil {
		t.Fatal(err)
	}
	files["envoy.json"], err = xds.Bootstrap(xds.BootstrapConfig{
		XDS: "xds:18000", Debug: "0.0.0.0:8080", Guard: "127.0.0.1:9902", Secrets: "/etc/envoy",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		file := "base/router/" + name
		want = indented(t, want)
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s is not what xds.Bootstrap makes; run go test ./manifests -update and read the diff (-want +got):\n%s", file, diff)
		}
	}
}

func indented(t *testing.T, text []byte) []byte {
	t.Helper()
	var v any // sorts the keys, whose order is otherwise another in each build
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}
