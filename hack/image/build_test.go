package image

import (
	"archive/tar"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

const root = "../.."

// builder returns a builder with a cache of its own, so that nothing of an earlier build helps it.
func builder(t *testing.T) *Builder {
	t.Helper()
	return &Builder{Root: root, Cache: t.TempDir(), Arch: runtime.GOARCH, Version: "v1", Revision: "abc"}
}

// script is a recipe that needs nothing to be built.
func script(t *testing.T) Recipe {
	t.Helper()
	file := filepath.Join(t.TempDir(), "run.sh")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return Recipe{Name: "hotpod/script", Files: map[string]string{"/usr/bin/run.sh": file}, Entrypoint: []string{"/usr/bin/run.sh"}, Env: []string{"A=b"}}
}

func digest(t *testing.T, r Recipe) v1.Hash {
	t.Helper()
	built, err := builder(t).Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := built.Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestBuild_SameInputsHaveTheSameDigest(t *testing.T) {
	r := script(t)
	if testing.Short() {
		t.Log("without programs and packages")
	} else {
		r.Programs = []string{"fetcher"}
		if err := exec.CommandContext(t.Context(), "apt-cache", "show", "media-types").Run(); err != nil {
			t.Log("without packages: they need a Debian machine, and apt-get update once")
		} else {
			r.Packages = []string{"media-types"}
		}
	}
	first := digest(t, r)
	now := time.Now()
	for _, source := range r.Files {
		if err := os.Chtimes(source, now, now); err != nil {
			t.Fatal(err)
		}
	}
	if second := digest(t, r); second != first {
		t.Errorf("two builds: %s and %s", first, second)
	}
	for _, source := range r.Files {
		if err := os.WriteFile(source, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if third := digest(t, r); third == first {
		t.Error("another file, but the same digest")
	}
}

func TestBuild_RunsAsNobodyAndSaysWhatItIs(t *testing.T) {
	built, err := builder(t).Build(t.Context(), script(t))
	if err != nil {
		t.Fatal(err)
	}
	file, err := built.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if file.Config.User != "65532:0" || file.Architecture != runtime.GOARCH || file.OS != "linux" {
		t.Errorf("user %s on %s/%s", file.Config.User, file.OS, file.Architecture)
	}
	if !slices.Contains(file.Config.Env, "A=b") || file.Config.Labels["org.opencontainers.image.version"] != "v1" {
		t.Errorf("environment %v, labels %v", file.Config.Env, file.Config.Labels)
	}
}

func TestBuild_ListsTheModulesOfPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	built, err := builder(t).Build(t.Context(), Recipe{Name: "hotpod/fetcher", Programs: []string{"fetcher"}})
	if err != nil {
		t.Fatal(err)
	}
	var list bill
	if err := json.Unmarshal(built.Bill, &list); err != nil {
		t.Fatal(err)
	}
	if list.Format != "CycloneDX" || !slices.ContainsFunc(list.Components, func(c component) bool { return c.Name == "stdlib" && c.Version != "" }) {
		t.Errorf("%s", built.Bill)
	}
}

// Manifests and the pool name images; each must be one that is made here.
func TestRecipes_AreThereForAllThatManifestsName(t *testing.T) {
	recipes, err := Recipes(root, "/envoy")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "manifests", "base", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`image(?:: |=)([a-z.]+/\S+)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			if !slices.ContainsFunc(recipes, func(r Recipe) bool { return r.Name == string(m[1]) }) {
				t.Errorf("%s names %s, which no recipe makes", file, m[1])
			}
		}
	}
	for _, want := range []string{"hotpod/node-env", "hotpod/python-env", "hotpod/node-builder"} {
		if !slices.ContainsFunc(recipes, func(r Recipe) bool { return r.Name == want && len(r.Entrypoint) == 2 }) {
			t.Errorf("no recipe for %s", want)
		}
	}
}

func TestServe_OffersArchivesAsTheyWereBuilt(t *testing.T) {
	built, err := builder(t).Build(t.Context(), script(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := Archive(built, "v7", dir); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, dir, map[string][]string{"hotpod/script": {"other/name"}}) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	ref, err := name.ParseReference(listener.Addr().String() + "/other/name:v7")
	if err != nil {
		t.Fatal(err)
	}
	want, err := built.Image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for {
		got, err := remote.Head(ref, remote.WithContext(ctx))
		if err == nil {
			if got.Digest != want {
				t.Errorf("%s, want %s", got.Digest, want)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// Builder pods start /builder, whatever the image's own entrypoint is.
func TestRecipes_OfBuildersHaveTheProgramThatPodsStart(t *testing.T) {
	recipes, err := Recipes(root, "envoy")
	if err != nil {
		t.Fatal(err)
	}
	builders := 0
	for _, r := range recipes {
		if !strings.HasSuffix(r.Name, "-builder") {
			continue
		}
		builders++
		if target := r.Links["/builder"]; target != "usr/bin/builder" || !slices.Equal(r.Programs, []string{"builder"}) {
			t.Errorf("%s: /builder is %q, programs are %v", r.Name, target, r.Programs)
		}
	}
	if builders == 0 {
		t.Error("no image of a builder")
	}
}

func TestBuild_Links(t *testing.T) {
	r := script(t)
	r.Links = map[string]string{"/run": "usr/bin/run.sh"}
	built, err := builder(t).Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	contents := mutate.Extract(built.Image)
	defer contents.Close()
	archive := tar.NewReader(contents)
	for {
		header, err := archive.Next()
		if err != nil {
			t.Fatal("no link in the image:", err)
		}
		if header.Typeflag == tar.TypeSymlink && header.Name == "run" && header.Linkname == "usr/bin/run.sh" {
			return
		}
	}
}
