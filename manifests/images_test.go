package manifests

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotpod.dev/internal/manifesttest"
)

// One list of images in a kustomization of one's own reaches those of the components and those that they put into pods.
func TestImages_AreReplacedInOnePlace(t *testing.T) {
	root, dir := manifesttest.Root(t), t.TempDir()
	names := map[string]bool{"hotpod/fetcher": true, "hotpod/queueproxy": true}
	for _, d := range deployments(t, manifesttest.Render(t, "kubernetes", nil)) {
		for _, c := range append(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers...) {
			names[c.Image] = true
		}
	}
	base, err := filepath.Rel(dir, filepath.Join(root, "manifests", "kubernetes"))
	if err != nil {
		t.Fatal(err)
	}
	text := "resources: [" + base + "]\nconfigurations: [images.yaml]\nimages:\n"
	for name := range names {
		text += fmt.Sprintf("  - {name: %s, newName: registry.example:5000/team/%s, newTag: v1}\n", name, name)
	}
	configuration, err := os.ReadFile(filepath.Join(root, "manifests", "images.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"kustomization.yaml": text, "images.yaml": string(configuration)} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := filepath.Rel(filepath.Join(root, "manifests"), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range deployments(t, manifesttest.Render(t, overlay, nil)) {
		for _, c := range append(d.Spec.Template.Spec.InitContainers, d.Spec.Template.Spec.Containers...) {
			if !strings.HasPrefix(c.Image, "registry.example:5000/team/hotpod/") {
				t.Errorf("%s has image %s", d.Name, c.Image)
			}
			for _, v := range c.Env {
				if strings.HasPrefix(v.Value, "hotpod/") {
					t.Errorf("%s has %s=%s", d.Name, v.Name, v.Value)
				}
			}
			if strings.Contains(strings.Join(c.Args, " "), "=hotpod/") {
				t.Errorf("%s names an image in its flags: %q", d.Name, c.Args)
			}
		}
	}
}
