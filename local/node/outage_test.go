package node

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// link is a way to the API server that can be cut.
type link struct {
	t               *testing.T
	address, target string

	mu       sync.Mutex
	listener net.Listener
	conns    []net.Conn
}

func newLink(t *testing.T, target string) *link {
	t.Helper()
	l := &link{t: t, address: "127.0.0.1:0", target: target}
	l.restore()
	t.Cleanup(l.cut)
	return l
}

// restore accepts connections, at the same address as before.
func (l *link) restore() {
	listener, err := net.Listen("tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.mu.Lock()
	l.listener, l.address = listener, listener.Addr().String()
	l.mu.Unlock()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			l.join(conn)
		}
	}()
}

func (l *link) join(from net.Conn) {
	to, err := net.Dial("tcp", l.target)
	if err != nil {
		from.Close()
		return
	}
	l.mu.Lock()
	l.conns = append(l.conns, from, to)
	l.mu.Unlock()
	go func() { _, _ = io.Copy(to, from); to.Close() }()
	go func() { _, _ = io.Copy(from, to); from.Close() }()
}

// cut ends all connections and refuses new ones.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener.Close()
	for _, conn := range l.conns {
		conn.Close()
	}
	l.conns = nil
}

// restartOverLink starts the agent again, with a way to the API server that can be cut.
func (c *cluster) restartOverLink() *link {
	c.t.Helper()
	c.stop()
	u, err := url.Parse(c.admin.Host)
	if err != nil {
		c.t.Fatal(err)
	}
	way := newLink(c.t, u.Host)
	direct := c.admin
	c.admin = server.Get(c.t).Config()
	c.admin.Host = "https://" + way.address
	c.start()
	c.admin = direct
	return way
}

func TestAgent_PodsOutliveTheAPIServer(t *testing.T) {
	c := newCluster(t)
	way := c.restartOverLink()

	c.create("crashing", "sleep 3; exit 1")
	c.create("staying", "exec sleep 1000")
	c.create("leaving", "exec sleep 1000")
	c.ready("crashing")
	staying, leaving := c.ready("staying"), c.ready("leaving")
	way.cut()
	if err := c.client.CoreV1().Pods(c.ns).Delete(t.Context(), "leaving", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	crashing := c.agent.worker(c.get("crashing").UID)
	c.eventually("a container is restarted without the API server", func() bool { return crashing.state("c").restarts >= 1 })
	for _, pod := range []*corev1.Pod{staying, leaving} {
		if w := c.agent.worker(pod.UID); w == nil || w.stop.ordered() {
			t.Fatalf("pod %s was ended for lack of news", pod.Name)
		}
	}
	way.restore()
	c.eventually("the restart is told", func() bool {
		s := c.get("crashing").Status.ContainerStatuses
		return len(s) == 1 && s[0].RestartCount >= 1
	})
	c.eventually("the deletion is heard of", func() bool { return c.gone("leaving") })
	if again := c.get("staying"); again.Status.ContainerStatuses[0].RestartCount != 0 || again.UID != staying.UID {
		t.Errorf("the other pod: %+v", again.Status)
	}
}

func TestAgent_EndsWithoutTheAPIServer(t *testing.T) {
	c := newCluster(t)
	way := c.restartOverLink()
	c.create("p", "trap '' TERM; while :; do sleep 0.05; done")
	c.ready("p")
	way.cut()
	began := time.Now()
	c.stop()
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("took %v", took)
	}
}
