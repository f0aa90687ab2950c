package contract

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestExamples_HelloAnswersInEveryLanguage(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		found, err := filepath.Glob("../../examples/hello" + filepath.Ext(l.source(t, "hello")))
		if err != nil || len(found) != 1 {
			t.Fatalf("no hello example: %v %v", found, err)
		}
		r := start(t, l)
		r.mustLoad(place(t, found[0], "deployarchive"), "")
		mustEqual(t, "body", r.get("/").text(), "Hello, world!\n")
		wantStatus(t, r.get("/"), http.StatusOK)
	})
}

func TestExamples_ManifestHoldsTheFunction(t *testing.T) {
	manifest, err := os.ReadFile("../../examples/hello.yaml")
	if err != nil {
		t.Fatal(err)
	}
	function, err := os.ReadFile("../../examples/hello.js")
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(manifest), "\n---\n") {
		var p struct {
			Kind string `json:"kind"`
			Spec struct {
				Deployment struct {
					Literal []byte `json:"literal"`
				} `json:"deployment"`
			} `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(document), &p); err != nil {
			t.Fatal(err)
		}
		if p.Kind == "Package" && bytes.Equal(p.Spec.Deployment.Literal, function) {
			return
		}
	}
	t.Fatal("hello.yaml has no Package with hello.js as its literal: base64 -w0 examples/hello.js")
}

func TestImages_AreCompleteAndNamesAreNotClaimedTwice(t *testing.T) {
	owner := map[string]string{}
	for _, l := range languages(t) {
		if len(l.Image.Command) == 0 && l.Image.Program == "" || l.Image.Program == "" && len(l.Image.Requires) == 0 {
			t.Errorf("%s: image.yaml lacks command or requires", l.Name)
		}
		for _, name := range l.Image.Names {
			if strings.ContainsAny(filepath.Base(name), ":@") {
				t.Errorf("%s: %s has a tag; tags are ignored", l.Name, name)
			}
			if other, ok := owner[name]; ok {
				t.Errorf("%s is claimed by %s and %s", name, other, l.Name)
			}
			owner[name] = l.Name
		}
	}
}
