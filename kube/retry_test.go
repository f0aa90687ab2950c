package kube

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestPatient_AsksOftenWhileTheServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, calls := time.Now(), 0
		v, err := patient(t.Context(), slog.New(slog.DiscardHandler), "x", func() (int, error) {
			calls++
			if time.Since(began) < time.Hour {
				return 0, errors.New("connection refused")
			}
			return 7, nil
		})
		if v != 7 || err != nil {
			t.Errorf("patient = %d, %v", v, err)
		}
		if late := time.Since(began) - time.Hour; late > 3*time.Second {
			t.Errorf("noticed %v after the server was back", late)
		}
		if calls > 3600 {
			t.Errorf("%d calls in an hour", calls)
		}
	})
}

func TestPatient_PassesAnswersOn(t *testing.T) {
	gone := apierrors.NewResourceExpired("too old")
	_, err := patient(t.Context(), slog.New(slog.DiscardHandler), "x", func() (int, error) { return 0, gone })
	if !errors.Is(err, gone) {
		t.Errorf("error %v", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := patient(ctx, slog.New(slog.DiscardHandler), "x", func() (int, error) { return 0, errors.New("refused") })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAway(t *testing.T) {
	resource := schema.GroupResource{Resource: "pods"}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, true},
		{io.ErrUnexpectedEOF, true},
		{apierrors.NewServiceUnavailable("starting"), true},
		{apierrors.NewTooManyRequests("later", 1), true},
		{apierrors.NewForbidden(resource, "p", errors.New("no")), false},
		{apierrors.NewNotFound(resource, "p"), false},
		{apierrors.NewResourceExpired("old"), false},
	} {
		if got := away(c.err); got != c.want {
			t.Errorf("away(%v) = %v", c.err, got)
		}
	}
}

// bridge forwards connections until it is cut.
type bridge struct {
	lis    net.Listener
	target string

	mu    sync.Mutex // guards all below
	up    bool
	conns []net.Conn
}

func newBridge(t *testing.T, target string) *bridge {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bridge{lis: lis, target: target, up: true}
	go b.serve()
	t.Cleanup(func() {
		_ = lis.Close()
		b.set(false)
	})
	return b
}

func (b *bridge) serve() {
	for {
		c, err := b.lis.Accept()
		if err != nil {
			return
		}
		go b.forward(c)
	}
}

func (b *bridge) forward(c net.Conn) {
	defer c.Close()
	server, err := net.Dial("tcp", b.target)
	if err != nil {
		return
	}
	defer server.Close()
	b.mu.Lock()
	up := b.up
	b.conns = append(b.conns, c, server)
	b.mu.Unlock()
	if !up {
		return
	}
	go func() { _, _ = io.Copy(server, c) }()
	_, _ = io.Copy(c, server)
}

// set cuts the bridge, or mends it.
func (b *bridge) set(up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up = up
	if !up {
		for _, c := range b.conns {
			_ = c.Close()
		}
		b.conns = nil
	}
}

func TestInformer_ComesBackWithTheServer(t *testing.T) {
	clients, ns := start(t)
	config := server.Get(t).Config()
	b := newBridge(t, strings.TrimPrefix(config.Host, "https://"))
	config.Host = "https://" + b.lis.Addr().String()
	behind, err := NewClients(config)
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(behind, CacheOptions{Namespace: ns, Log: testLog(t)})
	packages := cache.Packages()
	run(t, cache)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "before", "a"), metav1.CreateOptions{}))(t)
	eventually(t, "the first package is seen", func() bool { _, ok := packages.Get(ns, "before"); return ok })

	b.set(false)
	must(clients.Packages(ns).Create(t.Context(), literal(ns, "meanwhile", "b"), metav1.CreateOptions{}))(t)
	if err := clients.Packages(ns).Delete(t.Context(), "before", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, ok := packages.Get(ns, "before"); !ok {
		t.Error("what was known is forgotten while the server is away")
	}
	b.set(true)
	eventually(t, "all that happened meanwhile is seen", func() bool {
		_, created := packages.Get(ns, "meanwhile")
		_, deleted := packages.Get(ns, "before")
		return created && !deleted
	})
}
