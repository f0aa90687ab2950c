package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parts are the components, by the names of their Deployments.
func parts() []string {
	return []string{"activator", "autoscaler", "controller", "kubewatcher", "logger", "router", "storagesvc", "timer", "xds"}
}

// A mixed load goes on while everything under it is replaced, ended or killed, and no request is lost: package soak says what
// that means, and is the judge.
func TestUpgrade_UnderLoadLosesNoRequest(t *testing.T) {
	tag := os.Getenv("HOTPOD_TEST_NEXT")
	if tag == "" {
		t.Skip("needs images of another version, and more than two processors: E2E_UPGRADE=1 make e2e")
	}
	c := newClusterIn(t, "soak")
	latest := c.rollout("latest")
	c.run("sh", "-c", latest)
	args := []string{
		"soak", "--kubeconfig", c.kubeconfig, "--router", strings.TrimPrefix(c.router, "http://"),
		"--for", "30s", "--peak", "2", "--pause", "1s", "--seed", "1",
		"--event", "upgraded=" + c.rollout(tag), "--event", "downgraded=" + latest,
	}
	for _, part := range parts() {
		args = append(args, "--event", part+" ended="+end(part))
	}
	for _, part := range []string{"autoscaler", "controller", "xds"} {
		args = append(args, "--event", fmt.Sprintf("%[1]s killed=%[2]s/kill.sh fission hotpod.dev/component=%[1]s %[1]s && sleep 1 && %[3]s", part, c.scripts, settled(part)))
	}
	for _, program := range []string{"kubelet", "containerd"} {
		args = append(args, "--event", fmt.Sprintf("%s restarted=%s/restart.sh %s", program, c.scripts, program))
	}
	t.Log(c.run("perf", args...))
}

// rollout is a command that makes all components, and what they put into functions' pods, those of the images with the tag.
func (c *cluster) rollout(tag string) string {
	c.t.Helper()
	dir := c.t.TempDir()
	manifests, err := filepath.Abs(filepath.Join("..", "..", "manifests"))
	if err != nil {
		c.t.Fatal(err)
	}
	base, err := filepath.Rel(dir, manifests)
	if err != nil {
		c.t.Fatal(err)
	}
	transformers, err := os.ReadFile(filepath.Join(manifests, "images.yaml"))
	if err != nil {
		c.t.Fatal(err)
	}
	var overlay strings.Builder
	// Of what requests go through there must be another while one is away.
	fmt.Fprintf(&overlay, "resources: [%[1]s/kubernetes]\ncomponents: [%[1]s/available]\nconfigurations: [images.yaml]\nimages:\n", base)
	for _, image := range []string{"activator", "autoscaler", "controller", "fetcher", "kubewatcher", "logger", "queueproxy", "router", "storage", "timer", "xds"} {
		fmt.Fprintf(&overlay, "  - {name: hotpod/%s, newTag: %s}\n", image, tag)
	}
	for name, text := range map[string]string{"kustomization.yaml": overlay.String(), "images.yaml": string(transformers)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	commands := []string{"set -e; kubectl apply --server-side -k " + dir}
	for _, part := range parts() {
		commands = append(commands, settled(part))
	}
	return strings.Join(commands, "; ")
}

// end is a command that deletes one of a component's pods, as an operator or a drained node does, and waits for another.
func end(part string) string {
	return fmt.Sprintf("kubectl delete -n fission $(kubectl get pods -n fission -l hotpod.dev/component=%s -o name | head -n 1) && %s", part, settled(part))
}

// settled is a command that waits until a component's pods are those that are wanted, and ready.
func settled(part string) string {
	return "kubectl rollout status -n fission deployment/" + part + " --timeout=5m"
}
