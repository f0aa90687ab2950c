package queueproxy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// maxControlBody bounds the body of a control call.
	maxControlBody = 64 << 10
	// reportEvery is the least time between two reports to one reader.
	reportEvery = time.Second
	// probeTimeout bounds the connection that asks whether the runtime listens.
	probeTimeout = time.Second
	// drainNotice is how long wait-for-drain waits for a drain to begin.
	drainNotice = 5 * time.Second
)

// Control returns the handler of the control port. All but health, metrics and wait-for-drain must be signed.
func (q *Proxy) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+wire.PathAssign, q.signed(q.serveAssign))
	mux.HandleFunc("GET "+wire.PathIdentity, q.signed(q.serveIdentity))
	mux.HandleFunc("POST "+wire.PathDrain, q.signed(q.serveDrain))
	mux.HandleFunc("POST "+wire.PathReports, q.signed(q.serveReports))
	mux.HandleFunc("GET "+wire.PathHealth, q.serveHealth)
	mux.HandleFunc("GET "+wire.PathWaitForDrain, q.serveWaitForDrain)
	mux.HandleFunc("GET /metrics", q.serveMetrics)
	return mux
}

// signed lets only the calls through that are signed for this pod.
func (q *Proxy) signed(next func(w http.ResponseWriter, r *http.Request, body []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxControlBody))
		if err != nil {
			http.Error(w, "read body: "+err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		if err := q.verifier.Verify(r.Header.Get(sign.Header), r.Method, r.URL.Path, body, time.Now()); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		next(w, r, body)
	}
}

func (q *Proxy) serveAssign(w http.ResponseWriter, _ *http.Request, body []byte) {
	var a wire.Assignment
	if err := json.Unmarshal(body, &a); err != nil {
		http.Error(w, "read assignment: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := checkAssignment(a); err != nil {
		http.Error(w, "read assignment: "+err.Error(), http.StatusBadRequest)
		return
	}
	if held, ok := q.assign(a); !ok {
		writeJSON(w, http.StatusConflict, held)
		return
	}
	writeJSON(w, http.StatusOK, a.Held)
}

func checkAssignment(a wire.Assignment) error {
	id, ok := wire.ParseFunctionID(a.Function.String())
	switch {
	case !ok || id != a.Function:
		return errors.New("the function has no namespace, name or UID")
	case a.Limit < 0 || min(a.RunTimeoutMillis, a.QueueTimeoutMillis, a.StreamIdleMillis, a.StreamMaxMillis) < 0:
		return errors.New("bounds must not be negative")
	case strings.ContainsFunc(a.Function.String()+a.ResourceVersion, unfit):
		return errors.New("names and versions must be fit for headers")
	default:
		return nil
	}
}

func unfit(r rune) bool { return r <= ' ' || r >= 0x7f }

func (q *Proxy) serveDrain(w http.ResponseWriter, r *http.Request, body []byte) {
	var d wire.DrainRequest
	if err := json.Unmarshal(body, &d); err != nil {
		http.Error(w, "read drain request: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(d.DeadlineMillis)*time.Millisecond)
	defer cancel()
	select {
	case <-q.gate.drain():
	case <-ctx.Done():
	}
	writeJSON(w, http.StatusOK, wire.DrainResult{InFlight: q.gate.present()})
}

// serveReports sends the load as lines of JSON: at once, and then after each change, but not more often than once
// a second. While the load lasts its mean is a change too. That the runtime is gone is told without delay.
func (q *Proxy) serveReports(w http.ResponseWriter, r *http.Request, _ []byte) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	control := http.NewResponseController(w)
	changes, stop := q.gate.watch()
	defer stop()
	last := mark{at: q.started}
	var sent wire.Report
	for first := true; ; first = false {
		ended := r.Context().Err() != nil // seen before the last look: the totals outlive the pod
		report, now := q.gate.report(last)
		report.Broken = q.broken.Load()
		report.Calls = q.calls.take(time.Now())
		if first || differs(sent, report) {
			if json.NewEncoder(w).Encode(report) != nil || control.Flush() != nil {
				return
			}
			sent, last = report, now
			sent.Calls = nil
		}
		if ended {
			return
		}
		lost := q.lost
		if report.Broken {
			lost = nil
		}
		awaitChange(r.Context(), changes, lost, report)
	}
}

// awaitChange returns when another report may be due, or must be because lost was closed, or ctx has ended.
func awaitChange(ctx context.Context, changes, lost <-chan struct{}, sent wire.Report) {
	pause := time.NewTimer(reportEvery)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-lost:
		return
	case <-ctx.Done():
		return
	}
	if sent.InFlight+sent.Waiting > 0 {
		return
	}
	select {
	case <-changes:
	case <-lost:
	case <-ctx.Done():
	}
}

// differs reports whether b says anything that a did not, but for the time.
func differs(a, b wire.Report) bool {
	a.UptimeMillis = b.UptimeMillis
	return a != b
}

// serveHealth tells the kubelet whether the runtime listens.
func (q *Proxy) serveHealth(w http.ResponseWriter, r *http.Request) {
	conn, err := (&net.Dialer{Timeout: probeTimeout}).DialContext(r.Context(), "tcp", q.cfg.RuntimeAddress)
	if err != nil {
		http.Error(w, "the runtime does not listen: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	_ = conn.Close()
	_, _ = io.WriteString(w, "ok\n")
}

// serveWaitForDrain keeps the runtime's preStop hook until the pod is drained. A runtime that is stopped while its
// pod lives on must not wait: no drain begins then.
func (q *Proxy) serveWaitForDrain(_ http.ResponseWriter, r *http.Request) {
	notice := time.NewTimer(drainNotice)
	defer notice.Stop()
	changes, stop := q.gate.watch()
	defer stop()
	for {
		empty, draining := q.gate.drainedChan()
		if draining {
			select {
			case <-empty:
				q.hookOnce.Do(func() { close(q.hooked) })
			case <-r.Context().Done():
			}
			return
		}
		select {
		case <-changes:
		case <-notice.C:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
