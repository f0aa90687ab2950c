package e2e

import (
	"testing"
	"time"
)

// calls is a function that calls a URL inside the cluster and says what it got.
const calls = `
module.exports = async (ctx) => {
  try {
    const res = await fetch(ctx.request.query.url, { method: 'POST', body: 'ping', signal: AbortSignal.timeout(50000) });
    return { status: 200, body: res.status + ' ' + await res.text() };
  } catch (err) {
    return { status: 200, body: String(err.cause ?? err) };
  }
};`

// says is a function that tells what it saw of the request.
const says = `module.exports = async (ctx) => ({ status: 200, body: ctx.request.method + ' ' + ctx.request.url })`

// A pod calls a function by the name of its Service: through the cluster's DNS and its Services, past the policies, and
// from zero too.
func TestServices_PodCallsAFunctionByItsName(t *testing.T) {
	c := newCluster(t)
	path := c.function("calls", calls)
	c.function("says", says, "--service")
	c.run("kubectl", "wait", "-n", c.namespace, "--for=condition=ServiceReady", "--timeout=60s", "function/says")
	c.await(2*time.Minute, "the caller answers", func() (string, bool) {
		status, body := c.get(path + "?url=http://127.0.0.1:1")
		return body, status == 200
	})
	if hot := c.run("kubectl", "get", "pods", "-A", "-l", "functionName=says,functionNamespace="+c.namespace, "-o", "name"); hot != "" {
		t.Errorf("the function is not at zero: %s", hot)
	}
	for _, host := range []string{"says." + c.namespace + ".svc", "says." + c.namespace, "says." + c.namespace + ".svc.cluster.local"} {
		c.await(2*time.Minute, host+" answers", func() (string, bool) {
			_, got := c.get(path + "?url=http://" + host + "/a/b%3Fc")
			return got, got == "200 POST /a/b?c"
		})
	}
	c.run("hotpod", "function", "update", "says", "--service=false")
	c.await(time.Minute, "the Service is gone", func() (string, bool) {
		out, err := c.try(t.Context(), "kubectl", "get", "service", "says", "-n", c.namespace)
		return out, err != nil
	})
}
