package perf

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ProjectsOptions say how large the projects are.
type ProjectsOptions struct {
	// Objects are declared in files and applied; Megabytes is the size of the source that is uploaded and built.
	Objects, Megabytes int
}

func (c *Config) projectsFlags(fs *flag.FlagSet) {
	c.countFlag(fs, &c.Projects.Objects, "objects", 1000, "projects: objects that are declared in files")
	c.countFlag(fs, &c.Projects.Megabytes, "megabytes", 50, "projects: size of the source that is uploaded and built")
}

// projects are what developers have on their machines, and the command that they use.
type projects struct {
	s   *Session
	dir string
	env []string
	row Row
}

// Projects measures what developers wait for: an application of many objects applied from files, twice, and a large project
// uploaded, built and called.
func Projects(ctx context.Context, s *Session, r *Results) (err error) {
	p := &projects{s: s, row: Row{Scenario: "projects", Contestant: nameOurs}}
	if p.dir, err = os.MkdirTemp("", "hotpod-perf-"); err != nil {
		return fmt.Errorf("make a folder for the projects: %w", err)
	}
	defer os.RemoveAll(p.dir)
	p.env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig, "FISSION_ROUTER="+s.router, "FISSION_DEFAULT_NAMESPACE="+s.config.Namespace)
	if err := p.application(ctx, r); err != nil {
		return err
	}
	return p.project(ctx, r)
}

// hotpod runs the command in the folder of the projects, and returns what it says of its work and how long it took.
func (p *projects) hotpod(ctx context.Context, args ...string) (said string, took time.Duration, err error) {
	program, err := filepath.Abs(filepath.Join(p.s.config.Programs, "hotpod"))
	if err != nil {
		return "", 0, fmt.Errorf("find the command: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.dir, p.env, &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return "", 0, fmt.Errorf("hotpod %s: %w: %.500s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), time.Since(began), nil
}

// each runs commands one after another.
func (p *projects) each(ctx context.Context, commands ...[]string) error {
	for _, c := range commands {
		if _, _, err := p.hotpod(ctx, c...); err != nil {
			return err
		}
	}
	return nil
}

// objectsOfFunction are a function, its package and its route.
const objectsOfFunction = 3

// application applies many objects to an empty cluster, and once more.
func (p *projects) application(ctx context.Context, r *Results) (err error) {
	if err := p.each(ctx, []string{"spec", "init", "--name", "perf"}); err != nil {
		return err
	}
	if err := p.declare(p.s.config.Projects.Objects); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.each(context.WithoutCancel(ctx), []string{"spec", "destroy"}))
	}()
	for _, run := range []string{"first", "second"} {
		said, took, err := p.hotpod(ctx, "spec", "apply", "-v")
		if err != nil {
			return err
		}
		objects, requests, ok := readApplied(said)
		if !ok {
			return fmt.Errorf("hotpod spec apply -v does not say how many requests it made: %.300s", said)
		}
		p.s.log.Info("specs applied", "objects", objects, "run", run, "seconds", took.Seconds(), "requests", requests)
		row := p.row
		row.Parameters = map[string]string{"objects": strconv.Itoa(objects), "apply": run}
		r.addAll(row, metric{"took", "s", one(took.Seconds())}, metric{"api_requests", "requests", one(float64(requests))})
	}
	return nil
}

// declare writes an environment, and functions until there are so many objects.
func (p *projects) declare(objects int) error {
	var text strings.Builder
	namespace := p.s.config.Namespace
	fmt.Fprintf(&text, "apiVersion: fission.io/v1\nkind: Environment\nmetadata: {name: perf-spec, namespace: %s}\n"+
		"spec: {version: 3, poolsize: 0, runtime: {image: %s}}\n", namespace, p.s.config.Image)
	for i := range (objects - 1) / objectsOfFunction {
		fmt.Fprintf(&text, `---
apiVersion: fission.io/v1
kind: Package
metadata: {name: perf-spec-%[2]d, namespace: %[1]s}
spec: {environment: {name: perf-spec, namespace: %[1]s}, deployment: {type: literal, literal: bW9kdWxlLmV4cG9ydHMgPSBhc3luYyAoKSA9PiAnaGVsbG8nCg==}}
---
apiVersion: fission.io/v1
kind: Function
metadata: {name: perf-spec-%[2]d, namespace: %[1]s}
spec: {environment: {name: perf-spec, namespace: %[1]s}, package: {packageref: {name: perf-spec-%[2]d, namespace: %[1]s}}}
---
apiVersion: fission.io/v1
kind: HTTPTrigger
metadata: {name: perf-spec-%[2]d, namespace: %[1]s}
spec: {relativeurl: /perf-spec-%[2]d, methods: [GET], functionref: {type: name, name: perf-spec-%[2]d}}
`, namespace, i)
	}
	return os.WriteFile(filepath.Join(p.dir, "specs", "all.yaml"), []byte(text.String()), 0o600)
}

// readApplied reads how many objects there were and how many requests that took.
func readApplied(said string) (objects, requests int, ok bool) {
	m := regexp.MustCompile(`(\d+) objects in .*, (\d+) requests`).FindStringSubmatch(said)
	if m == nil {
		return 0, 0, false
	}
	objects, err1 := strconv.Atoi(m[1])
	requests, err2 := strconv.Atoi(m[2])
	return objects, requests, errors.Join(err1, err2) == nil
}

// project uploads and builds a large source, and calls it.
func (p *projects) project(ctx context.Context, r *Results) (err error) {
	const name, says = "perf-project", "Hello from a large project."
	if err := p.source(says); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.each(context.WithoutCancel(ctx),
			[]string{"function", "delete", name}, []string{"package", "delete", name}, []string{"environment", "delete", name}))
	}()
	err = p.each(ctx, []string{
		"environment", "create", name, "--image", p.s.config.Image, "--builder", strings.TrimSuffix(p.s.config.Image, "-env") + "-builder", "--poolsize", "1",
	})
	if err != nil {
		return err
	}
	_, built, err := p.hotpod(ctx, "package", "create", name, "--env", name, "--src", "project")
	if err != nil {
		return err
	}
	if err := p.each(ctx, []string{"function", "create", name, "--env", name, "--pkg", name, "--entrypoint", "index", "--url", "/" + name}); err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}, Timeout: callTimeout}
	defer client.CloseIdleConnections()
	called, err := first(ctx, client, "http://"+p.s.router+"/"+name, says)
	if err != nil {
		return fmt.Errorf("call the project: %w", err)
	}
	p.s.log.Info("project uploaded, built and called", "megabytes", p.s.config.Projects.Megabytes, "built_s", built.Seconds(), "called_ms", milliseconds(called))
	row := p.row
	row.Parameters = map[string]string{"size": strconv.Itoa(p.s.config.Projects.Megabytes) + " MB"}
	r.addAll(row, metric{"upload_and_build", "s", one(built.Seconds())}, metric{"first_call", "ms", one(milliseconds(called))})
	return nil
}

// source writes a function beside files that cannot be compressed.
func (p *projects) source(says string) error {
	dir := filepath.Join(p.dir, "project")
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		return fmt.Errorf("make the project: %w", err)
	}
	for name, text := range map[string]string{
		"index.js":     "module.exports = async () => ({ status: 200, body: '" + says + "' })\n",
		"package.json": `{"name": "perf-project", "version": "1.0.0", "private": true}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	noise := make([]byte, 1<<20)
	for i := range p.s.config.Projects.Megabytes {
		_, _ = rand.Read(noise) // never fails
		if err := os.WriteFile(filepath.Join(dir, "data", strconv.Itoa(i)), noise, 0o600); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}
