package manifests

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	installation "hotpod.dev/install"
	"hotpod.dev/internal/manifesttest"
)

// Whoever changes a definition gives all of them the next number, by which an installation knows older and newer ones apart.
func TestDefinitions_HaveTheNumberOfTheirContents(t *testing.T) {
	files, err := filepath.Glob("crds/fission.io_*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("definitions: %v, %v", files, err)
	}
	slices.Sort(files)
	sum := sha256.New()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sum.Write(text)
	}
	history, err := os.ReadFile("crds/history.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(history)), "\n")
	number, digest, _ := strings.Cut(lines[len(lines)-1], " ")
	now := hex.EncodeToString(sum.Sum(nil))[:16]
	if digest != now {
		t.Errorf("the definitions changed: add the line \"%d %s\" to crds/history.txt and the number to crds/kustomization.yaml", len(lines)+1, now)
	}
	if number != strconv.Itoa(len(lines)) {
		t.Errorf("the last of %d numbers is %s", len(lines), number)
	}
	for _, o := range manifesttest.Render(t, "kubernetes", nil) {
		if o.GetKind() == "CustomResourceDefinition" && strconv.Itoa(installation.DefinitionsOf(o)) != number {
			t.Errorf("%s has number %d, want %s", o.GetName(), installation.DefinitionsOf(o), number)
		}
	}
}

// A new version of the definitions takes nothing away: objects that were accepted are, and no field loses its type.
func TestDefinitions_OnlyGrow(t *testing.T) {
	files, err := filepath.Glob("testdata/definitions/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("earlier definitions: %v, %v", files, err)
	}
	for _, f := range files {
		before, now := readDefinition(t, f), readDefinition(t, filepath.Join("crds", filepath.Base(f)))
		for _, fault := range installation.Shrinks(before, now) {
			t.Errorf("%s: %s", filepath.Base(f), fault)
		}
	}
}

func readDefinition(t *testing.T, file string) *unstructured.Unstructured {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(text, &o.Object); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", file, err))
	}
	return o
}
