package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"hotpod.dev/hack/toolchain"
)

// supervisorVariable makes the test binary a supervisor: tests need one that they can kill.
const supervisorVariable = "HOTPOD_TEST_SUPERVISOR"

func TestMain(m *testing.M) {
	if config := os.Getenv(supervisorVariable); config != "" {
		os.Exit(supervise(config))
	}
	os.Exit(m.Run())
}

func supervise(text string) int {
	var l launch
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	c := l.config()
	c.Progress = os.Stderr
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Run(ctx, c, func(Summary) {}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// launch is a Config that can be handed to another process.
type launch struct{ Dir, Assets, Programs, Cache, Source string }

func (l launch) config() Config {
	return Config{
		Dir: l.Dir, Manifests: filepath.Join(l.Assets, "manifests"), Environments: filepath.Join(l.Assets, "environments"),
		Programs: l.Programs, Path: os.Getenv("PATH"),
		Toolchain: toolchain.Config{Cache: l.Cache, Source: l.Source, Getenv: os.Getenv},
	}
}

// shellManifests have one part, a shell that needs its credentials, its file and its own address.
const shellManifests = `
apiVersion: v1
kind: Namespace
metadata: {name: fission, labels: {pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: controller, namespace: fission}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: fission}
data: {router: "127.0.0.1:${ROUTER_PORT}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: controller, namespace: fission}
spec:
  selector: {matchLabels: {part: controller}}
  template:
    metadata: {labels: {part: controller}}
    spec:
      serviceAccountName: controller
      terminationGracePeriodSeconds: 2
      containers:
      - name: main
        image: test/shell
        command: [sh, -c, "set -e; cat $KUBECONFIG /settings/router; echo; trap exit TERM; while :; do sleep 0.1; done"]
        volumeMounts: [{name: settings, mountPath: /settings}]
        readinessProbe: {exec: {command: [test, -s, /settings/router]}, periodSeconds: 1}
      volumes: [{name: settings, configMap: {name: settings}}]
`

// harness is a platform in a process of its own.
type harness struct {
	t      *testing.T
	launch launch
	cmd    *exec.Cmd
	output *os.File
}

// newHarness prepares a platform with one small part. It skips the test in short mode.
func newHarness(t *testing.T) *harness {
	t.Helper()
	if testing.Short() {
		t.Skip("starts etcd and kube-apiserver: run without -short")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := toolchain.CacheDir(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	// The kernel limits socket paths; a long folder shows that the platform does not depend on it.
	base := filepath.Join(t.TempDir(), strings.Repeat("long-", 20))
	assets, programs := filepath.Join(base, "assets"), filepath.Join(base, "bin")
	for name, text := range map[string]string{
		"manifests/kustomization.yaml":  "resources: [all.yaml]\n",
		"manifests/all.yaml":            shellManifests,
		"environments/shell/image.yaml": "names: [test/shell]\ncommand: [sh]\n",
	} {
		path := filepath.Join(assets, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("go", "build", "-o", programs+"/", "./cmd/hotpod-pod-init")
	build.Dir, build.Env = filepath.Join(root, "local"), append(os.Environ(), "CGO_ENABLED=0")
	if err := os.MkdirAll(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build hotpod-pod-init: %v\n%s", err, out)
	}
	h := &harness{t: t, launch: launch{Dir: filepath.Join(base, "data"), Assets: assets, Programs: programs, Cache: cache, Source: root}}
	if _, err := toolchain.Kube(t.Context(), h.launch.config().Toolchain); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.cleanup)
	return h
}

// up starts the supervisor and waits until it is ready.
func (h *harness) up() {
	h.t.Helper()
	text, err := json.Marshal(h.launch)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.output, err = os.CreateTemp(h.t.TempDir(), "output"); err != nil {
		h.t.Fatal(err)
	}
	h.cmd = exec.Command(os.Args[0])
	h.cmd.Env = append(os.Environ(), supervisorVariable+"="+string(text), "HOTPOD_ENVOY=/bin/true")
	h.cmd.Stdout, h.cmd.Stderr = h.output, h.output
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	ended, cmd := make(chan struct{}), h.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	eventually(h.t, "the platform is ready", func() bool {
		select {
		case <-ended:
			h.t.Fatalf("the platform ended:\n%s", h.said())
		default:
		}
		state := h.state()
		return state.Phase == Ready && state.Supervisor.PID == h.cmd.Process.Pid
	})
}

func (h *harness) said() string {
	_, _ = h.output.Seek(0, io.SeekStart)
	text, _ := io.ReadAll(h.output)
	return string(text)
}

func (h *harness) state() State {
	h.t.Helper()
	state, err := ReadState(Layout(h.launch.Dir))
	if err != nil {
		h.t.Fatal(err)
	}
	return state
}

func (h *harness) client() kubernetes.Interface {
	h.t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", Layout(h.launch.Dir).Kubeconfig())
	if err != nil {
		h.t.Fatal(err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

func (h *harness) down() {
	h.t.Helper()
	if _, err := Down(context.Background(), h.launch.Dir, slog.New(slog.DiscardHandler)); err != nil {
		h.t.Errorf("down: %v\n%s", err, h.said())
	}
	h.nothingLeft()
}

// nothingLeft fails the test when a process or a mount of the platform exists. The processes are known by their
// environment, which names the folder.
func (h *harness) nothingLeft() {
	h.t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), h.launch.Dir) {
		h.t.Errorf("a mount is left (%v)", err)
	}
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		h.t.Fatal(err)
	}
	for _, file := range files {
		environ, _ := os.ReadFile(file) // another person's process
		cmdline, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if strings.Contains(string(environ)+string(cmdline), h.launch.Dir) && file != fmt.Sprintf("/proc/%d/environ", os.Getpid()) {
			h.t.Errorf("%s is left: %q", filepath.Dir(file), cmdline)
		}
	}
}

func (h *harness) cleanup() {
	if h.cmd != nil {
		_, _ = Down(context.Background(), h.launch.Dir, slog.New(slog.DiscardHandler))
	}
}
