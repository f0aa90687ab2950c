package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// reach is a function that says what became of connecting to a host and port.
const reach = `
const net = require('net');
module.exports = async (ctx) => ({ status: 200, body: await new Promise((done) => {
  const socket = net.connect({ host: ctx.request.query.host, port: Number(ctx.request.query.port), timeout: 10000 });
  socket.on('connect', () => { socket.destroy(); done('connected'); });
  socket.on('timeout', () => { socket.destroy(); done('timeout'); });
  socket.on('error', (err) => done(err.code));
}) });`

// forbidden is what the test cluster's enforcer of policies makes of a connection that none allows.
const forbidden = "EHOSTUNREACH"

// Function code is hostile: it reaches nothing of the platform and of other functions, nor the API server and the node.
func TestNetwork_FunctionReachesWhatPoliciesAllowAndNothingElse(t *testing.T) {
	c := newCluster(t)
	if c.scripts == "" {
		t.Skip("whether policies are enforced is known of the test cluster only: make e2e")
	}
	path := c.function("reach", reach)
	other := c.function("other", "module.exports = async () => ({status: 200, body: 'other'})")
	c.await(2*time.Minute, "both functions answer", func() (string, bool) {
		first, body := c.get(path + "?host=127.0.0.1&port=1")
		second, said := c.get(other)
		return body + said, first == 200 && second == 200
	})
	addresses := c.addresses("functionName=other", c.namespace)
	denied := map[string][]string{"10.96.0.1": {"443"}, "10.99.0.1": {"6443", "10250"}, "169.254.169.254": {"80"}, addresses[0]: {"8000", "8012", "8022", "8888"}}
	for component, ports := range map[string][]string{
		"activator": {"8012", "8080"}, "autoscaler": {"8090", "8080"}, "controller": {"8080"}, "router": {"8889", "8080"},
		"logger": {"8070", "8071", "8080"}, "storagesvc": {"8080"}, "xds": {"18000", "18001", "8080"},
	} {
		for _, address := range c.addresses("hotpod.dev/component="+component, "fission") {
			denied[address] = ports
		}
	}
	listening := 0
	for host, ports := range denied {
		for _, port := range ports {
			if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", net.JoinHostPort(host, port)); err == nil {
				listening++ // for the node, which policies let through
				_ = conn.Close()
			}
			if _, got := c.get(fmt.Sprintf("%s?host=%s&port=%s", path, host, port)); got != forbidden {
				t.Errorf("connecting to %s:%s: %s, want %s", host, port, got, forbidden)
			}
		}
	}
	if listening < 10 {
		t.Errorf("only %d of the forbidden ports listen at all", listening)
	}
	c.run("kubectl", "apply", "-n", c.namespace, "-f", "testdata/service.yaml")
	c.run("kubectl", "wait", "-n", c.namespace, "--for=condition=Ready", "--timeout=2m", "pod/web")
	for _, host := range []string{"router.fission", "storagesvc.fission", "web." + c.namespace + ".svc.cluster.local"} {
		c.await(time.Minute, host+" is reached", func() (string, bool) {
			_, got := c.get(path + "?port=80&host=" + host)
			return got, got == "connected"
		})
	}
}

// addresses returns those of the pods with the labels.
func (c *cluster) addresses(labels, namespace string) []string {
	c.t.Helper()
	out := strings.Fields(c.run("kubectl", "get", "pods", "-n", namespace, "-l", labels, "-o", "jsonpath={.items[*].status.podIP}"))
	if len(out) == 0 {
		c.t.Fatalf("no pods with %s in %s", labels, namespace)
	}
	return out
}

// restart ends programs of the node and starts them again.
func (c *cluster) restart(names ...string) {
	c.t.Helper()
	if c.scripts == "" {
		c.t.Skip("only programs of the test cluster are ended: make e2e")
	}
	cmd := exec.CommandContext(c.t.Context(), c.scripts+"/restart.sh", names...)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("restart %v: %v\n%s", names, err, out)
	}
}
