package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/logline"
	"hotpod.dev/wire"
)

// liveLogs reads the pods of a function. Lines that are known from the logger are left out.
type liveLogs struct {
	app  *app
	fn   *v1.Function
	q    logline.Query
	pods int

	mu     sync.Mutex    // guards all below
	seen   *logline.Seen // what is not to be handed over
	next   *logline.Seen // what is not to be handed over when pods are read again: what was read now
	found  []logline.Record
	latest map[string]time.Time // of each container's lines that were read, by pod's UID and name
}

// readAtOnce bounds the pods whose logs are read at once.
const readAtOnce = 16

func (a *app) newLiveLogs(fn *v1.Function, q logline.Query, stored []logline.Record) *liveLogs {
	l := &liveLogs{app: a, fn: fn, q: q, seen: logline.NewSeen(stored), next: logline.NewSeen(nil), latest: map[string]time.Time{}}
	if q.Limit > 0 && len(stored) >= q.Limit && stored[0].Time.After(q.Since) {
		l.q.Since = stored[0].Time // what is older would not be printed
	}
	return l
}

// read returns what the pods have now.
func (l *liveLogs) read(ctx context.Context) ([]logline.Record, error) {
	pods, err := l.app.podsOf(ctx, string(l.fn.UID))
	if err != nil {
		return nil, fmt.Errorf("list pods: %w", err)
	}
	l.pods = len(pods)
	slots := make(chan struct{}, readAtOnce)
	var group sync.WaitGroup
	for i := range pods {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			l.each(ctx, &pods[i], false, func(r *logline.Record) error {
				l.mu.Lock()
				defer l.mu.Unlock()
				l.found = append(l.found, *r)
				return nil
			})
		})
	}
	group.Wait()
	return l.found, ctx.Err()
}

// follow hands over what comes later, of pods that start later too, until ctx ends.
func (l *liveLogs) follow(ctx context.Context, each func(*logline.Record) error) error {
	var (
		readers sync.WaitGroup
		writing sync.Mutex
	)
	defer readers.Wait()
	l.seen = l.next
	known := map[string]bool{}
	for ctx.Err() == nil { // the API server ends a watch after a while
		w, err := l.app.clients.Pods(metav1.NamespaceAll).Watch(ctx, metav1.ListOptions{LabelSelector: wire.LabelFunctionUID + "=" + string(l.fn.UID)})
		if err != nil {
			return fmt.Errorf("watch pods: %w", err)
		}
		for event := range w.ResultChan() {
			pod, ok := event.Object.(*corev1.Pod)
			if !ok || known[string(pod.UID)] || pod.Status.Phase == corev1.PodPending { // which has no log yet
				continue
			}
			known[string(pod.UID)] = true
			readers.Go(func() {
				l.each(ctx, pod, true, func(r *logline.Record) error {
					writing.Lock()
					defer writing.Unlock()
					return each(r)
				})
			})
		}
		w.Stop()
	}
	return nil
}

// each reads the containers of a pod that run users' code.
func (l *liveLogs) each(ctx context.Context, pod *corev1.Pod, follow bool, each func(*logline.Record) error) {
	if pod.Status.Phase == corev1.PodPending || l.q.Pod != "" && pod.Name != l.q.Pod {
		return
	}
	var group sync.WaitGroup
	for _, c := range pod.Spec.Containers {
		if c.Name == "fetcher" || c.Name == "queue-proxy" {
			continue
		}
		group.Go(func() {
			r := l.reader(pod, c.Name, each)
			if err := r.read(ctx, follow); err != nil && ctx.Err() == nil {
				l.app.progress("note: %v", err)
			}
		})
	}
	group.Wait()
}

// reader reads one container's log.
type reader struct {
	logs    *liveLogs
	pod     *corev1.Pod
	source  logline.Source
	claimed time.Time
	each    func(*logline.Record) error

	mu     sync.Mutex // guards all below
	joiner logline.Joiner
	came   time.Time // when the last line came
	failed error
}

func (l *liveLogs) reader(pod *corev1.Pod, container string, each func(*logline.Record) error) *reader {
	r := &reader{logs: l, pod: pod, each: each, source: logline.Source{
		Namespace: l.fn.Namespace, Function: l.fn.Name, FunctionUID: string(l.fn.UID), Environment: pod.Labels[wire.LabelEnvironmentName],
		PodNamespace: pod.Namespace, Pod: pod.Name, PodUID: string(pod.UID), Container: container,
	}}
	r.source.Generation, _ = strconv.ParseInt(pod.Labels[wire.LabelFunctionGeneration], 10, 64)
	if ms, err := strconv.ParseInt(pod.Labels[wire.LabelClaimed], 10, 64); err == nil && pod.Labels[wire.LabelExecutorType] == v1.ExecutorPool {
		r.claimed = time.UnixMilli(ms)
	}
	return r
}

// key names the container among all.
func (r *reader) key() string { return r.source.PodUID + "/" + r.source.Container }

// joinPause is how long lines that belong together are waited for.
const joinPause = 200 * time.Millisecond

// read hands over the container's entries. A line is handed over once, however often the log is read.
func (r *reader) read(ctx context.Context, follow bool) error {
	r.logs.mu.Lock()
	since := r.logs.latest[r.key()]
	r.logs.mu.Unlock()
	if since.Before(r.logs.q.Since) {
		since = r.logs.q.Since
	}
	o := &corev1.PodLogOptions{Container: r.source.Container, Follow: follow, Timestamps: true}
	if !since.IsZero() {
		o.SinceTime = &metav1.Time{Time: since.Add(-logline.MaxSpan).Truncate(time.Second)}
	}
	stream, err := r.logs.app.clients.PodLogs(ctx, r.pod.Namespace, r.pod.Name, o)
	if err != nil {
		return err
	}
	defer stream.Close()
	done := make(chan struct{})
	defer close(done)
	if follow {
		go r.flushIdle(done)
	}
	err = r.lines(stream)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.emit(r.joiner.Flush())
	return errors.Join(err, r.failed)
}

func (r *reader) lines(stream io.Reader) error {
	in := bufio.NewReader(stream)
	for {
		text, err := in.ReadString('\n')
		if text != "" {
			r.take(strings.TrimSuffix(text, "\n"))
		}
		if errors.Is(err, io.EOF) || r.failure() != nil { // what stopped the others is told already
			return nil //nolint:nilerr // see above
		}
		if err != nil {
			return fmt.Errorf("read the log of pod %s: %w", r.pod.Name, err)
		}
	}
}

func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *reader) take(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, text := logline.Stamp(text, r.claimed)
	line := logline.Parse(text)
	if at.Before(r.claimed) || r.logs.known(&r.source, at, line.Text) {
		return
	}
	r.came = time.Now()
	r.emit(r.joiner.Add(at, line))
}

// known reports whether a line was printed already, and notes it for the next reading.
func (l *liveLogs) known(s *logline.Source, at time.Time, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := s.PodUID + "/" + s.Container
	if at.After(l.latest[key]) {
		l.latest[key] = at
	}
	known := l.seen.Take(s.PodUID, s.Container, at, text)
	if l.seen != l.next {
		l.next.Add(s.PodUID, s.Container, at, text)
	}
	return known
}

// emit hands an entry over. Call it with mu held.
func (r *reader) emit(e *logline.Entry) {
	if e == nil || r.failed != nil {
		return
	}
	record := logline.Record{
		Source: r.source, Time: e.Time, Level: e.Level, RequestID: e.RequestID, TraceID: e.TraceID, Text: e.Text, Later: e.Later,
	}
	if r.logs.q.Chooses(&record) {
		r.failed = r.each(&record)
	}
}

// flushIdle hands over the last entry when no more lines come that may belong to it.
func (r *reader) flushIdle(done <-chan struct{}) {
	tick := time.NewTicker(joinPause)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			r.mu.Lock()
			if time.Since(r.came) >= joinPause {
				r.emit(r.joiner.Flush())
			}
			r.mu.Unlock()
		}
	}
}
