package contract

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
)

// faults are functions that cannot be loaded, with what the refusal must say of each.
func faults() []struct{ behaviour, function, says string } {
	return []struct{ behaviour, function, says string }{
		{"syntax error", "syntax", "= 5"},
		{"error at load", "throws-at-load", "boom at load"},
		{"missing module", "missing-module", "gone"},
	}
}

// entries are entry points that every language understands, with what they answer.
func entries() []struct{ path, entry, want string } {
	return []struct{ path, entry, want string }{
		{"folder", "", "hello from main"},
		{"folder", "main.main", "hello from main"},
		{"folder", "main.other", "hello from other"},
		{"folder/main.*", "main.other", "hello from other"},
		{"folder/main.*", "other", "hello from other"},
		{"hello.*", "", "Hello, world!"},
	}
}

func loadChecks() []Check {
	return slices.Concat([]Check{
		{"load", "missing function says what there is", true, loadMissingFunctionSaysWhatThereIs},
		{"load", "missing code and bad calls", true, loadMissingCodeAndBadCalls},
		{"load", "variables of the call are set before the code is loaded", true, loadSetsVariables},
		{"load", "variables of version 1's call are set", true, loadSetsVariablesOfVersion1},
	}, faultChecks(), entryChecks())
}

func faultChecks() []Check {
	checks := make([]Check, 0, len(faults()))
	for _, f := range faults() {
		checks = append(checks, Check{"load", f.behaviour + " is answered with the function's own stack", true, func(t T, l Language) {
			loadErrorIsAnswered(t, l, f.behaviour, f.function, f.says)
		}})
	}
	return checks
}

func entryChecks() []Check {
	checks := make([]Check, 0, len(entries()))
	for _, e := range entries() {
		checks = append(checks, Check{"entry", strings.TrimSpace(strings.TrimSuffix(e.path, ".*") + " " + e.entry), true, func(t T, l Language) {
			entryPoint(t, l, e.path, e.entry, e.want)
		}})
	}
	return checks
}

func loadErrorIsAnswered(t T, l Language, behaviour, function, says string) {
	r := start(t, l)
	a := r.load(l.place(t, function), "")
	for _, text := range append(l.Traits.Says[behaviour], says) {
		wantText(t, a, http.StatusInternalServerError, text)
	}
	wantText(t, r.get("/"), http.StatusInternalServerError, "Generic container")
}

func loadMissingFunctionSaysWhatThereIs(t T, l Language) {
	r := start(t, l)
	folder := l.folder(t, "folder")
	a := r.load(folder, l.entry("main.nope"))
	wantText(t, a, http.StatusInternalServerError, "nope")
	wantText(t, a, http.StatusInternalServerError, l.entry("other"))
	wantText(t, r.load(folder, l.entry("elsewhere.main")), http.StatusInternalServerError, "elsewhere")
}

func loadMissingCodeAndBadCalls(t T, l Language) {
	r := start(t, l)
	refusesToLoad(r, filepath.Join(t.TempDir(), "gone"))
	r.mustLoad(l.place(t, "hello"), "")
	wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
}

func refusesToLoad(r *runtime, gone string) {
	r.t.Helper()
	wantText(r.t, r.load(gone, ""), http.StatusInternalServerError, gone)
	for _, body := range []string{"not json", "{}", "[]", `"text"`, `{"filepath":""}`} {
		if a := r.do(http.MethodPost, "/v2/specialize", []byte(body), "Content-Type", "application/json"); a.status < 400 {
			r.t.Errorf("load call %s: %d", body, a.status)
		}
	}
}

func loadSetsVariables(t T, l Language) {
	r := start(t, l, "REPLACED=by the pod")
	wantLoaded(t, r.post("/v2/specialize", map[string]any{
		"filepath": l.place(t, "variables"), "functionName": "",
		"env": map[string]string{"GREETING": "hel lo=\"wörld\"", "REPLACED": "by the function", "EMPTY": ""},
	}))
	wantText(t, r.get("/"), http.StatusOK, "hel lo=\"wörld\"|by the function|hel lo=\"wörld\"")
}

func loadSetsVariablesOfVersion1(t T, l Language) {
	r := start(t, l, "USERFUNCVOL="+l.volume(t, "variables"))
	wantLoaded(t, r.post("/specialize", map[string]any{"env": map[string]string{"GREETING": "hello", "REPLACED": "too"}}))
	wantText(t, r.get("/"), http.StatusOK, "hello|too|hello")
}

func entryPoint(t T, l Language, path, entry, want string) {
	found, err := filepath.Glob(filepath.Join(l.Functions, path))
	if err != nil || len(found) != 1 {
		t.Skipf("no test function %s in %s", path, l.Functions)
	}
	// A single file of Python finds its neighbours only on the module path.
	r := start(t, l, "PYTHONPATH="+filepath.Dir(found[0]))
	r.mustLoad(found[0], l.entry(entry))
	wantText(t, r.get("/"), http.StatusOK, want)
}
