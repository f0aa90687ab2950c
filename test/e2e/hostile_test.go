package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// hostile is a function that does what it is told: it calls a URL, or tells what it finds in its pod.
const hostile = `
const http = require('http'), fs = require('fs');
const list = (dir) => { try { return fs.readdirSync(dir); } catch (e) { return [e.code]; } };
const read = (file) => { try { return fs.readFileSync(file, 'utf8'); } catch (e) { return e.code; } };
const call = (q) => new Promise((done) => {
  const req = http.request(q.url, { method: q.method || 'GET', timeout: 10000, headers: q.headers ? JSON.parse(q.headers) : {} }, (res) => {
    let body = ''; res.on('data', (d) => body += d); res.on('end', () => done(String(res.statusCode)));
  });
  req.on('timeout', () => { req.destroy(); done('timeout'); });
  req.on('error', (e) => done(e.code));
  req.end(q.body || '');
});
module.exports = async (ctx) => {
  const q = ctx.request.query;
  if (q.url) return { status: 200, body: await call(q) };
  return { status: 200, body: JSON.stringify({
    env: process.env, tokens: list('/var/run/secrets/kubernetes.io/serviceaccount'), secrets: list('/secrets'), hotpod: list('/etc/hotpod'),
    processes: list('/proc').filter((p) => /^[0-9]+$/.test(p)).map((p) => read('/proc/' + p + '/cmdline')), uid: process.getuid(),
  }) };
};`

// attack has the function call a URL and returns the status, or the error.
func (c *cluster) attack(path, method, target string, header map[string]string, body string) string {
	c.t.Helper()
	headers, err := json.Marshal(header)
	if err != nil {
		c.t.Fatal(err)
	}
	q := url.Values{"url": {target}, "method": {method}, "headers": {string(headers)}, "body": {body}}
	_, got := c.get(path + "?" + q.Encode())
	return got
}

// What a hostile function can connect to asks for a signature, and gets none that fits; what it finds in its pod is its own.
func TestHostile_GetsNothingThatIsNotItsOwn(t *testing.T) {
	c := newCluster(t)
	path, victim := c.function("hostile", hostile), c.function("victim", "module.exports = async () => ({status: 200, body: 'victim'})")
	c.await(2*time.Minute, "both functions answer", func() (string, bool) {
		first, body := c.get(path)
		second, said := c.get(victim)
		return body + said, first == 200 && second == 200
	})
	forged := map[string]string{"X-Hotpod-Signature": "1-AAAA", "X-Hotpod-Function": "uid", "Content-Type": "application/json"}
	digest, own := strings.Repeat("ab", 32), c.addresses("functionName=hostile", c.namespace)[0]
	for _, a := range []struct{ what, method, url, want string }{
		{"its own fetcher: who am I", "GET", "http://" + own + ":8000/v1/identity", "401"},
		{"its own fetcher: another function", "POST", "http://" + own + ":8000/v1/specialize", "401"},
		{"its own queue-proxy: another limit", "POST", "http://" + own + ":8022/v1/assign", "401"},
		{"its own queue-proxy: drain", "POST", "http://" + own + ":8022/v1/drain", "401"},
		{"its own queue-proxy: reports", "POST", "http://" + own + ":8022/v1/reports", "401"},
		{"the archive store: read", "GET", "http://storagesvc.fission/v1/archive?id=" + digest, "401"},
		{"the archive store: a forged URL", "GET", "http://storagesvc.fission/v1/archive?id=" + digest + "&expires=99999999999999&signature=AAAA", "401"},
		{"the archive store: list", "GET", "http://storagesvc.fission/v1/archive", "401"},
		{"the archive store: write", "POST", "http://storagesvc.fission/v1/archive", "401"},
		{"the archive store: delete", "DELETE", "http://storagesvc.fission/v1/archive?id=" + digest, "401"},
		{"the archive store: fetch an image", "POST", "http://storagesvc.fission/v1/images", "401"},
		{"functions by name, at the public listener", "GET", "http://router.fission/fission-function/" + c.namespace + "/victim", "404"},
	} {
		if got := c.attack(path, a.method, a.url, forged, "{}"); got != a.want && (a.want != "401" || got != "403") {
			t.Errorf("%s: %s %s answers %s, want %s", a.what, a.method, a.url, got, a.want)
		}
	}
	c.ownOnly(path)
	if _, got := c.get(victim); got != "victim" {
		t.Errorf("the victim answers %q", got)
	}
}

// ownOnly looks at what the function finds.
func (c *cluster) ownOnly(path string) {
	c.t.Helper()
	_, text := c.get(path)
	var found struct {
		Env                     map[string]string
		Tokens, Secrets, Hotpod []string
		Processes               []string
		UID                     int
	}
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		c.t.Fatalf("%v: %s", err, text)
	}
	for name := range found.Env {
		if strings.Contains(name, "AUTH_SECRET") || strings.Contains(name, "_KEY") {
			c.t.Errorf("its environment has %s", name)
		}
	}
	for what, names := range map[string][]string{"a service account's token": found.Tokens, "neighbours' secrets": found.Secrets, "the platform's keys": found.Hotpod} {
		if len(names) > 0 && (len(names) > 1 || !strings.HasPrefix(names[0], "E")) {
			c.t.Errorf("it finds %s: %v", what, names)
		}
	}
	for _, command := range found.Processes {
		if strings.Contains(command, "fetcher") || strings.Contains(command, "queueproxy") {
			c.t.Errorf("it sees the process %q", command)
		}
	}
	if found.UID == 0 {
		c.t.Error("it runs as root")
	}
}

// An address that belonged to another pod a moment ago is nobody's, or another's who does not let it in either.
func TestHostile_GetsNothingFromAnAddressThatWasAnothers(t *testing.T) {
	c := newCluster(t)
	if c.scripts == "" {
		t.Skip("whether policies are enforced is known of the test cluster only: make e2e")
	}
	path, victim := c.function("hostile", hostile), c.function("victim", "module.exports = async () => ({status: 200, body: 'victim'})")
	c.await(2*time.Minute, "both functions answer", func() (string, bool) {
		first, body := c.get(path)
		second, said := c.get(victim)
		return body + said, first == 200 && second == 200
	})
	address := c.addresses("functionName=victim", c.namespace)[0]
	c.run("kubectl", "delete", "pod", "-n", c.namespace, "-l", "functionName=victim", "--grace-period=1", "--wait=true")
	for _, port := range []string{"8000", "8012", "8022", "8888"} {
		got := c.attack(path, "GET", "http://"+net.JoinHostPort(address, port)+"/v1/identity", nil, "")
		if got != forbidden && got != "timeout" && got != "ECONNREFUSED" {
			t.Errorf("port %s answers %s", port, got)
		}
	}
	c.await(2*time.Minute, "the victim answers again", func() (string, bool) {
		status, body := c.get(victim)
		return body, status == 200 && body == "victim"
	})
}

// Where no policy stands in the way, as for the node, certificates and signatures do.
func TestTrust_PartsTurnAwayWhoIsNoPart(t *testing.T) {
	c := newCluster(t)
	if c.scripts == "" {
		t.Skip("pods are reached from the node of the test cluster only: make e2e")
	}
	for component, port := range map[string]string{"xds": "18000", "autoscaler": "8090", "logger": "8071"} {
		turned := 0
		for _, address := range c.addresses("hotpod.dev/component="+component, "fission") {
			host := net.JoinHostPort(address, port)
			conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", host)
			if err != nil {
				continue // one that follows does not listen
			}
			secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			_ = secure.SetDeadline(time.Now().Add(30 * time.Second))
			if _, err := io.ReadAll(secure); err == nil || !strings.Contains(err.Error(), "tls:") {
				t.Errorf("%s at %s without a certificate: %v", component, host, err)
			}
			turned++
			_ = conn.Close()
		}
		if turned == 0 {
			t.Errorf("no %s listens", component)
		}
	}
	router := net.JoinHostPort(c.addresses("hotpod.dev/component=router", "fission")[0], "8889")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, fmt.Sprintf("http://%s/fission-function/%s/x", router, c.namespace), bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusUnauthorized || !bytes.Contains(text, []byte("signature_missing")) {
		t.Errorf("the internal listener answers %d %s", res.StatusCode, text)
	}
	c.function("called", "module.exports = async () => ({status: 200, body: 'called by name'})")
	if out := c.run("hotpod", "function", "test", "called"); !strings.Contains(out, "called by name") {
		t.Errorf("hotpod function test: %s", out)
	}
}
