package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"hotpod.dev/wire"
)

// lastRequest is the request of each pod's last line.
const lastRequest = "last"

// logServer is an API server as far as the logger sees it: pods that run, and their logs, followed by HTTP streams.
type logServer struct {
	pods     []corev1.Pod
	streams  []chan []byte // of each pod
	followed atomic.Int64
	done     chan struct{}
	end      sync.Once
}

func newLogServer(o LogsOptions) *logServer {
	s := &logServer{done: make(chan struct{})}
	for n := range o.Pods {
		id := simulatedID(n)
		s.streams = append(s.streams, make(chan []byte, 64))
		s.pods = append(s.pods, corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: fmt.Sprint("pod-", n), UID: types.UID(fmt.Sprint("pod-", n)), ResourceVersion: "1",
				Labels: map[string]string{
					wire.LabelExecutorType: "poolmgr", wire.LabelEnvironmentName: "simulated", wire.LabelEnvironmentNamespace: "default",
					wire.LabelFunctionName: id.Name, wire.LabelFunctionNamespace: id.Namespace, wire.LabelFunctionUID: id.UID,
				},
			},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "runtime"}}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{
				{Name: "runtime", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}},
			}},
		})
	}
	return s
}

// serve listens until stop is called, and writes a kubeconfig into dir.
func (s *logServer) serve(ctx context.Context, dir string) (stop func(), kubeconfig string, err error) {
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/pods", s.list)
	mux.HandleFunc("GET /api/v1/namespaces/default/pods/{pod}/log", s.logOf)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.Serve(lis) }()
	kubeconfig = filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"c","clusters":[{"name":"c","cluster":{"server":"http://%s"}}],`+
		`"contexts":[{"name":"c","context":{"cluster":"c","user":"u"}}],"users":[{"name":"u","user":{}}]}`, lis.Addr())
	stop = func() {
		s.end.Do(func() { close(s.done) })
		_ = srv.Close()
	}
	return stop, kubeconfig, os.WriteFile(kubeconfig, []byte(text), 0o600)
}

// list answers with the pods. A watch tells of nothing new; one that asks for the first list gets it, with its end marked.
func (s *logServer) list(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	out := json.NewEncoder(w)
	if r.URL.Query().Get("watch") == "" {
		_ = out.Encode(corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: s.pods})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		typed := metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		for i := range s.pods {
			pod := s.pods[i]
			pod.TypeMeta = typed
			_ = out.Encode(map[string]any{"type": "ADDED", "object": pod})
		}
		end := metav1.ObjectMeta{ResourceVersion: "1", Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}}
		_ = out.Encode(map[string]any{"type": "BOOKMARK", "object": corev1.Pod{TypeMeta: typed, ObjectMeta: end}})
	}
	_ = http.NewResponseController(w).Flush()
	select {
	case <-s.done:
	case <-r.Context().Done():
	}
}

// logOf streams what a pod writes from now on.
func (s *logServer) logOf(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.PathValue("pod"), "pod-%d", &n); err != nil || n >= len(s.streams) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	s.followed.Add(1)
	for {
		select {
		case text := <-s.streams[n]:
			_, _ = w.Write(text)
			_ = flush.Flush()
		case <-s.done:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// awaitFollowed waits until every pod's log is followed.
func (s *logServer) awaitFollowed(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); s.followed.Load() < int64(len(s.pods)); {
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%d of %d logs are followed", s.followed.Load(), len(s.pods))
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// write has the pods write for as long as the options say, and returns how many lines that were.
func (s *logServer) write(ctx context.Context, o LogsOptions) (written int) {
	begun := time.Now()
	for tick := 0; time.Since(begun) < o.Duration && ctx.Err() == nil; tick++ {
		// As many as are due by now, the pods in turn; each piece is what a pod writes in a moment.
		due := int(time.Since(begun).Seconds() * float64(o.Rate))
		pieces := map[int]*bytes.Buffer{}
		for ; written < due; written++ {
			n := written % len(s.streams)
			if pieces[n] == nil {
				pieces[n] = &bytes.Buffer{}
			}
			appendLine(pieces[n], fmt.Sprintf("request-%d", written/3), written)
		}
		for n, text := range pieces {
			s.streams[n] <- text.Bytes()
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, stream := range s.streams {
		var text bytes.Buffer
		appendLine(&text, lastRequest, written)
		stream <- text.Bytes()
		written++
	}
	return written
}

// appendLine writes a line as an API server sends it.
func appendLine(to *bytes.Buffer, request string, n int) {
	fmt.Fprintf(to, "%s [req %s] INFO: the %dth line that functions wrote, as long as lines are, with an id and a user=%d\n",
		time.Now().UTC().Format(time.RFC3339Nano), request, n, n%1000)
}
