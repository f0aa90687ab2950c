package event_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotpod.dev/event"
	"hotpod.dev/sign"
)

// router answers calls as answer says, and remembers them.
type router struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  []string
}

func newRouter(t *testing.T, answer func(r *http.Request, n int) int) *router {
	t.Helper()
	rt := &router{}
	seen := map[string]int{}
	rt.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rt.mu.Lock()
		id := r.Header.Get(event.HeaderID)
		seen[id]++
		n := seen[id]
		rt.calls = append(rt.calls, r.Method+" "+r.URL.RequestURI()+" "+id)
		rt.mu.Unlock()
		w.WriteHeader(answer(r, n))
	}))
	t.Cleanup(rt.server.Close)
	return rt
}

func (rt *router) all() []string {
	rt.mu.Lock()
	defer rt.mu.Unlock()
	return slices.Clone(rt.calls)
}

func (rt *router) sender(change ...func(*event.SenderConfig)) *event.Sender {
	c := event.SenderConfig{
		Source: "test", Router: rt.server.URL, Registerer: prometheus.NewRegistry(),
		Attempts: 4, MinPause: time.Millisecond, MaxPause: 2 * time.Millisecond,
	}
	for _, f := range change {
		f(&c)
	}
	return event.NewSender(c)
}

func call(n int, key string) *event.Call {
	return &event.Call{
		ID: fmt.Sprintf("id-%d", n), Key: key, Namespace: "ns", Function: "f", Method: "POST", Due: time.Now(), Position: fmt.Sprint(n),
	}
}

// until waits for a state.
func until(t *testing.T, q *event.Queue, what string, ok func(event.State) bool) event.State {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		s := q.State()
		if ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s: %+v", what, s)
		}
	}
}

func TestQueue_ReachesAPositionWhenEverythingBeforeIsDone(t *testing.T) {
	hold := make(chan struct{})
	rt := newRouter(t, func(r *http.Request, _ int) int {
		if r.Header.Get(event.HeaderID) == "id-2" {
			<-hold
		}
		return http.StatusOK
	})
	q := event.NewQueue(rt.sender(), event.State{}, func() {})
	defer q.Close(time.Second)
	for n := 1; n <= 4; n++ {
		if err := q.Put(t.Context(), call(n, "")); err != nil {
			t.Fatal(err)
		}
	}
	q.Reached("9")
	s := until(t, q, "three delivered", func(s event.State) bool { return s.Delivered == 3 })
	if s.Position != "1" || s.Pending != 1 {
		t.Errorf("position %q with %d pending, want 1 with one", s.Position, s.Pending)
	}
	close(hold)
	if s = until(t, q, "all delivered", func(s event.State) bool { return s.Pending == 0 }); s.Position != "9" || s.Delivered != 4 {
		t.Errorf("at the end %+v", s)
	}
}

func TestQueue_KeepsCallsOfAKeyInOrder(t *testing.T) {
	rt := newRouter(t, func(r *http.Request, n int) int {
		if strings.HasSuffix(r.Header.Get(event.HeaderID), "-1") && n < 3 {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	q := event.NewQueue(rt.sender(), event.State{}, func() {})
	defer q.Close(time.Second)
	for n := 1; n <= 5; n++ {
		if err := q.Put(t.Context(), call(n, "same")); err != nil {
			t.Fatal(err)
		}
	}
	until(t, q, "all delivered", func(s event.State) bool { return s.Delivered == 5 })
	want := []string{"1", "1", "1", "2", "3", "4", "5"}
	for i, c := range rt.all() {
		if c != "POST /fission-function/ns/f id-"+want[i] {
			t.Errorf("call %d is %q, want of %s", i, c, want[i])
		}
	}
}

func TestQueue_GivesUpWhatFailsForGoodAndWhatFailsTooOften(t *testing.T) {
	rt := newRouter(t, func(r *http.Request, _ int) int {
		if r.Header.Get(event.HeaderID) == "id-1" {
			return http.StatusBadRequest
		}
		return http.StatusServiceUnavailable
	})
	q := event.NewQueue(rt.sender(), event.State{}, func() {})
	defer q.Close(time.Second)
	for n := 1; n <= 2; n++ {
		if err := q.Put(t.Context(), call(n, "")); err != nil {
			t.Fatal(err)
		}
	}
	s := until(t, q, "both given up", func(s event.State) bool { return s.Failed == 2 })
	if got := len(rt.all()); got != 5 || s.Position != "2" {
		t.Errorf("%d attempts, position %q; want one and four, and 2", got, s.Position)
	}
	if c := s.Condition(1); c.Reason != "GivenUp" || !strings.Contains(c.Message, "50") && !strings.Contains(c.Message, "40") {
		t.Errorf("condition %+v", c)
	}
}

func TestQueue_IsBoundedAndLetsGoWhoeverWaits(t *testing.T) {
	rt := newRouter(t, func(r *http.Request, _ int) int {
		<-r.Context().Done()
		return http.StatusOK
	})
	q := event.NewQueue(rt.sender(), event.State{}, func() {})
	for n := range event.MaxCalls {
		if err := q.Put(t.Context(), call(n, "")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := q.Put(ctx, call(-1, "")); err == nil {
		t.Error("one more was taken")
	}
	q.Close(0)
	s := q.State()
	if s.Pending != event.MaxCalls || s.Delivered+s.Failed != 0 || s.Position != "" {
		t.Errorf("what was not done counts as done: %+v", s)
	}
}

func TestQueue_LetsCallsUnderWayEnd(t *testing.T) {
	inside, hold := make(chan struct{}), make(chan struct{})
	rt := newRouter(t, func(*http.Request, int) int {
		close(inside)
		<-hold
		return http.StatusOK
	})
	q := event.NewQueue(rt.sender(), event.State{}, func() {})
	if err := q.Put(t.Context(), call(1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := q.Put(t.Context(), call(2, "a")); err != nil {
		t.Fatal(err)
	}
	<-inside
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.Close(time.Minute)
	}()
	time.AfterFunc(20*time.Millisecond, func() { close(hold) })
	<-done
	if s := q.State(); s.Delivered != 1 || s.Position != "1" || s.Pending != 1 {
		t.Errorf("after closing %+v, want the first done and the second not", s)
	}
}

func TestSender_SignsCallsAndWaitsUntilItMayAct(t *testing.T) {
	key, err := sign.NewSharedKey([]byte("secret"), sign.ServiceRouter, "")
	if err != nil {
		t.Fatal(err)
	}
	rt := newRouter(t, func(r *http.Request, _ int) int {
		body, _ := io.ReadAll(r.Body)
		if err := key.Check(r.Header, r.Method, r.URL.RequestURI(), sha256.Sum256(body), time.Now()); err != nil {
			t.Errorf("signature: %v", err)
		}
		return http.StatusOK
	})
	var mu sync.Mutex
	sure := false
	q := event.NewQueue(rt.sender(func(c *event.SenderConfig) {
		c.Key = func() sign.SharedKey { return key }
		c.Sure = func() bool {
			mu.Lock()
			defer mu.Unlock()
			return sure
		}
	}), event.State{}, func() {})
	defer q.Close(time.Second)
	c := call(1, "")
	c.Subpath, c.Body = "a/b?c=d", []byte("hello")
	if err := q.Put(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if calls := rt.all(); len(calls) != 0 {
		t.Errorf("called in doubt: %v", calls)
	}
	mu.Lock()
	sure = true
	mu.Unlock()
	until(t, q, "delivered", func(s event.State) bool { return s.Delivered == 1 })
	if got := rt.all(); len(got) != 1 || got[0] != "POST /fission-function/ns/f/a/b?c=d id-1" {
		t.Errorf("calls %v", got)
	}
}
