package manifests

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hotpod.dev/internal/manifesttest"
)

// Every component knows the flags that the manifests give it.
func TestDeployments_GiveFlagsThatExist(t *testing.T) {
	binaries := map[string]string{}
	for overlay, objects := range overlays(t) {
		for _, d := range deployments(t, objects) {
			if d.Name == "router" {
				continue // Envoy
			}
			if binaries[d.Name] == "" {
				binaries[d.Name] = build(t, strings.TrimPrefix(d.Spec.Template.Spec.Containers[0].Image, "hotpod/"))
			}
			// --help ends the program after every flag before it was read.
			args := slices.Concat(d.Spec.Template.Spec.Containers[0].Args, []string{"--help"})
			if out, err := exec.CommandContext(t.Context(), binaries[d.Name], args...).CombinedOutput(); err != nil {
				t.Errorf("%s: %s %q: %v\n%s", overlay, d.Name, args, err, out)
			}
		}
	}
}

// build builds a component as "make build" does, so that nothing is compiled twice.
func build(t *testing.T, component string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), component)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", binary, "./cmd/"+component)
	cmd.Dir, cmd.Env = manifesttest.Root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", component, err, out)
	}
	return binary
}
