package spec_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/spec"
)

const config = "apiVersion: fission.io/v1\nkind: DeploymentConfig\nname: shop\nuid: u-1\n"

const environment = "apiVersion: fission.io/v1\nkind: Environment\nmetadata:\n  name: nodejs\nspec:\n  version: 3\n  runtime:\n    image: fission/node-env\n"

const pkg = "apiVersion: fission.io/v1\nkind: Package\nmetadata:\n  name: hello\nspec:\n  environment:\n    name: nodejs\n" +
	"  deployment:\n    type: literal\n    literal: Y29kZQ==\n"

const function = "apiVersion: fission.io/v1\nkind: Function\nmetadata:\n  name: hello\n  creationTimestamp: null\nspec:\n  environment:\n    name: nodejs\n" +
	"  secrets:\n  - name: key\n  package:\n    packageref:\n      name: hello\n      resourceversion: \"7\"\n"

const route = "apiVersion: fission.io/v1\nkind: HTTPTrigger\nmetadata:\n  name: hello\nspec:\n  relativeurl: /hello\n  methods: [GET]\n" +
	"  functionref:\n    type: name\n    name: hello\n"

// folder writes files into the folder "specs" of a new project and returns its path.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "specs")
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func join(docs ...string) string { return strings.Join(docs, "---\n") }

func read(t *testing.T, o spec.Options, docs ...string) *spec.App {
	t.Helper()
	if o.Namespace == "" {
		o.Namespace = "default"
	}
	app, err := spec.Read(folder(t, map[string]string{"all.yaml": join(append([]string{config}, docs...)...)}), o)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestRead_FillsInWhatUsersMayLeaveOut(t *testing.T) {
	app := read(t, spec.Options{Namespace: "shop"}, function, pkg, environment)
	fn, ok := app.Of(spec.KindFunction)[0].Object.(*v1.Function)
	if !ok {
		t.Fatal("no function")
	}
	ref := fn.Spec.Package.PackageRef
	if fn.Namespace != "shop" || ref.Namespace != "shop" || ref.ResourceVersion != "" || fn.Spec.Environment.Namespace != "shop" ||
		fn.Spec.Secrets[0].Namespace != "shop" {
		t.Errorf("function = %+v", fn)
	}
	if fn.Annotations[spec.AnnotationName] != "shop" || fn.Annotations[spec.AnnotationUID] != "u-1" {
		t.Errorf("annotations = %v", fn.Annotations)
	}
	if warnings, err := app.Check(); err != nil || len(warnings) > 0 {
		t.Errorf("Check: %v, %v", warnings, err)
	}
}

func TestRead_ForcesANamespaceOnAll(t *testing.T) {
	elsewhere := strings.Replace(function, "name: hello\n  creation", "name: hello\n  namespace: other\n  creation", 1)
	for force, want := range map[bool]string{false: "other", true: "shop"} {
		app := read(t, spec.Options{Namespace: "shop", Force: force}, elsewhere)
		fn, _ := app.Items[0].Object.(*v1.Function)
		if fn.Namespace != want || fn.Spec.Package.PackageRef.Namespace != want {
			t.Errorf("force %v: namespace %s, package of %s", force, fn.Namespace, fn.Spec.Package.PackageRef.Namespace)
		}
	}
}

func TestRead_NamesFileAndLineOfEveryFault(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		says []string
	}{
		"a field that does not exist": {join(config, strings.Replace(environment, "image:", "imgae:", 1)), []string{`all.yaml:13: unknown field "spec.runtime.imgae"`}},
		"a kind that does not exist":  {join(config, strings.Replace(route, "HTTPTrigger", "HttpTrigger", 1)), []string{`all.yaml:7: kind "HttpTrigger" is not known`}},
		"not YAML":                    {join(config, "kind: Function\n  name: a\n"), []string{"all.yaml:7: not valid YAML: mapping values"}},
		"a key twice":                 {join(config, environment+"kind: Function\n"), []string{"all.yaml:", "already"}},
		"two configurations":          {join(config, config), []string{"all.yaml:6: a second DeploymentConfig"}},
		"another API version":         {join(config, strings.Replace(pkg, "fission.io/v1", "v2", 1)), []string{`all.yaml:6: apiVersion "v2"`}},
		"no name":                     {join(config, strings.Replace(pkg, "  name: hello\n", "  labels: {a: b}\n", 1)), []string{"all.yaml:8: a Package without metadata.name"}},
		"a wrong type":                {join(config, strings.Replace(environment, "version: 3", "version: three", 1)), []string{"all.yaml:6:", "version"}},
		"two faults": {
			join(config, strings.Replace(environment, "image:", "imgae:", 1), strings.Replace(pkg, "name: nodejs", "nam: nodejs", 1)),
			[]string{"all.yaml:13:", "all.yaml:21:"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := spec.Read(folder(t, map[string]string{"all.yaml": c.text}), spec.Options{})
			for _, want := range c.says {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("err = %v, want %q", err, want)
				}
			}
		})
	}
}

func TestRead_LeavesOutWhatItIsToldTo(t *testing.T) {
	dir := folder(t, map[string]string{
		"config.yaml": config, "sub/env.yml": environment, "drafts/a.yaml": "kind: [", "old.yaml": "kind: [", "README.md": "kind: [",
		spec.IgnoreFile: "# not these\ndrafts/\nold.*\n",
	})
	app, err := spec.Read(dir, spec.Options{})
	if err != nil || len(app.Items) != 1 {
		t.Errorf("%v, %v", app, err)
	}
}

func TestCheck_FindsWhatDoesNotFitTogether(t *testing.T) {
	archive := "kind: ArchiveUploadSpec\nname: code\ninclude: [\"*.js\"]\n"
	byArchive := strings.Replace(pkg, "type: literal\n    literal: Y29kZQ==", "type: url\n    url: archive://code", 1)
	for name, c := range map[string]struct {
		docs []string
		says string
	}{
		"a route to nowhere":         {[]string{route}, "all.yaml:15: route hello calls function hello"},
		"a function without package": {[]string{function, environment}, "all.yaml:18: function hello names package hello"},
		"an archive nobody uses":     {[]string{archive}, "all.yaml:6: archive code is not used"},
		"a package without archive":  {[]string{byArchive, environment}, "all.yaml:15: package hello names deployment archive code"},
		"an object twice":            {[]string{environment, environment}, "all.yaml:15: Environment nodejs is declared twice: also at "},
		"a value out of range":       {[]string{strings.Replace(route, "/hello", "hello", 1)}, "all.yaml:11: HTTPTrigger hello: spec.relativeurl: a path begins with"},
		"routes that exclude each other": {
			[]string{environment, pkg, function, route, strings.Replace(route, "name: hello\nspec", "name: again\nspec", 1)},
			"both answer GET /hello",
		},
		"another environment": {
			[]string{environment, pkg, strings.Replace(function, "name: nodejs", "name: python", 1)},
			`function hello is for environment "python", its package hello for "nodejs"`,
		},
		"a package elsewhere": {
			[]string{environment, pkg, strings.Replace(function, "packageref:\n", "packageref:\n      namespace: other\n", 1)},
			"names a package of namespace other",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(t, spec.Options{}, c.docs...).Check()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("err = %v, want %q", err, c.says)
			}
		})
	}
}

func TestCheck_WarnsOfSharedEnvironments(t *testing.T) {
	warnings, err := read(t, spec.Options{}, pkg, function, route).Check()
	if err != nil || len(warnings) != 2 || !strings.Contains(warnings[0], "all.yaml:12: Package hello names environment nodejs") {
		t.Errorf("%v, %v", warnings, err)
	}
}

// applied returns the objects as an API server has them after the app was applied.
func applied(t *testing.T, app *spec.App) []spec.Object {
	t.Helper()
	var out []spec.Object
	for _, item := range app.Items {
		o, ok := item.Object.DeepCopyObject().(spec.Object)
		if !ok {
			t.Fatal("no object")
		}
		annotations := o.GetAnnotations()
		annotations[spec.AnnotationHash] = item.Hash()
		o.SetAnnotations(annotations)
		out = append(out, o)
	}
	return out
}

func steps(p spec.Plan) string {
	var out []string
	for _, a := range p.Actions {
		out = append(out, string(a.Step)+" "+a.Key.Kind)
	}
	return strings.Join(out, ", ")
}

func TestPlan_CreatesInOrderAndThenKeeps(t *testing.T) {
	app := read(t, spec.Options{}, route, function, pkg, environment)
	if got := steps(spec.NewPlan(app, nil, true)); got != "create Environment, create Package, create Function, create HTTPTrigger" {
		t.Error(got)
	}
	live := applied(t, app)
	for _, o := range live { // what others write into the objects
		switch o := o.(type) {
		case *v1.Environment:
			grace := int64(90)
			o.Spec.TerminationGracePeriod = &grace
			o.Labels = map[string]string{"team": "a"}
		case *v1.Function:
			o.Spec.Package.PackageRef.ResourceVersion = "42"
		case *v1.Package:
			o.Spec.Source = v1.Archive{Type: v1.ArchiveURL, URL: "http://a/b"}
		}
	}
	if got := steps(spec.NewPlan(app, live, true)); got != "keep Environment, keep Package, keep Function, keep HTTPTrigger" {
		t.Error(got)
	}
}

func TestPlan_UpdatesWhatChangedOnEitherSide(t *testing.T) {
	app := read(t, spec.Options{}, environment)
	live := applied(t, app)
	for name, changed := range map[string]string{
		"a value":       strings.Replace(environment, "node-env", "node-env:2", 1),
		"a new field":   environment + "  poolsize: 5\n",
		"a field less":  strings.Replace(environment, "  version: 3\n", "", 1),
		"a label":       strings.Replace(environment, "name: nodejs\n", "name: nodejs\n  labels: {a: b}\n", 1),
		"not a comment": environment,
	} {
		want := "update Environment"
		if name == "not a comment" {
			changed, want = "# comment\n"+environment, "keep Environment"
		}
		if got := steps(spec.NewPlan(read(t, spec.Options{}, changed), live, false)); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
	env, _ := live[0].(*v1.Environment)
	env.Spec.Runtime.Image = "edited/by-hand"
	if got := steps(spec.NewPlan(app, live, false)); got != "update Environment" {
		t.Errorf("edited on the cluster: %s", got)
	}
}

func TestPlan_DeletesOnlyItsOwnAndOnlyWhenAsked(t *testing.T) {
	all := read(t, spec.Options{}, environment, pkg, function, route)
	live := applied(t, all)
	foreign := applied(t, read(t, spec.Options{}, strings.Replace(environment, "nodejs", "python", 1)))
	foreign[0].SetAnnotations(map[string]string{spec.AnnotationUID: "u-2", spec.AnnotationName: "bank"})
	live = append(live, foreign...)
	rest := read(t, spec.Options{}, environment)
	if got := steps(spec.NewPlan(rest, live, false)); got != "keep Environment" {
		t.Error(got)
	}
	if got := steps(spec.NewPlan(rest, live, true)); got != "keep Environment, delete HTTPTrigger, delete Function, delete Package" {
		t.Error(got)
	}
	taken := read(t, spec.Options{}, strings.Replace(environment, "nodejs", "python", 1))
	p := spec.NewPlan(taken, live, false)
	if len(p.Conflicts) != 1 || !strings.Contains(p.Conflicts[0], "all.yaml:6: Environment default/python exists and belongs to application bank") {
		t.Errorf("conflicts = %v", p.Conflicts)
	}
}

func TestSetArchive_PutsCodeWhereItWasNamed(t *testing.T) {
	app := read(t, spec.Options{}, strings.Replace(pkg, "type: literal\n    literal: Y29kZQ==", "type: url\n    url: archive://code", 1))
	item := app.Items[0]
	before := item.Hash()
	if err := item.SetArchive("deployment", v1.Archive{Type: v1.ArchiveLiteral, Literal: []byte("new")}); err != nil {
		t.Fatal(err)
	}
	p, _ := item.Object.(*v1.Package)
	sent, _ := json.Marshal(item.Spec["deployment"])
	if string(p.Spec.Deployment.Literal) != "new" || p.Spec.Deployment.URL != "" || string(sent) != `{"literal":"bmV3","type":"literal"}` || item.Hash() == before {
		t.Errorf("%+v, %s", p.Spec.Deployment, sent)
	}
}

func TestFiles_FollowsTheGlobs(t *testing.T) {
	dir := folder(t, map[string]string{
		"../app.js": "", "../lib/a.js": "", "../lib/deep/b.js": "", "../lib/deep/b.test.js": "", "../node_modules/x/index.js": "", "../package.json": "",
	})
	for name, c := range map[string]struct{ include, exclude, want string }{
		"one file":              {"app.js", "", "app.js"},
		"one level":             {"*.js", "", "app.js"},
		"any level":             {"**/*.js", "node_modules", "app.js lib/a.js lib/deep/b.js lib/deep/b.test.js"},
		"a folder":              {"lib", "", "lib/a.js lib/deep/b.js lib/deep/b.test.js"},
		"a folder and its file": {"lib/**", "**/*.test.js", "lib/a.js lib/deep/b.js"},
		"everything but":        {".", "node_modules/** lib specs", "app.js package.json"},
	} {
		t.Run(name, func(t *testing.T) {
			a := spec.NewArchive("code", strings.Fields(c.include)...)
			a.Exclude = strings.Fields(c.exclude)
			got, err := a.Files(dir)
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%v, %v; want %s", got, err, c.want)
			}
		})
	}
	if _, err := spec.NewArchive("code", "*.py").Files(dir); err == nil || !strings.Contains(err.Error(), "is empty") {
		t.Errorf("nothing matches: %v", err)
	}
}

func TestSave_AppendsDocumentsOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "specs")
	if err := spec.Init(dir, spec.Config{Name: "shop", UID: "u-1"}); err != nil {
		t.Fatal(err)
	}
	if err := spec.Init(dir, spec.Config{Name: "shop", UID: "u-2"}); err == nil {
		t.Error("a folder was made twice")
	}
	p := &v1.Package{}
	p.Name = "hello"
	p.Spec.Environment.Name = "nodejs"
	p.Spec.Deployment = v1.Archive{Type: v1.ArchiveURL, URL: "archive://code"}
	o := spec.Options{Namespace: "default"}
	if err := spec.Save(dir, "hello.yaml", o, spec.NewArchive("code", "*.js"), p); err != nil {
		t.Fatal(err)
	}
	if err := spec.Save(dir, "again.yaml", o, p); err == nil || !strings.Contains(err.Error(), "hello.yaml:7: Package hello is declared already") {
		t.Errorf("declared twice: %v", err)
	}
	p.Name = "other"
	if err := spec.Save(dir, "hello.yaml", o, p); err != nil {
		t.Fatal(err)
	}
	app, err := spec.Read(dir, o)
	if err != nil || len(app.Items) != 2 || len(app.Archives) != 1 {
		t.Fatalf("%+v, %v", app, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "hello.yaml"))
	if err != nil || slices.ContainsFunc([]string{"status", "creationTimestamp", "null", `""`}, func(s string) bool { return strings.Contains(string(text), s) }) {
		t.Errorf("%v:\n%s", err, text)
	}
}
