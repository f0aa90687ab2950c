package perf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"hotpod.dev/feed"
	"hotpod.dev/wire"
)

// What simulated pods are ordered to do.
const (
	orderLoad = "/load" // loadOrder: every hot pod has so many requests from now on
	orderStep = "/step" // stepOrder → stepResult
	orderCold = "/cold" // coldOrder → coldResult
	// orderWatch: somebody watches the status of functions at an address from now on, as the controller does.
	orderWatch = "/watch"
)

// loadOrder gives each hot pod so many requests.
type loadOrder struct {
	Requests int `json:"requests"`
}

// stepOrder changes the load of one function's pods until another pod of it is hot.
type stepOrder struct {
	Function string `json:"function"`
	Requests int    `json:"requests"`
	// Before is the load that they have again afterwards.
	Before int `json:"before"`
}

// stepResult is how long that took.
type stepResult struct {
	Millis float64 `json:"millis"`
}

// stepTimeout bounds the wait for another pod.
const stepTimeout = 30 * time.Second

// orders are what simulated pods can be told to do.
func (s *simulatedPods) orders() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+orderLoad, order(s.takeLoad))
	mux.HandleFunc("POST "+orderStep, order(s.takeStep))
	mux.HandleFunc("POST "+orderCold, order(takeCold))
	mux.HandleFunc("POST "+orderWatch, order(s.takeWatch))
	return mux
}

// order decodes the body for do, and encodes what it returns.
func order[In, Out any](do func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answerJSON(w, http.StatusOK, out)
	}
}

func (s *simulatedPods) takeLoad(_ context.Context, o loadOrder) (struct{}, error) {
	pods, _ := s.podsOf("")
	for _, p := range pods {
		p.load(o.Requests) //nolint:contextcheck // a pod outlives the call
	}
	return struct{}{}, nil
}

func (s *simulatedPods) takeStep(ctx context.Context, o stepOrder) (stepResult, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	pods, arrived := s.podsOf(o.Function)
	began := time.Now()
	for _, p := range pods {
		p.load(o.Requests) //nolint:contextcheck // a pod outlives the call
	}
	defer func() { //nolint:contextcheck // a pod outlives the call
		for _, p := range pods {
			p.load(o.Before)
		}
	}()
	for {
		select {
		case <-arrived:
		case <-ctx.Done():
			return stepResult{}, fmt.Errorf("no other pod of %s became hot: %w", o.Function, ctx.Err())
		}
		var now []*simulatedPod
		if now, arrived = s.podsOf(o.Function); len(now) > len(pods) {
			return stepResult{milliseconds(time.Since(began))}, nil
		}
	}
}

func (s *simulatedPods) takeWatch(_ context.Context, address string) (struct{}, error) {
	conn, err := feed.Dial(address)
	if err != nil {
		return struct{}{}, err
	}
	go func() { //nolint:contextcheck // a pod outlives the call
		defer conn.Close()
		_ = feed.WatchFunctionStatus(s.living(), conn, func(wire.FunctionStatus) {})
	}()
	return struct{}{}, nil
}

// give orders the simulated pods to do something and decodes the answer into out.
func give(ctx context.Context, what string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("encode an order: %w", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	status, text, err := fetch(ctx, client, http.MethodPost, "http://"+podsOrders+what, body)
	if err != nil {
		return fmt.Errorf("order simulated pods: %w", err)
	}
	if status != http.StatusOK {
		return fmt.Errorf("order simulated pods: %s", bytes.TrimSpace(text))
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("order simulated pods: %w", err)
	}
	return nil
}

// startPods starts simulated pods in a process of their own.
func startPods(ctx context.Context, self, key string, calling bool) (*child, error) {
	if self == "" {
		return nil, errors.New("simulated pods need a process of their own")
	}
	args := []string{PodsCommand, key}
	if calling {
		args = append(args, podsCalling)
	}
	c, err := startChild(ctx, os.Environ(), self, args...)
	if err != nil {
		return nil, err
	}
	if _, err := c.awaitListening(ctx, podsOrders); err != nil {
		c.stop()
		return nil, err
	}
	return c, nil
}

// podsCalling is the argument that makes simulated pods take requests.
const podsCalling = "calling"

// RunPods is Pods with its arguments as startPods gives them.
func RunPods(ctx context.Context, args []string, log *slog.Logger) error {
	if len(args) == 0 || len(args) > 2 {
		return errors.New("usage: perf " + PodsCommand + " KEY [" + podsCalling + "]")
	}
	return Pods(ctx, args[0], strings.Join(args[1:], "") == podsCalling, log)
}
