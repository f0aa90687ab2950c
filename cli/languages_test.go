package cli

import (
	"bytes"
	"strings"
	"testing"

	v1 "hotpod.dev/api/v1"
)

func TestLanguageOf_RecognisesFilesAndProjects(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "node/package.json", "{}")
	write(t, dir, "plain/main.py", "")
	write(t, dir, "net/app.csproj", "")
	write(t, dir, "docs/readme.md", "")
	write(t, dir, "script", "#!/bin/sh\n")
	for code, want := range map[string]string{
		"hello.js": "nodejs", "a/b.PY": "python", "*.go": "go", "x.php": "php", "X.cs": "dotnet", "x.rb": "ruby", "run.sh": "binary",
		dir + "/node": "nodejs", dir + "/plain": "python", dir + "/net": "dotnet", dir + "/script": "binary",
		dir + "/docs": "", "hello.txt": "", "https://example.com/a.js": "nodejs",
	} {
		if l, ok := languageOf([]string{code}); l.name != want || ok != (want != "") {
			t.Errorf("languageOf(%s) = %q, want %q", code, l.name, want)
		}
	}
}

func TestLanguage_RunsInItsImagesWhereverTheyCome(t *testing.T) {
	node, _ := languageOf([]string{"a.js"})
	dotnet, _ := languageOf([]string{"a.cs"})
	for image, want := range map[string]string{
		"fission/node-env": "nodejs", "ghcr.io/fission/node-env-22:1.2": "nodejs", "localhost:5000/node-env@sha256:ab": "nodejs", "hotpod/node-env-debian": "nodejs",
		"fission/dotnet20-env": "dotnet", "hotpod/dotnet-env": "dotnet", "fission/python-env": "", "example.org/mine": "", "node": "",
	} {
		env := &v1.Environment{}
		env.Spec.Runtime.Image = image
		if got := node.runs(env); got != (want == "nodejs") {
			t.Errorf("Node.js in %s: %v", image, got)
		}
		if got := dotnet.runs(env); got != (want == "dotnet") {
			t.Errorf(".NET in %s: %v", image, got)
		}
	}
}

func TestConfirm_AsksNobodyWithoutATerminal(t *testing.T) {
	var said bytes.Buffer
	a := &app{Config: Config{In: strings.NewReader("y\n"), Err: &said}}
	for _, yes := range []bool{true, false} {
		if got, err := a.confirm("make it?", yes); got != yes || err != nil || said.Len() > 0 {
			t.Errorf("confirm(--yes=%v) = %v, %v, said %q", yes, got, err, said.String())
		}
	}
}

func TestOwnRoute_IsForTheShortFormOnly(t *testing.T) {
	for name, c := range map[string]struct {
		o     functionFlags
		route routeFlags
		want  string
	}{
		"the short form":        {functionFlags{}, routeFlags{}, "/hello"},
		"as with Fission":       {functionFlags{env: "nodejs"}, routeFlags{}, ""},
		"of a package":          {functionFlags{pkg: "p"}, routeFlags{}, ""},
		"no route":              {functionFlags{noRoute: true}, routeFlags{}, ""},
		"another URL":           {functionFlags{}, routeFlags{url: "/other"}, "/other"},
		"a prefix":              {functionFlags{}, routeFlags{prefix: "/p"}, ""},
		"another, with its env": {functionFlags{env: "nodejs"}, routeFlags{url: "/other"}, "/other"},
	} {
		c.o.ownRoute("hello", &c.route, false)
		if c.route.url != c.want {
			t.Errorf("%s: %q, want %q", name, c.route.url, c.want)
		}
	}
}

func TestJoinVerbosity_LetsTheValueStandAlone(t *testing.T) {
	for args, want := range map[string]string{
		"fn list -v 2": "fn list -v=2", "-v fn list": "-v fn list", "--verbosity 0 fn": "--verbosity=0 fn", "fn get 2": "fn get 2", "-v 9": "-v 9",
	} {
		if got := strings.Join(joinVerbosity(strings.Fields(args)), " "); got != want {
			t.Errorf("%q became %q, want %q", args, got, want)
		}
	}
}

func TestExplainURL_SaysWhatReplacedIt(t *testing.T) {
	var said bytes.Buffer
	a := &app{verbosity: 1, Config: Config{Err: &said, Getenv: func(name string) string { return map[string]string{"FISSION_URL": "http://old"}[name] }}}
	a.explainURL()
	if !strings.Contains(said.String(), "FISSION_ROUTER_URL") {
		t.Error(said.String())
	}
}
