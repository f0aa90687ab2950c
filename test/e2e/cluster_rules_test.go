package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Everything that runs is admitted under the profile restricted, and as a user that no image knows.
func TestPods_PassTheStrictestProfileAsAnyUser(t *testing.T) {
	c := newCluster(t)
	c.function("hello", "module.exports = async () => ({status: 200, body: 'hello'})")
	for _, namespace := range []string{"fission", "fission-function", c.namespace} {
		out := c.run("kubectl", "label", "--dry-run=server", "--overwrite", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
		if strings.Contains(out, "Warning") {
			t.Errorf("%s: %s", namespace, out)
		}
		for user := range strings.FieldsSeq(c.run("kubectl", "get", "pods", "-n", namespace, "-o", "jsonpath={.items[*].spec.securityContext.runAsUser}")) {
			if len(user) < 10 {
				t.Errorf("%s: a pod runs as %s; the test forces a user of the namespace's range", namespace, user)
			}
		}
	}
}

// A function finds no credential, nothing of the platform in its environment, and cannot write where the image is.
func TestFunction_HasNothingOfThePlatform(t *testing.T) {
	c := newCluster(t)
	path := c.function("look", `
const fs = require('fs');
module.exports = async () => {
  const written = ['/x', '/usr/x', '/opt/hotpod/x', '/etc/x'].filter((p) => { try { fs.writeFileSync(p, 'x'); return true; } catch { return false; } });
  return { status: 200, headers: {'Content-Type': 'application/json'}, body: JSON.stringify({
    token: fs.existsSync('/var/run/secrets/kubernetes.io'), written, uid: process.getuid(), gid: process.getgid(),
    env: Object.keys(process.env).filter((k) => /TOKEN|SECRET|KUBECONFIG|XDS|AUTOSCALER|STORAGESVC/.test(k)),
  }) };
};`)
	status, body := c.get(path)
	var found struct {
		Token    bool
		Written  []string
		Env      []string
		UID, GID int
	}
	if err := json.Unmarshal([]byte(body), &found); err != nil || status != 200 {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if found.Token || len(found.Written) > 0 || len(found.Env) > 0 {
		t.Errorf("the function sees a token: %t, can write %v, has variables %v", found.Token, found.Written, found.Env)
	}
	if found.UID < 1e9 || found.GID != 0 {
		t.Errorf("the function runs as %d:%d, want a high user and the group 0", found.UID, found.GID)
	}
}

func TestEviction_OfAHotPodLosesNoRequest(t *testing.T) {
	c := newCluster(t)
	path := c.function("stay", "module.exports = async () => ({status: 200, body: require('os').hostname()})")
	status, first := c.get(path)
	if status != 200 {
		t.Fatal(status, first)
	}
	body := fmt.Sprintf(`{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":%q,"namespace":%q}}`, first, c.namespace)
	file := filepath.Join(t.TempDir(), "eviction.json")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run("kubectl", "create", "--raw", "/api/v1/namespaces/"+c.namespace+"/pods/"+first+"/eviction", "-f", file)
	c.await(time.Minute, "another pod serves", func() (string, bool) {
		status, host := c.get(path)
		if status != 200 {
			t.Errorf("a request during the eviction: %d %s", status, host)
		}
		return host, host != first
	})
}

func TestImage_ThatCannotBePulledIsACondition(t *testing.T) {
	c := newCluster(t)
	c.run("hotpod", "env", "create", "--name", "lost", "--image", "hotpod/nothing-of-this-name", "--poolsize", "1")
	c.await(2*time.Minute, "the environment says what is wrong", func() (string, bool) {
		out := c.run("kubectl", "get", "environment", "lost", "-n", c.namespace, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")]}`)
		return out, strings.Contains(out, `"status":"False"`) && strings.Contains(out, "hotpod/nothing-of-this-name")
	})
}

func TestQuota_ThatIsFullIsACondition(t *testing.T) {
	c := newCluster(t)
	c.run("kubectl", "create", "quota", "full", "-n", c.namespace, "--hard=pods=0")
	c.run("hotpod", "env", "create", "--name", "nodejs", "--image", "hotpod/node-env", "--poolsize", "1")
	c.await(2*time.Minute, "the environment says what is wrong", func() (string, bool) {
		out := c.run("kubectl", "get", "environment", "nodejs", "-n", c.namespace, "-o", `jsonpath={.status.conditions[?(@.type=="Ready")]}`)
		return out, strings.Contains(out, `"status":"False"`) && strings.Contains(out, "quota")
	})
}

// The command line reaches the router by a port-forward when nothing else is said.
func TestCommandLine_ForwardsToTheRouter(t *testing.T) {
	c := newCluster(t)
	c.function("hello", "module.exports = async () => ({status: 200, body: 'over the API server'})")
	if out := c.run("hotpod", "function", "test", "hello"); !strings.Contains(out, "over the API server") {
		t.Error(out)
	}
}

func TestManifests_ForOpenShiftAreAccepted(t *testing.T) {
	c := newCluster(t)
	c.run("kubectl", "apply", "--server-side", "--dry-run=server", "-k", filepath.Join("..", "..", "manifests", "openshift"))
}
