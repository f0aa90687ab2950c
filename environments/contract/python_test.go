package contract

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestPython_FunctionForms(t *testing.T) {
	cases := []struct {
		function string
		status   int
		want     string
		header   string
	}{
		{"text", 200, "just text", ""},
		{"octets", 200, "\x00\xff", ""},
		{"mapping", 200, `"just":`, ""},
		{"sequence", 200, "1", ""},
		{"with_status", 201, "with status", ""},
		{"with_headers", 200, "with headers", "X-Form"},
		{"with_all", 202, "with all", "X-Form"},
		{"response", 203, "a response", "X-Form"},
		{"made", 200, "made", "X-Form"},
		{"json", 200, `"b":`, ""},
		{"generator", 200, "ab", ""},
		{"redirects", 303, "", "Location"},
		{"aborts", 404, "not here", ""},
		{"bad_header", 500, "Internal server error", ""},
		{"refused", 500, "the database is not there", ""},
		{"wrong_type", 500, "Internal server error", ""},
		{"wrong_length", 200, "right", ""},
		{"keeps", 200, "1", ""},
	}
	python(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		r.mustLoad(l.place(t, "forms"), "dispatch")
		for _, c := range cases {
			t.Run(c.function, func(t *testing.T) {
				for range 2 {
					a := r.get("/?form=" + c.function)
					wantText(t, a, c.status, c.want)
					if c.header != "" && a.header.Get(c.header) == "" {
						t.Errorf("no header %s", c.header)
					}
				}
			})
		}
	})
}

func TestPython_RequestObject(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "about")
		a := r.do(http.MethodGet, "/p%20q/r?a=1&a=2&n=7", nil, "X-One", "1", "Cookie", "b=1; c=2", "User-Agent", "agent/1", "Content-Type", "application/json")
		text := strings.ReplaceAll(a.text(), " ", "")
		for _, want := range []string{`"list":["1","2"]`, `"number":7`, `"cookie":"2"`, `"agent":"agent/1"`, `"header":"1"`, `"json":true`, `/r?a=1&a=2&n=7`, `"path":"/pq/r"`} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in %s", want, text)
			}
		}
	})
}

func TestPython_Bodies(t *testing.T) {
	cases := []struct {
		function, contentType, body string
		status                      int
		want                        string
	}{
		{"body", "application/json", `{"a":[1]}`, 200, `"json":{"a":[1]}`},
		{"body", "application/x-www-form-urlencoded", "a=1&b=x+y", 200, `"form":{"a":"1","b":"xy"}`},
		{"body", "text/plain", "hello", 200, `"text":"hello"`},
		{"strict_json", "application/json", "{not json", 400, ""},
		{"strict_json", "text/plain", "{}", 415, ""},
		{"upload", "multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nan upload\r\n" +
			"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ncontents\r\n--B--\r\n", 200, "a.txtcontentsanupload"},
		{"reads_nothing", "text/plain", strings.Repeat("x", 3<<20), 200, "readnothing"},
		{"streamed", "text/plain", strings.Repeat("x", 3<<20), 200, "3145728"},
	}
	python(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "dispatch")
		for _, c := range cases {
			for range 2 {
				a := r.do(http.MethodPost, "/?form="+c.function, []byte(c.body), "Content-Type", c.contentType)
				a.body = []byte(strings.NewReplacer(" ", "", "\n", "").Replace(a.text()))
				wantText(t, a, c.status, c.want)
			}
		}
	})
}

func TestPython_AsyncFunctions(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		if l.Label != l.Name {
			t.Skip("Flask runs async functions only with its extra of that name")
		}
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "asynchronous")
		for range 3 {
			wantText(t, r.get("/where"), http.StatusOK, "asynchronous /where")
		}
	})
}

func TestPython_LoggerOfTheApplicationPrints(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "logs")
		wantText(t, r.get("/"), http.StatusOK, "logged")
		r.await("printed", func() bool { return strings.Contains(r.stdout.String()+r.stderr.String(), "a logged line") })
	})
}

func TestPython_FlaskThatComesWithTheFunctionIsUsed(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		folder := t.TempDir()
		write(t, filepath.Join(folder, "flask", "__init__.py"), flaskOfTheFunction)
		write(t, filepath.Join(folder, "main.py"), "import flask\n\n\ndef main():\n    return flask.greeting\n")
		r := start(t, l)
		if l.Label != l.Name {
			t.Skip("Flask of the image is loaded already")
		}
		r.mustLoad(folder, "")
		wantText(t, r.get("/"), http.StatusOK, "the function's own Flask")
	})
}

// flaskOfTheFunction is as much of Flask as the runtime's bridge uses.
const flaskOfTheFunction = `
greeting = "the function's own Flask"


class Flask:
    def __init__(self, name, static_folder):
        self.logger, self.url_map, self.config = self, self, {}

    def setLevel(self, level):
        pass

    def add_url_rule(self, rule, endpoint, view, **options):
        self.view = view

    def ensure_sync(self, function):
        return function

    def wsgi_app(self, environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [self.view().encode()]
`

func TestPython_NameMissingInTheStandInSaysWhatToDo(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		if l.Label != l.Name {
			t.Skip("this is about the stand-in for Flask")
		}
		path := filepath.Join(t.TempDir(), "deployarchive")
		write(t, path, "from flask import Blueprint\n\n\ndef main():\n    return ''\n")
		r := start(t, l)
		wantText(t, r.load(path, ""), http.StatusInternalServerError, "Blueprint")
	})
}

func TestPython_ModulesOfTheFunctionMayHaveTheRuntimesNames(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		folder := t.TempDir()
		for _, name := range []string{"server", "app", "settings", "body"} {
			write(t, filepath.Join(folder, name+".py"), "name = 'own "+name+"'\n")
		}
		write(t, filepath.Join(folder, "main.py"), "import server, app, settings, body\n\n\ndef main():\n    return ' '.join(m.name for m in (server, app, settings, body))\n")
		r := start(t, l)
		r.mustLoad(folder, "")
		wantText(t, r.get("/"), http.StatusOK, "own server own app own settings own body")
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// python runs a test for the Python runtime and its variants.
func python(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	only(t, "python", test)
}

func TestPython_UnitTests(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		command := exec.CommandContext(t.Context(), "python3", "-B", "-m", "unittest", "discover", "-s", "tests", "-t", ".")
		command.Dir = l.Dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func TestPython_Applications(t *testing.T) {
	cases := []struct {
		function, path, body string
		status               int
		want                 string
	}{
		{"wsgi", "/?q=1", "", 201, "POSTq=1"},
		{"late", "/", "", 200, "late"},
		{"asgi", "/?q=1", "12345", 202, "POST q=1 True 5"},
		{"asgi", "/fails", "", 500, "failed in ASGI"},
		{"application", "/", "", 200, "an object"},
		{"with_request", "/?a=b", `{"x":1}`, 200, `{"sent": {"x": 1}, "a": "b", "id": "7", "agent": "agent/1"}`},
		{"with_request_sync", "/", "text", 203, "POST text"},
		{"counts", "/", "123", 200, "3"},
		{"optional", "/", "", 200, "world"},
	}
	python(t, func(t *testing.T, l Language) {
		path := l.place(t, "apps")
		for _, c := range cases {
			t.Run(c.function+c.path, func(t *testing.T) {
				r := start(t, l)
				r.mustLoad(path, c.function)
				for range 2 {
					wantText(t, r.do(http.MethodPost, c.path, []byte(c.body), "X-Fission-Params-Id", "7", "User-Agent", "agent/1"), c.status, c.want)
				}
			})
		}
		wantText(t, start(t, l).load(path, "three"), http.StatusInternalServerError, "needs 3")
	})
}

func TestPython_ASGIErrorsCutTheAnswerAndItsEndIsTold(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "apps"), "asgi")
		if a, err := r.try(http.MethodGet, "/broken", nil); err == nil {
			t.Errorf("the client takes it for complete: %s", a.body)
		}
		wantText(t, r.get("/"), http.StatusAccepted, "GET")
		r.terminate()
		mustEqual(t, "exit code", r.exit(), 0)
		if !strings.Contains(r.stdout.String(), "shut down") {
			t.Errorf("the application was not told: %s", r.stdout)
		}
	})
}

func TestPython_GigabyteStreamsThroughMemoryThatStaysSmall(t *testing.T) {
	python(t, func(t *testing.T, l Language) {
		for function, path := range map[string]string{"wsgi": "/count", "counts": "/"} {
			r := start(t, l)
			r.mustLoad(l.place(t, "apps"), function)
			streamGigabyte(t, r, path)
		}
	})
}
