package contract

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// golang runs a test for the Go runtime, where there is a toolchain.
func golang(t *testing.T, test func(t *testing.T, l Language)) {
	t.Helper()
	only(t, "go", func(t *testing.T, l Language) {
		if _, err := exec.LookPath("go"); err != nil {
			t.Skip("go is not on PATH")
		}
		test(t, l)
	})
}

// buildSource runs the language's builder on a folder, and returns what it made.
func buildSource(t *testing.T, l Language, src string) (result, said string) {
	t.Helper()
	result = filepath.Join(t.TempDir(), "deployarchive")
	cmd := exec.CommandContext(context.Background(), filepath.Join(l.Dir, "builder", "build"))
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "SRC_PKG="+src, "DEPLOY_PKG="+result, "PATH="+l.Programs+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", string(out) + err.Error()
	}
	return result, string(out)
}

// built builds files, given as names and texts in turn, and fails if they cannot be.
func built(t *testing.T, l Language, files ...string) string {
	t.Helper()
	src := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		write(t, filepath.Join(src, files[i]), files[i+1])
	}
	result, said := buildSource(t, l, src)
	if result == "" {
		t.Fatal(said)
	}
	return result
}

const ownMain = `package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/end", func(http.ResponseWriter, *http.Request) { os.Exit(5) })
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "a program of its own ", os.Getenv("GREETING")) })
	fmt.Println(http.ListenAndServe(os.Getenv("HOTPOD_RUNTIME_ADDRESS"), nil))
}
`

func TestGo_ProgramWithAMainOfItsOwn(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		path := built(t, l, "main.go", ownMain)
		r := start(t, l)
		wantLoaded(t, r.post("/v2/specialize", map[string]any{"filepath": path, "env": map[string]string{"GREETING": "hi"}}))
		wantText(t, r.get("/healthz"), http.StatusOK, "a program of its own hi")
		if _, err := r.try(http.MethodGet, "/end", nil); err == nil {
			t.Error("answered")
		}
		mustEqual(t, "exit code", r.exit(), 5)
	})
}

func TestGo_ProgramThatDoesNotListenIsSaid(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		r := start(t, l)
		path := built(t, l, "main.go", "package main\n\nfunc main() { panic(\"not today\") }\n")
		wantText(t, r.load(path, ""), http.StatusInternalServerError, "not today")
		wantText(t, r.get("/"), http.StatusInternalServerError, "Generic container")
	})
}

func TestGo_FormsOfFunctions(t *testing.T) {
	const source = `// Package orders is no package main.
package orders

import (
	"context"
	"io"
	"net/http"
)

func answer(w http.ResponseWriter, text string) { io.WriteString(w, text) }

func Plain(w http.ResponseWriter, _ *http.Request) { answer(w, "plain") }

func WithContext(ctx context.Context, w http.ResponseWriter, r *http.Request) { answer(w, "context " + r.URL.Path) }

type Orders struct{ name string }

func (o Orders) ServeHTTP(w http.ResponseWriter, _ *http.Request) { answer(w, o.name) }

type Counted struct{ n int }

func (c *Counted) ServeHTTP(w http.ResponseWriter, _ *http.Request) { c.n++; answer(w, "counted") }

var (
	Value   = Orders{"a value"}
	Mux     http.Handler = http.NewServeMux()
	Address Counted
	Text    = "no function"
	Nothing http.Handler
)

func init() { Mux.(*http.ServeMux).Handle("/", Value) }

func Wrong(int) {}
`
	golang(t, func(t *testing.T, l Language) {
		path := built(t, l, "go.mod", "module example.com/shop/orders\n\ngo 1.21\n", "orders.go", source)
		for name, want := range map[string]string{
			"Plain": "plain", "WithContext": "context /there", "Value": "a value", "Mux": "a value", "Address": "counted",
		} {
			r := start(t, l)
			r.mustLoad(path, name)
			wantText(t, r.get("/there"), http.StatusOK, want)
		}
		r := start(t, l)
		for name, want := range map[string]string{"Wrong": "func(int)", "Text": "*string", "Nothing": "Nothing is a", "": "there is no exported function Handler"} {
			wantText(t, r.load(path, name), http.StatusInternalServerError, want)
		}
	})
}

func TestGo_HandlerBesideAMain(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		path := built(t, l, "main.go", strings.ReplaceAll(ownMain, "http.HandleFunc(\"/\", func", "http.HandleFunc(\"/\", Handler)\n\t_ = (func")+
			"\nfunc Handler(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, \"the function\") }\n")
		r := start(t, l)
		r.mustLoad(path, "Handler")
		wantText(t, r.get("/"), http.StatusOK, "the function")
	})
}

func TestGo_BuildErrorsAreTold(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		for text, want := range map[string]string{
			"package main\n\nfunc Handler() { gone() }\n": "undefined: gone",
			"package main\n\nfunc main() {}\n":            "no exported function",
			"package main\n\nfunc Handler() {\n":          "syntax error",
		} {
			src := t.TempDir()
			write(t, filepath.Join(src, "main.go"), text)
			if result, said := buildSource(t, l, src); result != "" || !strings.Contains(said, want) {
				t.Errorf("%s: %q lacks %q", text, said, want)
			}
		}
	})
}

func TestGo_KilledFunctionEndsTheRuntime(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		r := serve(t, l, "hello")
		children := family(r.cmd.Process.Pid)
		if len(children) != 2 {
			t.Fatalf("processes %v", children)
		}
		if err := syscall.Kill(children[1], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "exit code", r.exit(), 128+int(syscall.SIGKILL))
	})
}

func TestGo_EmptyMainAndUpgrades(t *testing.T) {
	const source = `package main

import (
	"fmt"
	"net/http"
)

func main() {}

func Handler(w http.ResponseWriter, r *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	rw.Flush()
	line, _ := rw.ReadString('\n')
	fmt.Fprint(rw, "said ", line)
	rw.Flush()
}
`
	golang(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(built(t, l, "f.go", source), "")
		conn := r.dial()
		send(t, conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		mustRead(t, conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		send(t, conn, "hello\n")
		mustRead(t, conn, "said hello\n")
	})
}

const talks = `package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"sync"
)

var early io.Writer = os.Stdout // taken before main begins

var together, printed sync.WaitGroup

func init() {
	together.Add(2)
	printed.Add(2)
}

func Handler(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/lines":
		fmt.Fprint(early, "one\n  of two\n")
		fmt.Print("unfini")
		fmt.Println("shed")
		fmt.Fprintln(os.Stderr, "an error")
		slog.New(slog.NewJSONHandler(early, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == "time" {
				return slog.Attr{}
			}
			return a
		}})).Info("structured")
		fmt.Print("no end")
	case "/together":
		together.Done()
		together.Wait() // two are in flight
		fmt.Println("whose")
		printed.Done()
		printed.Wait() // nobody leaves before both have printed
	case "/panic":
		panic("not today")
	case "/fatal":
		log.SetFlags(0)
		log.Fatal("the last words")
	}
}
`

func TestGo_LinesOfARequestThatIsAloneCarryItsID(t *testing.T) {
	golang(t, func(t *testing.T, l Language) {
		r := start(t, l)
		r.mustLoad(built(t, l, "f.go", talks), "")
		said := func(id, path string) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+path, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Fission-Request-Id", id)
			if res, err := r.client.Do(req); err == nil {
				res.Body.Close()
			}
		}
		said("a-1", "/lines")
		r.await("stdout", func() bool {
			return strings.HasSuffix(r.stdout.String(), "\n[req a-1] one\n[req a-1]+  of two\n[req a-1] unfinished\n"+
				`{"request_id":"a-1","level":"INFO","msg":"structured"}`+"\n[req a-1] no end\n")
		})
		r.await("stderr", func() bool { return r.stderr.String() == "[req a-1] an error\n" })
		before := r.stdout.String()
		var both sync.WaitGroup
		both.Go(func() { said("b-1", "/together") })
		both.Go(func() { said("b-2", "/together") })
		both.Wait()
		r.await("two lines", func() bool { return strings.Count(r.stdout.String(), "whose") == 2 })
		if !strings.HasPrefix(r.stdout.String(), before+"whose\n") {
			t.Errorf("with two in flight it printed %q", r.stdout.String())
		}
		said("c-1", "/panic")
		r.await("the stack", func() bool {
			return strings.Contains(r.stderr.String(), "[req c-1] function error: panic: not today\n[req c-1]+goroutine ")
		})
		said("d-1", "/fatal")
		r.exit()
		if !strings.Contains(r.stderr.String(), "the last words\n") {
			t.Errorf("its last words are lost: %q", r.stderr.String())
		}
	})
}
