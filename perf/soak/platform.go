package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// platform is an embedded platform, driven through its program and its files.
type platform struct {
	program, dir string
	// own says that it was started here, in a temporary folder.
	own bool
}

// open starts a platform with two Envoys, or finds the one that runs in the folder.
func open(ctx context.Context, c Config) (*platform, error) {
	program, err := filepath.Abs(filepath.Join(c.Programs, "hotpod-local"))
	if err != nil {
		return nil, fmt.Errorf("find the platform's program: %w", err)
	}
	p := &platform{program: program, dir: c.Dir}
	if p.dir != "" {
		return p, nil
	}
	if p.dir, err = os.MkdirTemp("", "hotpod-soak-"); err != nil {
		return nil, fmt.Errorf("make a folder for the platform: %w", err)
	}
	p.own = true
	err = p.run(ctx, "up", "--detach", "--envoys", "2")
	return p, err
}

// close stops the platform and, unless keep says that somebody will want to read its logs, removes its folder, if it was
// started here.
func (p *platform) close(ctx context.Context, keep bool) error {
	if !p.own {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	if err := p.run(ctx, "down"); err != nil {
		return err
	}
	if keep {
		return fmt.Errorf("the logs of all parts are in %s; remove it when you have read them", filepath.Join(p.dir, "node", "logs"))
	}
	return os.RemoveAll(p.dir)
}

func (p *platform) run(ctx context.Context, args ...string) error {
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, p.program, append(args, "--dir", p.dir)...)
	cmd.Stderr = &complaint
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // what was begun must be ended
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("hotpod-local %s: %w\n%s", args[0], err, complaint.String())
	}
	return nil
}

func (p *platform) kubeconfig() string { return filepath.Join(p.dir, "kubeconfig") }

// state is what the platform writes about itself, as far as it is needed.
type state struct {
	Supervisor struct{ PID int }
	Network    int
	RouterPort int
	More       []int `json:"moreRouterPorts"`
	Processes  []struct {
		Name     string
		Identity struct{ PID int }
	}
}

func (p *platform) state() (state, error) {
	var s state
	text, err := os.ReadFile(filepath.Join(p.dir, "state.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return s, fmt.Errorf("read the platform's state: %w", err)
	}
	return s, nil
}

// routers are the addresses of the Envoys.
func (p *platform) routers() ([]string, error) {
	s, err := p.state()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, port := range append([]int{s.RouterPort}, s.More...) {
		found = append(found, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return found, nil
}

// supervised returns the process of a name that the platform itself supervises.
func (p *platform) supervised(name string) (int, error) {
	s, err := p.state()
	if err != nil {
		return 0, err
	}
	for _, process := range s.Processes {
		if process.Name == name && process.Identity.PID > 1 {
			return process.Identity.PID, nil
		}
	}
	return 0, fmt.Errorf("no process %s", name)
}

// inPod finds the process of a program in the pod of a name.
func (p *platform) inPod(pod, program string) (int, error) {
	s, err := p.state()
	if err != nil {
		return 0, err
	}
	for _, pid := range descendants(s.Supervisor.PID) {
		name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)) // it may have ended
		if strings.TrimSpace(string(name)) != program {
			continue
		}
		env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		for variable := range strings.SplitSeq(string(env), "\x00") {
			if variable == "POD_NAME="+pod || variable == "PROBE_POD="+pod {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("no process %s in pod %s", program, pod)
}

// descendants are the processes below one.
func descendants(root int) []int {
	children := map[int][]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The second field is a name in parentheses that may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for next := []int{root}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found
}

// alive waits until a URL is answered with 200.
func alive(ctx context.Context, url string) error {
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return wait(ctx, url, func() error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return err
		}
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", res.StatusCode)
		}
		return nil
	})
}

// wait tries until it works, for two minutes at most.
func wait(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
