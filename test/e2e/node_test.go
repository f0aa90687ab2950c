package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"
)

// load sends requests one after another until the returned function is called, which says what was answered otherwise than
// by a 200.
func (c *cluster) load(path string) (stop func() (sent int, failed []string)) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var wg sync.WaitGroup
	sent, failed := 0, []string(nil)
	wg.Go(func() {
		for ctx.Err() == nil {
			status, body := c.get(path)
			if sent++; status != 200 {
				failed = append(failed, body)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() (int, []string) {
		cancel()
		wg.Wait()
		return sent, failed
	}
}

func TestNode_RestartOfItsProgramsLosesNoRequest(t *testing.T) {
	c := newCluster(t)
	path := c.function("steady", "module.exports = async () => ({status: 200, body: 'steady'})")
	c.await(2*time.Minute, "the function answers", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
	stop := c.load(path)
	c.restart("kubelet", "containerd")
	c.await(2*time.Minute, "the node starts pods again", func() (string, bool) {
		out, err := c.try(t.Context(), "kubectl", "run", "after", "-n", c.namespace, "--image=hotpod/pause", "--overrides",
			`{"spec":{"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}},"containers":[{"name":"after","image":"hotpod/pause","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}}]}}`)
		if err != nil && !strings.Contains(out, "AlreadyExists") {
			return out, false
		}
		out, err = c.try(t.Context(), "kubectl", "get", "pod", "after", "-n", c.namespace, "-o", "jsonpath={.status.phase}")
		return out, err == nil && out == "Running"
	})
	if sent, failed := stop(); len(failed) > 0 || sent == 0 {
		t.Errorf("%d of %d requests failed: %.500q", len(failed), sent, failed)
	}
}

func TestMemory_ThatIsUsedUpCostsOneRequestAndNoMore(t *testing.T) {
	c := newCluster(t)
	c.run("hotpod", "env", "create", "--name", "nodejs", "--image", "hotpod/node-env", "--poolsize", "1", "--minmemory", "64", "--maxmemory", "128")
	path := c.function("hungry", `
const eaten = [];
module.exports = async (ctx) => {
  while (ctx.request.query.eat) { eaten.push(Buffer.alloc(16 << 20, 1)); await new Promise((done) => setImmediate(done)); }
  return { status: 200, body: 'sated' };
};`)
	c.await(2*time.Minute, "the function answers", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
	if status, body := c.get(path + "?eat=1"); status < 500 {
		t.Errorf("the request that eats all memory: %d %s", status, body)
	}
	status, body := c.get(path)
	if status != 200 {
		t.Errorf("the request after it: %d %s", status, body)
	}
}

func TestImage_ThatIsMendedIsPulled(t *testing.T) {
	c := newCluster(t)
	c.run("hotpod", "env", "create", "--name", "nodejs", "--image", "hotpod/nothing-of-this-name", "--poolsize", "1")
	path := c.function("hello", "module.exports = async () => ({status: 200, body: 'hello'})")
	c.await(2*time.Minute, "the answer says what is wrong", func() (string, bool) {
		status, body := c.get(path)
		return body, status >= 500 && strings.Contains(body, "nothing-of-this-name")
	})
	c.run("hotpod", "env", "update", "nodejs", "--image", "hotpod/node-env")
	c.await(2*time.Minute, "the function answers", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
}

func TestSecret_ComesToTheFunctionAndItsChangeToo(t *testing.T) {
	c := newCluster(t)
	c.run("kubectl", "create", "secret", "generic", "key", "-n", c.namespace, "--from-literal=value=one")
	path := c.function("secret", "module.exports = async () => ({status: 200, body: require('fs').readFileSync('/secrets/"+c.namespace+"/key/value', 'utf8')})", "--secret", "key")
	for _, value := range []string{"one", "two"} {
		c.run("kubectl", "patch", "secret", "key", "-n", c.namespace, "-p", `{"stringData":{"value":"`+value+`"}}`)
		c.await(2*time.Minute, "the function has "+value, func() (string, bool) {
			status, body := c.get(path)
			return body, status == 200 && body == value
		})
	}
}

func TestLogs_OfAFunctionAreRead(t *testing.T) {
	c := newCluster(t)
	path := c.function("talk", "module.exports = async () => { console.log('said so'); return {status: 200, body: 'ok'}; }")
	c.await(2*time.Minute, "the function answers", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
	c.await(time.Minute, "its log is there", func() (string, bool) {
		out, err := c.try(t.Context(), "hotpod", "function", "logs", "talk")
		return out, err == nil && strings.Contains(out, "said so")
	})
}

// The node is all that there is, so no budget can be kept, and functions are away while it is empty; nobody has to force
// anything else, and all comes back.
func TestNode_IsDrainedAndComesBack(t *testing.T) {
	c := newCluster(t)
	if c.scripts == "" {
		t.Skip("only the test cluster's node is drained: make e2e")
	}
	path := c.function("back", "module.exports = async () => ({status: 200, body: 'back'})")
	c.await(2*time.Minute, "the function answers", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
	defer c.try(context.Background(), "kubectl", "uncordon", "node1")
	c.run("kubectl", "drain", "node1", "--delete-emptydir-data", "--disable-eviction", "--timeout=5m")
	c.run("kubectl", "uncordon", "node1")
	c.await(3*time.Minute, "the function answers again", func() (string, bool) {
		status, body := c.get(path)
		return body, status == 200
	})
	for deployment := range strings.FieldsSeq(c.run("kubectl", "get", "deployments", "-n", "fission", "-o", "name")) {
		c.run("kubectl", "rollout", "status", "-n", "fission", deployment, "--timeout=3m")
	}
}
