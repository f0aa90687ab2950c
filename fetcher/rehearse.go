package fetcher

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

const (
	// rehearsalName begins the name of the folder on the code volume that holds a rehearsal's code.
	rehearsalName = ".hotpod-rehearsal-"
	// rehearsalTime bounds it: the pool waits for the pod.
	rehearsalTime = time.Second
)

// rehearse plays a specialization once, with a fetcher, a runtime, keys and code of its own. The first run of code
// brings its pages into memory, and a function's first request should not wait for that.
func (s *Server) rehearse(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, rehearsalTime)
	defer cancel()
	dir, err := os.MkdirTemp(s.cfg.CodeDir, rehearsalName)
	if err != nil {
		return fmt.Errorf("make a folder for the rehearsal: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	lis, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the rehearsal: %w", err)
	}
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		return err
	}
	cfg := s.cfg
	cfg.CodeDir, cfg.ControlKey, cfg.RuntimeAddress = dir, signer.PublicKey(), lis.Addr().String()
	understudy, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	understudy.after = func() {}
	mux := http.NewServeMux()
	mux.Handle("/", understudy.Handler())
	mux.HandleFunc("POST /v2/specialize", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: rehearsalTime}
	go func() { _ = srv.Serve(lis) }()
	defer func() { _ = srv.Close() }()
	return understudy.play(ctx, signer, "http://"+lis.Addr().String())
}

// play calls the fetcher at url as the pool does.
func (s *Server) play(ctx context.Context, signer *sign.Signer, url string) error {
	plain, err := json.Marshal(&wire.SpecializeRequest{
		Held:       wire.Held{Function: wire.FunctionID{Namespace: "-", Name: "-", UID: "-"}, Generation: 1},
		EnvVersion: 2, Code: wire.Code{Literal: []byte("// rehearsal\n")}, Metadata: json.RawMessage(`{"name":"-"}`),
		TimeoutMillis: rehearsalTime.Milliseconds(),
	})
	if err != nil {
		return fmt.Errorf("encode the rehearsal's call: %w", err)
	}
	sealed, err := sign.Seal(s.opener.PublicKey(), plain)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+wire.PathSpecialize, bytes.NewReader(sealed))
	if err != nil {
		return err
	}
	req.Header.Set(sign.Header, signer.Sign(s.cfg.PodUID, req.Method, wire.PathSpecialize, sealed, time.Now().Add(sign.TTL)))
	req.Close = true
	resp, err := (&http.Transport{}).RoundTrip(req)
	if err != nil {
		return fmt.Errorf("make the rehearsal's call: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("make the rehearsal's call: %s", resp.Status)
	}
	return nil
}
