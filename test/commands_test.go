package test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestStories(t *testing.T) {
	if shared == nil {
		t.Skip("stories need the embedded platform: run without -short, after make build")
	}
	runStories(t, testscript.Params{Dir: "testdata"})
}

// TestStoriesThatCrash has the platform for itself, and so has each of its stories.
func TestStoriesThatCrash(t *testing.T) {
	if shared == nil || shared.cluster {
		t.Skip("stories that crash need the embedded platform: run without -short, after make build")
	}
	stories, err := filepath.Glob(filepath.Join("testdata", "crash", "*.txtar"))
	if err != nil || len(stories) == 0 {
		t.Fatal("there are no such stories", err)
	}
	for _, story := range stories {
		// Stories of one run go on side by side.
		t.Run("alone", func(t *testing.T) { runStories(t, testscript.Params{Files: []string{story}}) })
	}
}

func runStories(t *testing.T, p testscript.Params) {
	t.Helper()
	p.Setup, p.RequireExplicitExec, p.Condition = setup, true, condition
	p.Cmds = map[string]func(*testscript.TestScript, bool, []string){
		"request": requestCommand,
		"load":    loadCommand,
		"crash":   crashCommand,
		"retry":   retryCommand,

		"h2c":       h2cCommand,
		"websocket": websocketCommand,
		"crowd":     crowdCommand,
	}
	testscript.Run(t, p)
}

// setup gives the story a namespace and the environment that a user's shell has.
func setup(env *testscript.Env) error {
	story := strings.ReplaceAll(env.Getenv("TESTNAME"), "_", "-")
	if story == "" {
		story = "story-" + strconv.FormatInt(time.Now().UnixNano()%1e9, 36)
	}
	for key, value := range shared.env {
		if key != "HOME" && key != "PWD" && key != "SHLVL" && key != "_" {
			env.Setenv(key, value)
		}
	}
	env.Setenv("NS", story)
	env.Setenv("FISSION_DEFAULT_NAMESPACE", story)
	env.Setenv("HOME", env.WorkDir)
	examples, err := filepath.Abs(filepath.Join("..", "examples"))
	if err != nil {
		return err
	}
	env.Setenv("EXAMPLES", examples)
	env.Setenv("CHANGES", cmp.Or(os.Getenv("HOTPOD_TEST_CHANGES"), "1000"))
	env.Setenv("TIMERS", cmp.Or(os.Getenv("HOTPOD_TEST_TIMERS"), "10"))
	if out, err := kubectl("create", "namespace", story); err != nil {
		return fmt.Errorf("create namespace: %w: %s", err, out)
	}
	env.Defer(func() { _, _ = kubectl("delete", "namespace", story, "--wait=false") })
	return shared.admit(story)
}

// admit lets functions run in the namespace, under the strictest defaults. The embedded platform needs nothing for it.
func (p *platform) admit(namespace string) error {
	if !p.cluster {
		return nil
	}
	for _, args := range [][]string{
		{"label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"},
		{"create", "rolebinding", "-n", namespace, "hotpod-autoscaler", "--clusterrole=hotpod-autoscaler-functions", "--serviceaccount=fission:autoscaler"},
		{"create", "rolebinding", "-n", namespace, "hotpod-controller", "--clusterrole=hotpod-controller-functions", "--serviceaccount=fission:controller"},
		{"create", "rolebinding", "-n", namespace, "hotpod-logger", "--clusterrole=hotpod-logger-functions", "--serviceaccount=fission:logger"},
		{"create", "rolebinding", "-n", namespace, "hotpod-timer", "--clusterrole=hotpod-timer-functions", "--serviceaccount=fission:timer"},
		{"create", "rolebinding", "-n", namespace, "hotpod-kubewatcher", "--clusterrole=hotpod-kubewatcher-functions", "--serviceaccount=fission:kubewatcher"},
		{"apply", "--server-side", "-n", namespace, "-k", filepath.Join("..", "manifests", "tenant")},
	} {
		if out, err := kubectl(args...); err != nil {
			return fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

func kubectl(args ...string) ([]byte, error) {
	cmd := exec.Command("kubectl", args...)
	cmd.Env = []string{}
	for key, value := range shared.env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	path, err := exec.LookPath("kubectl")
	if local := shared.env["PATH"]; local != "" {
		for dir := range strings.SplitSeq(local, ":") {
			if _, statErr := os.Stat(dir + "/kubectl"); statErr == nil {
				path, err = dir+"/kubectl", nil
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	cmd.Path, cmd.Err = path, nil
	return cmd.CombinedOutput()
}

// requestSpec is a parsed request command.
type requestSpec struct {
	method, path, host string
	body               []byte
	header             http.Header
	status             int
	match              *regexp.Regexp
	within, patience   time.Duration
	base               string
}

// requestCommand: request [-X METHOD] [-d BODY | -size BYTES] [-H 'Name: value'] [-status N] [-match REGEX]
// [-within D] [-patience D] PATH. It sends one request to the router and prints status line, headers and body;
// with -within it repeats until status and match fit. -patience makes the client go away after that time.
func requestCommand(ts *testscript.TestScript, neg bool, args []string) {
	spec := parseRequest(ts, args)
	deadline := time.Now().Add(spec.within)
	for {
		status, text, err := spec.send()
		ok := err == nil && (spec.status == 0 || status == spec.status) && (spec.match == nil || spec.match.MatchString(text))
		if ok != neg {
			_, _ = ts.Stdout().Write([]byte(text))
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s %s: status %d, error %v, answer:\n%.2000s", spec.method, spec.path, status, err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func parseRequest(ts *testscript.TestScript, args []string) requestSpec {
	spec := requestSpec{method: http.MethodGet, header: http.Header{}, patience: shared.patience(time.Minute), base: "http://" + ts.Getenv("FISSION_ROUTER")}
	for len(args) > 1 {
		value := args[1]
		var err error
		switch args[0] {
		case "-X":
			spec.method = value
		case "-d":
			spec.body = []byte(value)
		case "-size":
			var n int
			n, err = strconv.Atoi(value)
			spec.body = bytes.Repeat([]byte("x"), n)
		case "-H":
			name, v, _ := strings.Cut(value, ":")
			spec.header.Add(name, strings.TrimSpace(v))
		case "-host":
			spec.host = value
		case "-status":
			spec.status, err = strconv.Atoi(value)
		case "-match":
			spec.match, err = regexp.Compile(value)
		case "-within":
			spec.within, err = time.ParseDuration(value)
			spec.within = shared.patience(spec.within)
		case "-patience":
			spec.patience, err = time.ParseDuration(value)
		default:
			ts.Fatalf("request: unknown flag %s", args[0])
		}
		ts.Check(err)
		args = args[2:]
	}
	if len(args) != 1 {
		ts.Fatalf("request: which path?")
	}
	spec.path = args[0]
	return spec
}

func (r requestSpec) send() (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), r.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, r.base+r.path, bytes.NewReader(r.body))
	if err != nil {
		return 0, "", err
	}
	req.Header = r.header.Clone()
	if r.host != "" {
		req.Host = r.host
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d\n", res.StatusCode)
	_ = res.Header.Write(&b)
	b.WriteString("\n")
	body, err := io.ReadAll(res.Body)
	if len(body) > 1<<16 {
		fmt.Fprintf(&b, "%d bytes\n", len(body))
	} else {
		b.Write(body)
	}
	return res.StatusCode, b.String(), err
}

// client keeps connections to the router, as browsers and services do.
var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, DisableCompression: true}}

// crashCommand: crash NAME ends one of the platform's processes with SIGKILL and waits until it runs again.
func crashCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("crash: which process?")
	}
	before, err := shared.processes(context.Background())
	ts.Check(err)
	pid, ok := before[args[0]]
	if !ok || pid <= 1 {
		ts.Fatalf("crash: no process %s among %v", args[0], before)
	}
	ts.Check(syscall.Kill(pid, syscall.SIGKILL))
	deadline := time.Now().Add(time.Minute)
	for {
		now, err := shared.processes(context.Background())
		if err == nil && now[args[0]] > 1 && now[args[0]] != pid {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s did not come back within a minute: %v, %v", args[0], now, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// retryCommand: retry DURATION PROGRAM ARGS… runs a program until it succeeds (or fails, when negated).
func retryCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("retry: DURATION PROGRAM ARGS…")
	}
	within, err := time.ParseDuration(args[0])
	ts.Check(err)
	within = shared.patience(within)
	deadline := time.Now().Add(within)
	for {
		err := ts.Exec(args[1], args[2:]...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: %v after %s", strings.Join(args[1:], " "), err, within)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
