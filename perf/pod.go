package perf

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/queueproxy"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// lastReport is how long a simulated pod lives after its drain.
const lastReport = 50 * time.Millisecond

// simulatedPod is one of simulatedPods.
type simulatedPod struct {
	world    *simulatedPods
	uid      string
	verifier *sign.Verifier
	opener   *sign.Opener
	proxy    *queueproxy.Proxy
	control  http.Handler
	ended    chan struct{} // closed when the pod is no more

	mu   sync.Mutex // guards what follows
	held *wire.Held
	// idle ends the load that the pod has; nil while it has none.
	idle func()
	over bool
}

// serveFetcher keeps the fetcher's protocol: one function in a pod's life, sealed to the pod's key, in signed calls.
func (p *simulatedPod) serveFetcher(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == wire.PathReadiness {
		return // its runtime always listens
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = p.verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, body, time.Now())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	if r.URL.Path == wire.PathIdentity {
		answerJSON(w, http.StatusOK, p.identity())
		return
	}
	plain, err := p.opener.Open(body)
	var ask wire.SpecializeRequest
	if err == nil {
		err = json.Unmarshal(plain, &ask)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !p.admit(ask.Held) {
		answerJSON(w, http.StatusConflict, p.identity())
		return
	}
	answerJSON(w, http.StatusOK, wire.SpecializeResult{FetchMicros: 1, LoadMicros: 1})
}

func (p *simulatedPod) identity() wire.Identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return wire.Identity{PodUID: p.uid, SealKey: p.opener.PublicKey(), Held: p.held}
}

// admit reports whether h is the pod's function, which it becomes if the pod has none.
func (p *simulatedPod) admit(h wire.Held) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == nil {
		p.held = &h
		p.world.became(p, h.Function.UID)
	}
	return *p.held == h
}

// serveControl is the queue-proxy's own control port. Health is answered without asking the runtime, which there is not.
// The streams of reports end with the pod.
func (p *simulatedPod) serveControl(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case wire.PathHealth:
		_, _ = io.WriteString(w, "ok\n")
	case wire.PathReports:
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		go func() {
			select {
			case <-p.ended:
				cancel()
			case <-ctx.Done():
			}
		}()
		p.control.ServeHTTP(w, r.WithContext(ctx))
	case wire.PathDrain:
		p.load(0) //nolint:contextcheck // a pod outlives the call
		p.control.ServeHTTP(w, r)
		time.AfterFunc(lastReport, p.end)
	default:
		p.control.ServeHTTP(w, r)
	}
}

func (p *simulatedPod) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		p.over = true
		close(p.ended)
	}
}

// listen takes requests at the pod's own address. The one backend answers for all runtimes.
func (p *simulatedPod) listen(at netip.AddrPort) error {
	ctx, stop := context.WithCancel(p.world.living())
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp4", at.String())
	if err != nil {
		stop()
		return err
	}
	server := &proxy.Server{Handler: proxy.HandlerFunc(func(x proxy.Exchange) {
		p.proxy.Serve(diverted{x, p.world.runtime})
	}), Log: slog.New(slog.DiscardHandler), Watcher: p.world.watcher}
	go func() { _ = server.Serve(ctx, lis) }()
	go func() {
		defer stop()
		select {
		case <-p.ended:
		case <-ctx.Done():
		}
	}()
	return nil
}

// diverted is an exchange that goes to the one runtime.
type diverted struct {
	proxy.Exchange
	runtime *proxy.Target
}

// Forward implements proxy.Exchange.
func (d diverted) Forward(_ *proxy.Target, o *proxy.Options) proxy.Outcome {
	return d.Exchange.Forward(d.runtime, o)
}

// load keeps so many requests inside the pod, in place of those that were, each for about a second.
func (p *simulatedPod) load(requests int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.idle != nil {
		p.idle()
		p.idle = nil
	}
	if requests == 0 || p.held == nil {
		return
	}
	enough := make(chan struct{})
	p.idle = func() { close(enough) }
	for i := range requests {
		go func() {
			stay := time.Second * time.Duration(i+1) / time.Duration(requests) // the first one, so that they do not all end together
			for {
				p.proxy.Serve(&visit{function: p.held.Function, stay: stay, enough: enough})
				select {
				case <-enough:
					return
				default:
					stay = time.Second
				}
			}
		}()
	}
}

// visit is a request without a client: it takes a place in its pod for a while.
type visit struct {
	proxy.Exchange // nil: nothing else is asked of it
	function       wire.FunctionID
	stay           time.Duration
	enough         <-chan struct{}
}

// Function implements proxy.Exchange, as do the others.
func (v *visit) Function() (wire.FunctionID, bool) { return v.function, true }

// Header has none.
func (v *visit) Header(string) string { return "" }

// RequestID has none.
func (v *visit) RequestID() string { return "" }

// TraceID has none.
func (v *visit) TraceID() string { return "" }

// ContentLength says that there is no body.
func (v *visit) ContentLength() int64 { return 0 }

// Replayable says that it can be refused.
func (v *visit) Replayable(int64) bool { return true }

// Gone is never closed.
func (v *visit) Gone() <-chan struct{} { return nil }

// Fail and Refuse wait a moment, as whoever is refused goes elsewhere.
func (v *visit) Fail(*wire.Error) { v.pass(v.stay) }

// Refuse does as Fail.
func (v *visit) Refuse(wire.Busy) { v.pass(v.stay) }

// Forward stays in the pod.
func (v *visit) Forward(*proxy.Target, *proxy.Options) proxy.Outcome {
	v.pass(v.stay)
	return proxy.Outcome{Kind: proxy.Answered, Status: http.StatusOK, Final: true}
}

func (v *visit) pass(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-v.enough:
	}
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
