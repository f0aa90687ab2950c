package kubetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/rest"
)

// Options choose what a server has. The zero value is the usual one.
type Options struct {
	// Controllers runs the controllers of the embedded platform too: garbage collection, namespaces, service accounts,
	// quota, disruption, podgc and the root CA. The admission plugin for service accounts is on then.
	Controllers bool
	// CRDs are folders with CRDs to install; nil means manifests/crds of the checkout, when it is there.
	CRDs []string
	// APIServerFlags are added at the end of the command line of kube-apiserver.
	APIServerFlags []string
}

// startTimeout bounds the time from the first process to the last CRD; a busy machine needs a good part of it.
const startTimeout = 2 * time.Minute

// Server is a running API. Its methods are safe for concurrent use.
type Server struct {
	dir       string
	root      string
	binary    string
	token     string
	port      int
	processes []*process // in the order of their start
}

// New starts a server. The caller stops it by Stop; when the caller's process dies, the kernel ends it too.
func New(ctx context.Context, options Options) (*Server, error) {
	root, err := checkout()
	if err != nil {
		return nil, err
	}
	binary, err := findBinary(ctx, root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kubetest-")
	if err != nil {
		return nil, err
	}
	secret := make([]byte, 16)
	_, _ = rand.Read(secret) // never fails
	s := &Server{dir: dir, root: root, binary: binary, token: hex.EncodeToString(secret)}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.start(ctx, options); err != nil {
		return nil, errors.Join(err, s.logs(), s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, options Options) error {
	if err := s.writeFiles(); err != nil {
		return err
	}
	if err := s.run("etcd", "etcd", "--data-dir", "data", "--socket", "etcd.sock", "--unsafe-no-fsync"); err != nil {
		return err
	}
	if err := s.startAPIServer(ctx, options); err != nil {
		return err
	}
	if options.Controllers {
		if err := s.run("controllers", s.controllerArgs()...); err != nil {
			return err
		}
	}
	crds := options.CRDs
	if crds == nil {
		crds = []string{filepath.Join(s.root, "manifests", "crds")}
	}
	return s.installCRDs(ctx, crds)
}

// startAPIServer tries other ports when somebody took the chosen one before the server could.
func (s *Server) startAPIServer(ctx context.Context, options Options) error {
	var err error
	for range 3 {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err := s.run("apiserver", append(s.apiserverArgs(options), options.APIServerFlags...)...); err != nil {
			return err
		}
		last := s.processes[len(s.processes)-1]
		if err = s.waitReady(ctx, last); err == nil || !last.logged("address already in use") {
			return err
		}
		s.processes = s.processes[:len(s.processes)-1]
	}
	return err
}

// Config returns the connection of a cluster administrator. Each call returns a new value that the caller may change.
func (s *Server) Config() *rest.Config {
	return &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", s.port),
		BearerToken:     s.token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(s.dir, "certs", "apiserver.crt")},
		QPS:             -1,
	}
}

// Stop ends all processes, the API server before etcd because it hangs without it, and removes their files.
func (s *Server) Stop() error {
	var errs []error
	for _, p := range slices.Backward(s.processes) {
		errs = append(errs, p.stop())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
