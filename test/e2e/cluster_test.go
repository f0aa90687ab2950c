package e2e

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cluster is a namespace of a cluster with Hotpod.
type cluster struct {
	t          *testing.T
	namespace  string
	kubeconfig string
	env        []string
	router     string
	// scripts is the folder of those of the test cluster, "" on a cluster of somebody's.
	scripts string
}

// newCluster returns a namespace of its own for the test, in which functions may run under the strictest defaults.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	return newClusterIn(t, "e2e-"+strconv.FormatInt(time.Now().UnixNano()%1e9, 36))
}

// newClusterIn is newCluster with a namespace of a name, which may still be ending.
func newClusterIn(t *testing.T, namespace string) *cluster {
	t.Helper()
	kubeconfig := os.Getenv("HOTPOD_TEST_KUBECONFIG")
	if kubeconfig == "" {
		t.Skip("needs a cluster: make e2e")
	}
	programs, err := filepath.Abs(os.Getenv("HOTPOD_TEST_PROGRAMS"))
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{
		t: t, namespace: namespace, kubeconfig: kubeconfig,
		router: "http://" + os.Getenv("HOTPOD_TEST_ROUTER"), scripts: os.Getenv("HOTPOD_TEST_CLUSTER"),
	}
	c.env = []string{
		"KUBECONFIG=" + kubeconfig, "PATH=" + programs + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "FISSION_DEFAULT_NAMESPACE=" + c.namespace,
	}
	c.await(2*time.Minute, "the namespace is made", func() (string, bool) {
		out, err := c.try(t.Context(), "kubectl", "create", "namespace", c.namespace)
		return out, err == nil
	})
	t.Cleanup(func() {
		_, _ = c.try(context.Background(), "kubectl", "delete", "namespace", c.namespace, "--wait=false")
	})
	c.run("kubectl", "label", "namespace", c.namespace, "pod-security.kubernetes.io/enforce=restricted")
	for _, part := range []string{"autoscaler", "controller", "kubewatcher", "logger", "timer"} {
		c.run("kubectl", "create", "rolebinding", "hotpod-"+part, "-n", c.namespace, "--clusterrole=hotpod-"+part+"-functions", "--serviceaccount=fission:"+part)
	}
	c.run("kubectl", "apply", "--server-side", "-n", c.namespace, "-k", filepath.Join("..", "..", "manifests", "tenant"))
	return c
}

// try runs a program with the cluster in its environment and returns what it printed.
func (c *cluster) try(ctx context.Context, name string, args ...string) (string, error) {
	path, err := lookup(c.env, name)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = c.env
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	err = cmd.Run()
	return out.String() + failure.String(), err
}

// lookup finds a program on the PATH of an environment.
func lookup(env []string, name string) (string, error) {
	for _, variable := range env {
		path, ok := strings.CutPrefix(variable, "PATH=")
		for dir := range strings.SplitSeq(path, ":") {
			if file := filepath.Join(dir, name); ok && isFile(file) {
				return file, nil
			}
		}
	}
	return "", exec.ErrNotFound
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// run is try for what must succeed.
func (c *cluster) run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.try(c.t.Context(), name, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// await repeats until ok, at most for the time.
func (c *cluster) await(within time.Duration, what string, ok func() (string, bool)) {
	c.t.Helper()
	deadline := time.Now().Add(within)
	for {
		last, done := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s: not within %s, last:\n%s", what, within, last)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// get calls a route.
func (c *cluster) get(path string) (int, string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.router+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(body)
}

// function deploys a Node.js function with a route below the namespace's name, and waits until the route is there. The
// arguments are further ones of its creation.
func (c *cluster) function(name, code string, args ...string) (path string) {
	c.t.Helper()
	file := filepath.Join(c.t.TempDir(), name+".js")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.try(c.t.Context(), "kubectl", "get", "environment", "nodejs", "-n", c.namespace); err != nil {
		c.run("hotpod", "env", "create", "--name", "nodejs", "--image", "hotpod/node-env", "--poolsize", "1")
	}
	c.run("hotpod", append([]string{"function", "create", "--name", name, "--env", "nodejs", "--code", file}, args...)...)
	path = "/" + c.namespace + "/" + name
	c.run("hotpod", "route", "create", "--name", name, "--method", "GET", "--url", path, "--function", name)
	c.run("kubectl", "wait", "-n", c.namespace, "--for=condition=Ready", "--timeout=60s", "httptrigger/"+name)
	return path
}
