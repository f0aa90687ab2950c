package contract

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestDotnet_FunctionForms(t *testing.T) {
	const order = `{"name":"pen","COUNT":2,"prices":[1,2.5],"unknown":null}`
	cases := []struct {
		class  string
		status int
		want   string
	}{
		{"Oldest", 200, "POST /full?a=b " + order},
		{"Middle", 200, "b " + order},
		{"Newest", 200, `{"Name":"pen","Count":2,"last":2.5,"id":"7"}`},
		{"Plain", 200, "plain"},
		{"Sends", 200, "from a stream"},
		{"Fails", 500, "InvalidOperationException: failed later"},
		{"BadHeader", 500, "invalid header X-A"},
	}
	only(t, "dotnet", func(t *testing.T, l Language) {
		path := l.place(t, "forms")
		for _, c := range cases {
			t.Run(c.class, func(t *testing.T) {
				t.Parallel()
				r := start(t, l)
				r.mustLoad(path, c.class)
				for range 2 {
					wantText(t, r.do(http.MethodPost, "/?a=b", []byte(order), "X-Fission-Full-Url", "/full?a=b", "X-Fission-Params-Id", "7"), c.status, c.want)
				}
			})
		}
	})
}

func TestDotnet_AssembliesOfTheBuilderAreLoaded(t *testing.T) {
	only(t, "dotnet", func(t *testing.T, l Language) {
		source, deploy := t.TempDir(), filepath.Join(t.TempDir(), "deploy")
		if err := os.CopyFS(source, os.DirFS(filepath.Join(l.Functions, "folder"))); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(source, "settings", "a.json"), `{"a":1}`)
		build := exec.CommandContext(t.Context(), filepath.Join(l.Dir, "builder", "build"))
		build.Dir, build.Env = source, append(os.Environ(), "SRC_PKG="+source, "DEPLOY_PKG="+deploy)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !exists(filepath.Join(deploy, "settings", "a.json")) || exists(filepath.Join(deploy, "main.cs")) {
			t.Error("the result has not what it should")
		}
		for entry, want := range map[string]string{"": "hello from main", "other": "hello from other", "function::other": "hello from other"} {
			r := start(t, l)
			r.mustLoad(deploy, entry)
			wantText(t, r.get("/"), http.StatusOK, want)
		}
	})
}

func TestDotnet_FormatErrorInTheMiddleCutsTheConnection(t *testing.T) {
	only(t, "dotnet", func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "Parses")
		if a, err := r.try(http.MethodGet, "/", nil); err == nil || string(a.body) != "first" {
			t.Fatalf("%q %v", a.body, err)
		}
	})
}

func TestDotnet_CompilerSaysWhereItsErrorsAre(t *testing.T) {
	only(t, "dotnet", func(t *testing.T, l Language) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "MyFunction.cs"), "public class MyFunction\n{\n    public object Execute() { return Missing.Name; }\n}\n")
		a := start(t, l).load(folder, "")
		wantText(t, a, http.StatusInternalServerError, "MyFunction.cs(3,38): error CS0103")
		wantText(t, a, http.StatusInternalServerError, "return Missing.Name;")
	})
}
