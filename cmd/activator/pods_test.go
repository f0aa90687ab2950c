package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	v1 "hotpod.dev/api/v1"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// endPods ends every pod; the autoscaler has ended before.
func (c *chain) endPods() {
	c.mu.Lock()
	for _, stop := range c.stops {
		stop()
	}
	c.mu.Unlock()
	c.running.Wait()
}

// Claim implements autoscaler.Pool: it starts a queue-proxy and tells it the function.
func (c *chain) Claim(_ context.Context, f *v1.Function) (wire.HotPod, error) {
	if failure := c.broken.Load(); failure != nil {
		return wire.HotPod{}, failure
	}
	c.mu.Lock()
	c.pods++
	ip, uid := fmt.Sprint(c.net, 10+c.pods), fmt.Sprint("pod-", c.pods)
	c.mu.Unlock()
	runtime, end := c.startRuntime()
	q, err := queueproxy.New(queueproxy.Config{
		RequestAddress: ip + ":8012", ControlAddress: ip + ":8022", RuntimeAddress: runtime,
		PodUID: uid, ControlKey: c.signer.PublicKey(), ReplayLimit: wire.DefaultReplayLimit, MaxWaiting: 100, Grace: 5 * time.Second, Farewell: time.Second,
	}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return wire.HotPod{}, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = q.Run(ctx); end() }()
	c.running.Go(func() { <-ended })
	c.mu.Lock()
	c.stops[uid] = stop
	c.mu.Unlock()
	held := wire.Held{Function: idOf(f), Generation: f.Generation}
	if err := c.assign(ip, uid, wire.Assignment{Held: held, Limit: f.RequestsPerPod(), RunTimeoutMillis: 60_000, QueueTimeoutMillis: 60_000}); err != nil {
		return wire.HotPod{}, err
	}
	pod := wire.HotPod{UID: uid, Address: ip + ":8012"}
	c.autoscaler.PodHot(held, pod)
	return pod, nil
}

func (c *chain) startRuntime() (address string, stop func()) {
	if c.runtime != nil {
		return c.runtime()
	}
	s := httptest.NewServer(c.function())
	return s.Listener.Addr().String(), s.Close
}

// assign calls the queue-proxy until it listens.
func (c *chain) assign(ip, uid string, a wire.Assignment) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		req, _ := http.NewRequest(http.MethodPost, "http://"+ip+":8022"+wire.PathAssign, bytes.NewReader(body))
		req.Header.Set(sign.Header, c.signer.Sign(uid, http.MethodPost, wire.PathAssign, body, time.Now().Add(sign.TTL)))
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
			return nil
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}

// Drain implements autoscaler.Pool.
func (c *chain) Drain(_ context.Context, uid string, _ time.Duration) error {
	c.mu.Lock()
	stop := c.stops[uid]
	c.mu.Unlock()
	c.autoscaler.PodGone(uid)
	stop()
	return nil
}

// function answers with the request's body after the service time, and notices company.
func (c *chain) function() http.Handler {
	var inside atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if inside.Add(1) > 1 {
			c.overlap.Add(1)
		}
		time.Sleep(c.service)
		inside.Add(-1)
		_, _ = w.Write(append([]byte("echo "), body...))
	})
}

func (c *chain) claimed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pods
}
