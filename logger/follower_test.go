package logger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotpod.dev/logger"
	"hotpod.dev/logstore"
)

// cluster is an API server's logs: containers that write, and readers that come and go.
type cluster struct {
	mu   sync.Mutex // guards all below
	cond *sync.Cond
	logs map[string]*container
}

type container struct {
	lines    []string
	previous []string
	ended    bool
	cut      int // connections are cut when it changes
	opened   int
	refused  bool
}

func newCluster() *cluster {
	c := &cluster{logs: map[string]*container{}}
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *cluster) of(pod string) *container {
	if c.logs[pod] == nil {
		c.logs[pod] = &container{}
	}
	return c.logs[pod]
}

func (c *cluster) change(pod string, do func(*container)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	do(c.of(pod))
	c.cond.Broadcast()
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (c *cluster) write(pod string, after time.Duration, text string) {
	c.change(pod, func(k *container) { k.lines = append(k.lines, start.Add(after).Format(time.RFC3339Nano)+" "+text+"\n") })
}

// opened is how often the pod p was read.
func (c *cluster) opened() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of("p").opened
}

// OpenLog answers as an API server does.
func (c *cluster) OpenLog(ctx context.Context, l logger.Log) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.logs[l.Pod]
	if k == nil {
		return nil, logger.ErrGone
	}
	k.opened++
	if k.refused {
		return nil, errors.New("forbidden")
	}
	lines := k.lines
	if l.Previous {
		return io.NopCloser(strings.NewReader(strings.Join(k.previous, ""))), nil
	}
	if !l.Follow {
		return io.NopCloser(strings.NewReader(strings.Join(since(lines, l.Since), ""))), nil
	}
	r, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { c.mu.Lock(); c.cond.Broadcast(); c.mu.Unlock() })
	go func() {
		defer stop()
		c.feed(ctx, k, l, w)
	}()
	return r, nil
}

func (c *cluster) feed(ctx context.Context, k *container, l logger.Log, w *io.PipeWriter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut, sent := k.cut, 0
	for {
		for sent < len(k.lines) {
			text := strings.Join(since(k.lines[sent:], l.Since), "")
			sent = len(k.lines)
			c.mu.Unlock()
			_, _ = io.WriteString(w, text)
			c.mu.Lock()
		}
		switch {
		case k.cut != cut:
			_ = w.CloseWithError(io.ErrUnexpectedEOF)
			return
		case k.ended, ctx.Err() != nil:
			_ = w.Close()
			return
		}
		c.cond.Wait()
	}
}

func since(lines []string, at time.Time) []string {
	var out []string
	for _, l := range lines {
		stamp, _, _ := strings.Cut(l, " ")
		if t, _ := time.Parse(time.RFC3339Nano, stamp); !t.Before(at.Truncate(time.Second)) {
			out = append(out, l)
		}
	}
	return out
}

func database(t *testing.T) *logstore.Lines {
	t.Helper()
	db, err := logstore.Open(t.Context(), filepath.Join(t.TempDir(), "logs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	lines, err := logstore.NewLines(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// follow runs a follower; stop ends it.
func follow(t *testing.T, c *cluster, lines *logstore.Lines, change func(*logger.Config)) (f *logger.Follower, stop func()) {
	t.Helper()
	config := logger.Config{Lines: lines, Logs: c, Idle: 20 * time.Millisecond, Poll: 20 * time.Millisecond}
	if change != nil {
		change(&config)
	}
	f = logger.New(config)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return f, stop
}

func pod(name, function string) logger.Pod {
	p := logger.Pod{
		Namespace: "fission-function", Name: name, UID: "uid-" + name, Environment: "node", EnvironmentNamespace: "default",
		Containers: []logger.Container{{Name: "node", Started: true}},
	}
	if function != "" {
		p.Function, p.FunctionNamespace, p.FunctionUID, p.Generation = function, "default", "uid-of-"+function, 1
	}
	return p
}

// want waits until the question is answered by these texts.
func want(t *testing.T, lines *logstore.Lines, q logstore.Query, texts ...string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		found, err := lines.All(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, 0, len(found))
		for _, l := range found {
			got = append(got, l.Text)
		}
		if strings.Join(got, "|") == strings.Join(texts, "|") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %q, want %q", got, texts)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

var hello = logstore.Query{Namespace: "default", Function: "hello"}

func TestFollower_StoresWhatIsWritten(t *testing.T) {
	c, lines := newCluster(), database(t)
	c.write("p", 1, "[req r1] ERROR: failed")
	c.write("p", 2, "[req r1]+  at x")
	f, _ := follow(t, c, lines, nil)
	f.Put(pod("p", "hello"))
	want(t, lines, hello, "ERROR: failed\n  at x")
	c.write("p", 3, "later")
	want(t, lines, hello, "ERROR: failed\n  at x", "later")
	got, err := lines.All(t.Context(), logstore.Query{RequestID: "r1"})
	if err != nil || len(got) != 1 || got[0].Level != 17 || got[0].Pod != "p" || got[0].FunctionUID != "uid-of-hello" || got[0].Generation != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestFollower_NeitherLosesNorRepeatsWhenConnectionsBreak(t *testing.T) {
	c, lines := newCluster(), database(t)
	f, _ := follow(t, c, lines, nil)
	c.write("p", 0, "0")
	f.Put(pod("p", "hello"))
	texts := []string{"0"}
	for i := 1; i < 40; i++ {
		at := time.Duration(i/3) * 400 * time.Millisecond // some at the same time
		if i%7 == 0 {
			at -= 300 * time.Millisecond
			c.write("p", at, "same")
			c.write("p", at, "same")
			texts = append(texts, "same", "same")
		}
		c.write("p", at, fmt.Sprint(i))
		texts = append(texts, fmt.Sprint(i))
		if i%10 == 0 {
			wantCount(t, lines, len(texts))
			n := c.opened()
			c.change("p", func(k *container) { k.cut++ })
			for deadline := time.Now().Add(30 * time.Second); c.opened() == n; time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("it is not opened again")
				}
			}
		}
	}
	wantCount(t, lines, len(texts))
}

// wantCount waits until so many lines are stored, and looks that there are no more.
func wantCount(t *testing.T, lines *logstore.Lines, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got, err := lines.All(t.Context(), hello)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == n {
			return
		}
		if len(got) > n || time.Now().After(deadline) {
			t.Fatalf("%d lines are stored, want %d", len(got), n)
		}
	}
}

func TestFollower_GoesOnAfterARestart(t *testing.T) {
	c, lines := newCluster(), database(t)
	var texts []string
	for round := range 4 {
		f, stop := follow(t, c, lines, nil)
		f.Put(pod("p", "hello"))
		for i := range 5 {
			text := fmt.Sprintf("%d-%d", round, i)
			c.write("p", time.Duration(round*100+i/2)*time.Millisecond, text)
			texts = append(texts, text)
		}
		if round%2 == 0 {
			want(t, lines, hello, texts...)
		}
		stop()
	}
	f, _ := follow(t, c, lines, nil)
	f.Put(pod("p", "hello"))
	want(t, lines, hello, texts...)
}

func TestFollower_ReadsPodsThatEndToTheirEnd(t *testing.T) {
	c, lines := newCluster(), database(t)
	f, stop := follow(t, c, lines, nil)
	c.write("p", 0, "a")
	f.Put(pod("p", "hello"))
	want(t, lines, hello, "a")
	c.write("p", 1, "b")
	f.Gone("uid-p")
	c.change("p", func(k *container) {
		k.lines = append(k.lines, start.Add(2).Format(time.RFC3339Nano)+" last")
		k.ended = true
	})
	want(t, lines, hello, "a", "b", "last")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if left, err := lines.Streams(t.Context()); err == nil && len(left) == 0 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("streams %v, %v", left, err)
		}
	}
	stop()
}

func TestFollower_PausesBetweenTriesOfAGonePodItMayNotRead(t *testing.T) {
	c, lines := newCluster(), database(t)
	c.change("p", func(k *container) { k.refused = true })
	f, _ := follow(t, c, lines, nil)
	f.Put(pod("p", "hello"))
	tried := func(times int) {
		for deadline := time.Now().Add(30 * time.Second); c.opened() < times; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("it was tried %d times", c.opened())
			}
		}
	}
	tried(1)
	f.Gone("uid-p")
	gone := time.Now()
	tried(5)
	if took := time.Since(gone); took < 500*time.Millisecond {
		t.Errorf("four more tries took %s", took)
	}
}

func TestFollower_ReadsTheInstanceBeforeARestart(t *testing.T) {
	c, lines := newCluster(), database(t)
	line := start.Format(time.RFC3339Nano) + " crash\n"
	c.change("p", func(k *container) { k.previous = []string{line} })
	c.write("p", time.Second, "again")
	f, stop := follow(t, c, lines, nil)
	p := pod("p", "hello")
	p.Containers[0].Restarts = 1
	f.Put(p)
	want(t, lines, hello, "crash", "again")
	stop()
	f, _ = follow(t, c, lines, nil)
	f.Put(p)
	c.write("p", 2*time.Second, "end")
	want(t, lines, hello, "crash", "again", "end")
}

func TestFollower_GivesLinesBeforeTheClaimToTheEnvironment(t *testing.T) {
	c, lines := newCluster(), database(t)
	f, _ := follow(t, c, lines, nil)
	f.Put(pod("p", ""))
	c.write("p", 0, "ready")
	c.write("p", time.Second, "called")
	node := logstore.Query{Namespace: "default", Environment: "node"}
	want(t, lines, node, "ready", "called")
	p := pod("p", "hello")
	p.Claimed = start.Add(time.Millisecond)
	f.Put(p)
	want(t, lines, hello, "called")
	want(t, lines, node, "ready")
	c.write("p", 2*time.Second, "again")
	want(t, lines, hello, "called", "again")
}

func TestFollower_PollsWhatItMayNotFollow(t *testing.T) {
	c, lines := newCluster(), database(t)
	f, _ := follow(t, c, lines, func(c *logger.Config) { c.MaxStreams = 1 })
	for i := range 3 {
		name := fmt.Sprint("p", i)
		c.write(name, 0, "a")
		f.Put(pod(name, "hello"))
	}
	want(t, lines, hello, "a", "a", "a")
	for i := range 3 {
		c.write(fmt.Sprint("p", i), time.Second, "b")
	}
	want(t, lines, hello, "a", "a", "a", "b", "b", "b")
}
