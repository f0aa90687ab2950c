package fetcher

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"hotpod.dev/wire"
)

// freeAfter is when memory of a finished specialization goes back to the system: late enough not to compete with
// the first requests for the processor.
const freeAfter = 10 * time.Second

// maxLogged bounds an error in the log.
const maxLogged = 500

// specialize answers a call with the pod's one and only specialization.
func (s *Server) specialize(w http.ResponseWriter, r *http.Request, body []byte) {
	req, err := s.open(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	admitted, first := s.judge.admit(req.Held)
	if !admitted {
		wire.WriteJSON(w, http.StatusConflict, s.whoAmI())
		return
	}
	if first {
		// The specialization outlives its caller: whoever asks next is told how it ended.
		go s.run(context.WithoutCancel(r.Context()), req)
	}
	result, err := s.judge.outcome(r.Context())
	if err != nil {
		status, failure := answer(err)
		wire.WriteJSON(w, status, failure)
		return
	}
	wire.WriteJSON(w, http.StatusOK, result)
}

func (s *Server) open(body []byte) (*wire.SpecializeRequest, error) {
	plain, err := s.opener.Open(body)
	if err != nil {
		return nil, err
	}
	req := &wire.SpecializeRequest{}
	if err := json.Unmarshal(plain, req); err != nil {
		return nil, err
	}
	if req.Function.UID == "" || req.TimeoutMillis <= 0 {
		return nil, errors.New("the call names no function, or no time for it")
	}
	return req, nil
}

// run specializes the pod and settles the judge.
func (s *Server) run(ctx context.Context, req *wire.SpecializeRequest) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(req.TimeoutMillis)*time.Millisecond)
	defer cancel()
	result, err := s.prepareAndLoad(ctx, req)
	s.judge.settle(result, err)
	if err != nil {
		s.log.Warn("specialization failed", "function", req.Function.String(), "generation", req.Generation,
			"error", excerpt(err.Error()))
	} else {
		s.log.Info("specialized", "function", req.Function.String(), "generation", req.Generation,
			"fetch_us", result.FetchMicros, "load_us", result.LoadMicros)
	}
	s.after()
}

// excerpt keeps stack traces out of the log: the function's owner gets them in full.
func excerpt(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line[:min(len(line), maxLogged)]
}

func (s *Server) prepareAndLoad(ctx context.Context, req *wire.SpecializeRequest) (wire.SpecializeResult, error) {
	var result wire.SpecializeResult
	start := time.Now()
	if err := writeFiles(s.cfg.SecretDir, s.cfg.ConfigDir, req.Files); err != nil {
		return result, err
	}
	path, err := s.placeCode(ctx, req.Code, codeName(req.EnvVersion))
	if err != nil {
		return result, err
	}
	result.FetchMicros = time.Since(start).Microseconds()
	start = time.Now()
	if err := s.runtime.load(ctx, req, path); err != nil {
		return result, err
	}
	result.LoadMicros = time.Since(start).Microseconds()
	return result, nil
}
