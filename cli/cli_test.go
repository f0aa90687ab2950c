package cli

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/wire"
)

// run executes the command without a cluster.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), Config{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" }, Executable: "/nonexistent/hotpod",
	}, args)
	return code, out.String(), errs.String()
}

func TestRun_WrongUsageSaysWhatToDoAndExitsWithTwo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no name":                 {[]string{"fn", "create"}, "which function?"},
		"two names":               {[]string{"fn", "create", "a", "--name", "b"}, "two names"},
		"bad name":                {[]string{"fn", "create", "Hello_World", "--env", "n", "--code", "x"}, "lower-case letters"},
		"name too long":           {[]string{"env", "create", strings.Repeat("a", 64), "--image", "i"}, "at most 63"},
		"no environment":          {[]string{"fn", "create", "a", "--code", "a.txt"}, "--env NAME (code is recognised by .js"},
		"no code":                 {[]string{"fn", "create", "a", "--env", "n"}, "--code FILE"},
		"code and package":        {[]string{"fn", "create", "a", "--env", "n", "--code", "f", "--pkg", "p"}, "not both"},
		"no image":                {[]string{"env", "create", "a"}, "fission/node-env"},
		"unknown flag":            {[]string{"fn", "list", "--nonsense"}, "--help"},
		"unknown verb":            {[]string{"fn", "remove"}, "no command"},
		"unknown noun":            {[]string{"functoin", "list"}, "hotpod has no command"},
		"arguments of list":       {[]string{"fn", "list", "hello"}, "takes no arguments: got hello"},
		"bad selector":            {[]string{"fn", "list", "-l", "color in ("}, "--selector"},
		"a slip in the verb":      {[]string{"fn", "creat"}, "create"},
		"route without function":  {[]string{"route", "create", "--url", "/a"}, "--function NAME"},
		"route with url + prefix": {[]string{"route", "create", "--url", "/a", "--prefix", "/b", "--function", "f"}, "one of --url and --prefix"},
		"unknown method":          {[]string{"route", "create", "--url", "/a", "--function", "f", "--method", "FETCH"}, "use one of GET"},
		"create of a container":   {[]string{"fn", "create", "a", "--executortype", "container"}, "run-container"},
		"unknown executor":        {[]string{"fn", "create", "a", "--env", "n", "--code", "f", "--executortype", "pool"}, "poolmgr or newdeploy"},
		"container without image": {[]string{"fn", "run-container", "a"}, "--image NAME"},
		"container with bad port": {[]string{"fn", "run-container", "a", "--image", "i", "--port", "0"}, "between 1 and 65535"},
		"weights missing":         {[]string{"route", "create", "--url", "/a", "--function", "f", "--function", "g"}, "--weight"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := run(t, c.args...)
			if code != ExitUsage || out != "" || !strings.Contains(errs, c.says) {
				t.Errorf("exit %d, stdout %q, stderr %q; want %d and %q", code, out, errs, ExitUsage, c.says)
			}
		})
	}
}

func TestRun_LocalSaysHowToGetItsProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if code, _, errs := run(t, "up"); code != ExitError || !strings.Contains(errs, "make build") {
		t.Errorf("exit %d, %q", code, errs)
	}
}

func TestExitCode_TellsKindsOfFailureApart(t *testing.T) {
	notFound := apierrors.NewNotFound(schema.GroupResource{Resource: "functions"}, "hello")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, ExitOK},
		{errors.New("x"), ExitError},
		{usagef("x"), ExitUsage},
		{notFound, ExitNotFound},
		{hint(notFound, "x"), ExitNotFound},
		{&Error{Err: errors.New("x"), Code: ExitTimeout}, ExitTimeout},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("exitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestReport_ListsInvalidFieldsAndWhatToTry(t *testing.T) {
	var out bytes.Buffer
	err := apierrors.NewInvalid(schema.GroupKind{Kind: "Function"}, "hello", nil)
	err.ErrStatus.Details.Causes = []metav1.StatusCause{{Field: "spec.concurrency", Message: "must not be negative"}}
	report(&out, hint(err, "hotpod fn update hello --concurrency 5"))
	for _, want := range []string{`Function "hello" is not valid`, "spec.concurrency: must not be negative", "try: hotpod fn update"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q does not say %q", out.String(), want)
		}
	}
}

func TestExplain_BlamesTheAPIServerOnlyForItsOwnRefusal(t *testing.T) {
	const blame = "API server cannot be reached"
	refused := &url.Error{Op: "Get", URL: "https://127.0.0.1:6443", Err: syscall.ECONNREFUSED}
	if got := diagnose(refused); !strings.Contains(got, blame) {
		t.Error(got)
	}
	if got := diagnose(errors.New("500: download the archive: dial tcp 10.0.0.1:80: connect: connection refused")); strings.Contains(got, blame) {
		t.Error(got)
	}
}

func TestCall_SaysWhereNoRouterAnswers(t *testing.T) {
	a := &app{now: time.Now, Config: Config{Getenv: func(string) string { return "http://127.0.0.1:1" }}}
	err := a.call(t.Context(), &v1.Function{}, callFlags{methods: []string{"GET"}, timeout: time.Minute})
	if err == nil || diagnose(err) != "no router answers at http://127.0.0.1:1" {
		t.Error(err)
	}
}

func TestNearest_OffersOnlyWhatCouldBeASlip(t *testing.T) {
	items := []*v1.Function{{ObjectMeta: metav1.ObjectMeta{Name: "hello"}}, {ObjectMeta: metav1.ObjectMeta{Name: "billing"}}}
	for name, want := range map[string]string{"helo": "hello", "hlelo": "hello", "biling": "billing", "weather": ""} {
		if got := nearest(name, items); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// packer is an app that has no cluster.
func packer() *app {
	return &app{now: time.Now, Config: Config{Err: io.Discard, Getenv: func(string) string { return "" }}}
}

func TestArchiveFrom_OneFileIsTakenAsItIs(t *testing.T) {
	a, err := packer().archiveFrom(t.Context(), []string{write(t, t.TempDir(), "hello.js", "code")}, archiveOptions{})
	if err != nil || a.Type != v1.ArchiveLiteral || string(a.Literal) != "code" {
		t.Errorf("archive = %+v, %v", a, err)
	}
}

func TestArchiveFrom_FoldersAndGlobsBecomeTheSameZipEachTime(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.js", "1")
	write(t, dir, "lib/b.js", "2")
	first, err := packer().archiveFrom(t.Context(), []string{dir}, archiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	again, _ := packer().archiveFrom(t.Context(), []string{dir}, archiveOptions{})
	if !bytes.Equal(first.Literal, again.Literal) {
		t.Error("the same folder gave two different archives")
	}
	zr, err := zip.NewReader(bytes.NewReader(first.Literal), int64(len(first.Literal)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(r)
		got[f.Name] = string(data)
	}
	if len(got) != 2 || got["a.js"] != "1" || got["lib/b.js"] != "2" {
		t.Errorf("files = %v", got)
	}
	t.Chdir(dir)
	if a, err := packer().archiveFrom(t.Context(), []string{"*.js"}, archiveOptions{}); err != nil || !bytes.HasPrefix(a.Literal, []byte("PK")) {
		t.Errorf("glob: %v", err)
	}
}

func TestArchiveFrom_RefusesWhatCannotBeUploaded(t *testing.T) {
	dir := t.TempDir()
	big := write(t, dir, "big", strings.Repeat("x", v1.MaxLiteral+1))
	for name, c := range map[string]struct {
		names []string
		sum   string
		says  string
	}{
		"nothing there":  {[]string{filepath.Join(dir, "none.js")}, "", "no such file"},
		"empty file":     {[]string{write(t, dir, "empty", "")}, "", "is empty"},
		"sum of a file":  {[]string{big}, strings.Repeat("0", 64), "is for a URL"},
		"bad checksum":   {[]string{"https://example.com/a.zip"}, "123", "64 hexadecimal"},
		"URL and a file": {[]string{big, "https://example.com/a.zip"}, "", "cannot be packed"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := packer().archiveFrom(t.Context(), c.names, archiveOptions{sum: c.sum}); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("err = %v, want %q", err, c.says)
			}
		})
	}
}

func TestSetPairs_SetsAndRemoves(t *testing.T) {
	m := map[string]string{"old": "1", "keep": "2"}
	if err := setPairs(&m, []string{"new=a=b", "old-", "empty="}, "--labels"); err != nil {
		t.Fatal(err)
	}
	if len(m) != 3 || m["new"] != "a=b" || m["keep"] != "2" {
		t.Errorf("m = %v", m)
	}
	if err := setPairs(&m, []string{"novalue"}, "--labels"); err == nil {
		t.Error("a pair without = was taken")
	}
}

func TestReference_SplitsByWeight(t *testing.T) {
	ref, err := reference([]string{"a", "b"}, []int{90, 10})
	if err != nil || ref.Type != v1.ReferenceWeights || ref.FunctionWeights["a"] != 90 {
		t.Errorf("ref = %+v, %v", ref, err)
	}
	if _, err := reference([]string{"a", "b"}, []int{0, 0}); err == nil {
		t.Error("weights that add up to zero were taken")
	}
}

func TestVerdict_SaysFirstWhetherTheFunctionCanBeCalled(t *testing.T) {
	fn := func(status metav1.ConditionStatus, reason string) *v1.Function {
		f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: "hello", Generation: 2}}
		f.Spec.Environment.Name = "nodejs"
		f.Status.ObservedGeneration = 2
		f.Status.Conditions = []metav1.Condition{{Type: v1.ConditionReady, Status: status, Reason: reason, Message: "why"}}
		return f
	}
	hot := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{wire.LabelState: string(wire.StateHot)}}}
	env, pkg := &v1.Environment{}, &v1.Package{}
	unseen := fn(metav1.ConditionTrue, "x")
	unseen.Generation = 3
	for name, c := range map[string]struct {
		facts facts
		want  string
	}{
		"no environment": {facts{function: fn("True", "x"), pkg: pkg}, "NOT CALLABLE  environment"},
		"no package":     {facts{function: fn("True", "x"), environment: env}, "NOT CALLABLE  package"},
		"failed to load": {facts{function: fn("False", v1.ReasonSpecializationFailed), environment: env, pkg: pkg}, "NOT CALLABLE  SpecializationFailed: why"},
		"hot":            {facts{function: fn("True", "x"), environment: env, pkg: pkg, pods: []corev1.Pod{hot}}, "CALLABLE  1 hot"},
		"warm":           {facts{function: fn("True", "x"), environment: env, pkg: pkg, warm: 3}, "CALLABLE  scaled to zero; the next request takes one of 3"},
		"cold":           {facts{function: fn("True", "x"), environment: env, pkg: pkg}, "CALLABLE  scaled to zero and no warm pod"},
		"not seen yet":   {facts{function: unseen, environment: env, pkg: pkg}, "UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			if line, _ := c.facts.verdict(); !strings.HasPrefix(line, c.want) {
				t.Errorf("verdict = %q, want %q…", line, c.want)
			}
		})
	}
}

func TestPrintObject_KnowsEveryFormat(t *testing.T) {
	n := (&app{Config: Config{Out: io.Discard, Err: io.Discard}, now: time.Now}).functions()
	f := &v1.Function{ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: "default"}}
	for format, want := range map[string]string{
		"":                          "NAME",
		"wide":                      "REQUESTSPERPOD",
		"name":                      "function.fission.io/hello",
		"json":                      `"kind": "Function"`,
		"yaml":                      "kind: Function",
		"jsonpath={.metadata.name}": "hello",
	} {
		var out bytes.Buffer
		n.app.Out = &out
		if err := n.print(f, format, true); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("-o %q printed %q, %v; want %q", format, out.String(), err, want)
		}
	}
	if err := n.print(f, "xml", true); exitCode(err) != ExitUsage {
		t.Errorf("-o xml: %v", err)
	}
}
