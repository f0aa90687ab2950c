package test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bin is where `make build` puts the binaries; HOTPOD_TEST_PROGRAMS names another folder.
var bin = cmp.Or(os.Getenv("HOTPOD_TEST_PROGRAMS"), filepath.Join("..", "bin"))

// shared is the platform that all stories use: an embedded one, or Hotpod on the cluster that HOTPOD_TEST_KUBECONFIG
// and HOTPOD_TEST_ROUTER name. It is nil in short mode.
var shared *platform

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	if testing.Short() {
		return m.Run()
	}
	if kubeconfig := os.Getenv("HOTPOD_TEST_KUBECONFIG"); kubeconfig != "" {
		shared = onCluster(kubeconfig, os.Getenv("HOTPOD_TEST_ROUTER"))
		return m.Run()
	}
	p, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, "start the embedded platform:", err)
		return 1
	}
	shared = p
	code := m.Run()
	if err := p.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the embedded platform:", err)
		return 1
	}
	return code
}

// platform is an embedded platform in a folder of its own.
type platform struct {
	dir  string
	bin  string
	cmd  *exec.Cmd
	done chan error
	log  *bytes.Buffer
	env  map[string]string
	// cluster is set when the platform is a real cluster, which is not ours to start and stop.
	cluster bool
}

// onCluster is the platform of a cluster on which Hotpod is installed.
func onCluster(kubeconfig, router string) *platform {
	programs, err := filepath.Abs(bin)
	if err != nil {
		panic(err)
	}
	return &platform{cluster: true, env: map[string]string{
		"KUBECONFIG": kubeconfig, "FISSION_ROUTER": router, "PATH": programs + ":" + os.Getenv("PATH"), "HOME": os.Getenv("HOME"),
	}}
}

// patience is how long something may take that stories give the time: a real node starts pods more slowly than the embedded one.
func (p *platform) patience(within time.Duration) time.Duration {
	if p.cluster {
		return 4 * within
	}
	return within
}

func start() (*platform, error) {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hotpod-test-")
	if err != nil {
		return nil, err
	}
	p := &platform{dir: dir, bin: abs, done: make(chan error, 1)}
	return p, p.up()
}

// up starts the platform and waits until it is ready.
func (p *platform) up() error {
	p.log = &bytes.Buffer{}
	p.cmd = exec.Command(filepath.Join(p.bin, "hotpod-local"), "up", "--dir", p.dir)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%w (run `make build` first)", err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	deadline := time.Now().Add(2 * time.Minute)
	for !p.ready() {
		select {
		case err := <-p.done:
			return fmt.Errorf("hotpod-local up ended: %w\n%s", err, p.log)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_ = p.stop()
			return fmt.Errorf("hotpod-local up is not ready after two minutes\n%s", p.log)
		}
	}
	return p.readEnv()
}

func (p *platform) ready() bool {
	s, err := p.status(context.Background())
	return err == nil && s.Phase == "ready"
}

func (p *platform) local(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(p.bin, "hotpod-local"), append(args, "--dir", p.dir)...)
}

// readEnv takes over what `local env` exports.
func (p *platform) readEnv() error {
	out, err := p.local("env").Output()
	if err != nil {
		return fmt.Errorf("hotpod-local env: %w", err)
	}
	shell := exec.Command("sh", "-c", string(out)+"\nenv")
	shell.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	vars, err := shell.Output()
	if err != nil {
		return fmt.Errorf("evaluate `hotpod-local env`: %w", err)
	}
	p.env = map[string]string{}
	for line := range strings.Lines(string(vars)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p.env[key] = value
		}
	}
	if p.env["FISSION_ROUTER"] == "" || p.env["KUBECONFIG"] == "" {
		return fmt.Errorf("hotpod-local env exports no FISSION_ROUTER or KUBECONFIG:\n%s", out)
	}
	return nil
}

// stop ends the platform as Ctrl-C does, and removes its folder.
func (p *platform) stop() error {
	defer os.RemoveAll(p.dir)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-p.done:
		return err
	case <-time.After(time.Minute):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		return fmt.Errorf("hotpod-local did not stop within a minute\n%s", p.log)
	}
}

// status is what `hotpod-local status -o json` prints, as far as stories need it.
type status struct {
	Phase     string `json:"phase"`
	Processes []struct {
		Name     string `json:"name"`
		Identity struct {
			PID int `json:"pid"`
		} `json:"identity"`
	} `json:"processes"`
	Memory []struct {
		PID     int    `json:"pid"`
		Command string `json:"command"`
	} `json:"memory"`
}

func (p *platform) status(ctx context.Context) (status, error) {
	var s status
	cmd := exec.CommandContext(ctx, filepath.Join(p.bin, "hotpod-local"), "status", "-o", "json", "--dir", p.dir)
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("hotpod-local status: %w", err)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		return s, fmt.Errorf("read status: %w", err)
	}
	return s, nil
}

// processes returns the process IDs of the control plane and of the parts, by name.
func (p *platform) processes(ctx context.Context) (map[string]int, error) {
	s, err := p.status(ctx)
	if err != nil {
		return nil, err
	}
	pids := map[string]int{}
	for _, m := range s.Memory {
		program, _, _ := strings.Cut(m.Command, " ")
		pids[filepath.Base(program)] = m.PID
	}
	pids["router"] = pids["envoy"]
	for _, proc := range s.Processes {
		pids[proc.Name] = proc.Identity.PID
	}
	return pids, nil
}
