package contract

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNode_FunctionForms(t *testing.T) {
	cases := []struct {
		function  string
		arguments int
		status    int
		want      string
		header    string
	}{
		{"callback", 2, 201, "by callback", "X-Form"},
		{"later", 2, 200, "later", ""},
		{"noArguments", 0, 200, "no arguments", ""},
		{"sync", 1, 200, "sync", ""},
		{"text", 1, 200, "just text", ""},
		{"object", 1, 200, `{"just":"an object"}`, ""},
		{"buffer", 1, 200, "\x00\xff", ""},
		{"bytes", 1, 200, "\x01\xfe", ""},
		{"readable", 1, 200, "ab", ""},
		{"response", 1, 202, `{"by":"response"}`, "X-Form"},
		{"slowResponse", 2, 200, "slow response", ""},
		{"rejects", 1, 500, "rejected", ""},
		{"throwsSync", 1, 500, "thrown at once", ""},
		{"throwsText", 1, 500, "only text", ""},
		{"throwsInCallback", 2, 500, "thrown in a timer", ""},
		{"badHeader", 1, 500, "X-A", ""},
		{"badStatus", 1, 500, "Internal server error", ""},
		{"wrongLength", 1, 200, "right", ""},
		{"assigns", 1, 200, `{"a":"changed"}`, ""},
	}
	node(t, func(t *testing.T, l Language) {
		path := l.place(t, "forms")
		one, two, none := start(t, l), start(t, l), start(t, l)
		one.mustLoad(path, "one")
		two.mustLoad(path, "two")
		none.mustLoad(path, "noArguments")
		by := map[int]*runtime{0: none, 1: one, 2: two}
		for _, c := range cases {
			t.Run(c.function, func(t *testing.T) {
				for range 2 {
					a := by[c.arguments].get("/?form=" + c.function)
					wantText(t, a, c.status, c.want)
					if c.header != "" && a.header.Get(c.header) == "" {
						t.Errorf("no header %s", c.header)
					}
				}
			})
		}
	})
}

func TestNode_BodiesAreParsedByTheirType(t *testing.T) {
	cases := []struct {
		contentType, body string
		status            int
		want              string
	}{
		{"application/json", `{"a":[1]}`, 200, `{"type":"object","body":{"a":[1]}}`},
		{"application/cloudevents+json; charset=utf-8", `"text"`, 200, `{"type":"string","body":"text"}`},
		{"application/x-www-form-urlencoded", "a=1&b=x+y", 200, `{"type":"object","body":{"a":"1","b":"x y"}}`},
		{"text/plain", "héllo", 200, `{"type":"string","body":"héllo"}`},
		{"image/png", "\x01", 200, `"data":[1]`},
		{"application/json", "", 200, `{"type":"object","body":{}}`},
		{"application/json", "{not json", 400, "not JSON"},
	}
	node(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "body")
		for _, c := range cases {
			wantText(t, r.do(http.MethodPost, "/", []byte(c.body), "Content-Type", c.contentType), c.status, c.want)
		}
	})
}

func TestNode_ParametersAndOriginalURL(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "params")
		a := r.do(http.MethodGet, "/", nil, "X-Fission-Params-Id", "7", "X-Fission-Full-Url", "/users/7?q=1", "X-Forwarded-Host", "example.com:80")
		wantText(t, a, http.StatusOK, `{"params":{"id":"7"},"url":"/users/7?q=1","host":"example.com"}`)
	})
}

func TestNode_FunctionMayReadTheBodyItself(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "streams-body", "BODY_PARSER_LIMIT=1kb")
		wantText(t, r.do(http.MethodPost, "/", make([]byte, 3<<20)), http.StatusOK, "3145728 undefined")
		wantText(t, r.get("/"), http.StatusOK, "0 undefined")
	})
}

func TestNode_SignalTellsThatTheClientWentAway(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "aborted")
		conn := r.dial()
		send(t, conn, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		r.await("still waiting", func() bool { return r.get("/count").text() == "0" })
		conn.Close()
		r.await("told", func() bool { return r.get("/count").text() == "1" })
	})
}

func TestNode_ClosesItsSideWhenTheFunctionIsDoneWithWhoLeft(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := serve(t, l, "aborted")
		conn := r.dial()
		send(t, conn, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		r.await("still waiting", func() bool { return r.get("/count").text() == "0" })
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
			t.Errorf("before its end it said %q, %v", answer, err)
		}
	})
}

func TestNode_ESModules(t *testing.T) {
	cases := []struct{ behaviour, path, entry, want string }{
		{"file with the extension", "esm.mjs", "", "default of an ES module"},
		{"named export of it", "esm.mjs", "named", "named of an ES module"},
		{"file in a folder", "", "esm.named", "named of an ES module"},
		{"package of type module", "esm", "", "hello from a module package"},
	}
	node(t, func(t *testing.T, l Language) {
		for _, c := range cases {
			t.Run(c.behaviour, func(t *testing.T) {
				r := start(t, l)
				r.mustLoad(filepath.Join(l.Functions, c.path), c.entry)
				wantText(t, r.get("/"), http.StatusOK, c.want)
			})
		}
		t.Run("file without extension", func(t *testing.T) {
			r := start(t, l)
			r.mustLoad(place(t, filepath.Join(l.Functions, "esm.mjs"), "deployarchive"), "")
			wantText(t, r.get("/"), http.StatusOK, "default of an ES module")
			if r.stderr.String() != "" {
				t.Errorf("noise on stderr: %s", r.stderr)
			}
		})
		t.Run("not with LOAD_ESM=false", func(t *testing.T) {
			r := start(t, l, "LOAD_ESM=false")
			r.mustLoad(l.place(t, "hello"), "")
			wantText(t, r.get("/"), http.StatusOK, "Hello, world!")
		})
	})
}

func TestNode_StrayErrorDoesNotEndTheProcess(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "forms"), "throwsInCallback")
		for range 3 {
			wantText(t, r.get("/"), http.StatusInternalServerError, "thrown in a timer")
		}
		r.await("logged", func() bool { return strings.Contains(r.stderr.String(), "uncaught exception") })
	})
}

// node runs a test for the Node.js runtime.
func node(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	only(t, "nodejs", test)
}

func TestNode_UnitTests(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		command := exec.CommandContext(t.Context(), "node", "--test", "test/")
		command.Dir = l.Dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	})
}

func TestNode_GigabyteStreamsThroughMemoryThatStaysSmall(t *testing.T) {
	node(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(l.place(t, "counts"), "")
		streamGigabyte(t, r, "/")
	})
}
