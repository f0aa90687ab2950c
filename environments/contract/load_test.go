package contract

import (
	"net/http"
	"path/filepath"
	"testing"
)

func TestLoad_ErrorsAreAnsweredWithTheFunctionsOwnStack(t *testing.T) {
	cases := []struct {
		behaviour, function string
		// says are what the answer must contain, by language and for all.
		says map[string][]string
	}{
		{"syntax error", "syntax", map[string][]string{"": {"SyntaxError", "deployarchive", "= 5"}}},
		{"throws at load", "throws-at-load", map[string][]string{"": {"boom at load", "prepare", "deployarchive"}}},
		{"missing module", "missing-module", map[string][]string{"": {"gone"}, "nodejs": {"Cannot find module"}, "python": {"ModuleNotFoundError"}}},
	}
	each(t, func(t *testing.T, l language) {
		for _, c := range cases {
			t.Run(c.behaviour, func(t *testing.T) {
				r := start(t, l)
				a := r.load(l.place(t, c.function), "")
				for _, text := range append(c.says[""], c.says[l.name]...) {
					wantText(t, a, http.StatusInternalServerError, text)
				}
				wantText(t, r.get("/"), http.StatusInternalServerError, "Generic container")
			})
		}
	})
}

func TestLoad_MissingFunctionSaysWhatThereIs(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := start(t, l)
		folder := filepath.Join(l.functions, "folder")
		a := r.load(folder, "main.nope")
		wantText(t, a, http.StatusInternalServerError, "nope")
		wantText(t, a, http.StatusInternalServerError, "other")
		wantText(t, r.load(folder, "elsewhere.main"), http.StatusInternalServerError, "elsewhere")
	})
}

func TestLoad_MissingCodeAndBadCalls(t *testing.T) {
	each(t, func(t *testing.T, l language) {
		r := start(t, l)
		gone := filepath.Join(t.TempDir(), "gone")
		wantText(t, r.load(gone, ""), http.StatusInternalServerError, gone)
		json := []string{"Content-Type", "application/json"}
		for _, body := range []string{"not json", "{}", "[]", `"text"`, `{"filepath":""}`} {
			if a := r.do(http.MethodPost, "/v2/specialize", []byte(body), json...); a.status < 400 {
				t.Errorf("load call %s: %d", body, a.status)
			}
		}
		r.mustLoad(l.place(t, "hello"), "")
		wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
	})
}

func TestLoad_EntryPoints(t *testing.T) {
	cases := []struct{ path, entry, want string }{
		{"folder", "", "hello from main"},
		{"folder", "main.main", "hello from main"},
		{"folder", "main.other", "hello from other"},
		{"folder/main.*", "main.other", "hello from other"},
		{"folder/main.*", "other", "hello from other"},
		{"hello.*", "", "Hello, world!"},
	}
	each(t, func(t *testing.T, l language) {
		for _, c := range cases {
			t.Run(c.path+" "+c.entry, func(t *testing.T) {
				found, err := filepath.Glob(filepath.Join(l.functions, c.path))
				if err != nil || len(found) != 1 {
					t.Fatal(found, err)
				}
				// A single file of Python finds its neighbours only on the module path.
				r := start(t, l, "PYTHONPATH="+filepath.Dir(found[0]))
				r.mustLoad(found[0], c.entry)
				wantText(t, r.get("/"), http.StatusOK, c.want)
			})
		}
	})
}
