package probe

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"hotpod.dev/wire"
)

// Headers of requests and answers.
const (
	// HeaderID names a request in the ledger.
	HeaderID = "X-Probe-Id"
	// HeaderVersion, HeaderPod and HeaderEnvironment tell who answers.
	HeaderVersion     = "X-Probe-Version"
	HeaderPod         = "X-Probe-Pod"
	HeaderEnvironment = "X-Probe-Environment"
	// TrailerSum is the SHA-256 of what /copy copied.
	TrailerSum = "X-Probe-Sum"
)

// Config says who a Runtime is.
type Config struct {
	// Address to listen on, "host:port".
	Address string
	// Pod and Environment are told in answers.
	Pod, Environment string
	// Ledger is the address of a Ledger; empty for none.
	Ledger string
	// Log receives what goes wrong; it must not be nil.
	Log *slog.Logger
}

// Runtime is one runtime process: generic until a program is loaded.
type Runtime struct {
	config  Config
	ledger  *teller
	program atomic.Pointer[Program]
	inside  atomic.Int64
}

// New makes a runtime.
func New(c Config) *Runtime {
	r := &Runtime{config: c}
	if c.Ledger != "" {
		r.ledger = &teller{address: c.Ledger, pod: c.Pod}
	}
	return r
}

// Run serves until ctx ends; then it answers what it has.
func (r *Runtime) Run(ctx context.Context) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Addr: r.config.Address, Handler: r, Protocols: &protocols,
		ReadHeaderTimeout: time.Minute, IdleTimeout: 75 * time.Second, // longer than the queue-proxy's
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
		return server.Shutdown(context.WithoutCancel(ctx))
	}
}

// ServeHTTP answers one request.
func (r *Runtime) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p := r.program.Load()
	switch {
	case req.URL.Path == "/v2/specialize" || req.URL.Path == "/specialize":
		r.specialize(w, req)
	case p == nil && req.URL.Path == "/healthz":
		w.WriteHeader(http.StatusOK)
	case p == nil:
		http.Error(w, wire.GenericAnswer, http.StatusInternalServerError)
	default:
		r.call(w, req, p)
	}
}

// call runs the function, between two lines of the ledger.
func (r *Runtime) call(w http.ResponseWriter, req *http.Request, p *Program) {
	id := req.Header.Get(HeaderID)
	if err := r.ledger.say("begin", id); err != nil {
		r.config.Log.Error("ledger not reached", "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	inside := r.inside.Add(1)
	h := w.Header()
	h.Set(HeaderVersion, strconv.Itoa(p.Version))
	h.Set(HeaderPod, r.config.Pod)
	h.Set(HeaderEnvironment, r.config.Environment)
	if p.Limit > 0 && inside > int64(p.Limit) {
		http.Error(w, fmt.Sprintf("overlap: %d requests inside, %d are allowed", inside, p.Limit), http.StatusInternalServerError)
	} else {
		r.answer(w, req, p)
	}
	r.inside.Add(-1)
	if err := r.ledger.say("end", id); err != nil {
		r.config.Log.Error("ledger not reached", "error", err)
	}
}
