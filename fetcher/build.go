package fetcher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotpod.dev/wire"
)

// packedSuffix follows the name of what was built in that of its archive.
const packedSuffix = ".packed"

// handleBuilds adds the calls of the build manager.
func (s *Server) handleBuilds(mux *http.ServeMux) {
	mux.HandleFunc("POST "+wire.PathFetch, s.signed(sealed(s, func(r *wire.FetchRequest) int64 { return r.TimeoutMillis }, s.fetchSource)))
	mux.HandleFunc("POST "+wire.PathPack, s.signed(sealed(s, func(r *wire.PackRequest) int64 { return r.TimeoutMillis }, s.packArtifact)))
	mux.HandleFunc("POST "+wire.PathUpload, s.signed(sealed(s, func(r *wire.UploadRequest) int64 { return r.TimeoutMillis }, s.upload)))
}

// sealed makes a handler of a call of the build manager, whose body is sealed to this pod.
func sealed[T any](s *Server, timeout func(*T) int64, do func(ctx context.Context, req *T) (any, error)) func(http.ResponseWriter, *http.Request, []byte) {
	return func(w http.ResponseWriter, r *http.Request, body []byte) {
		req := new(T)
		plain, err := s.opener.Open(body)
		if err == nil {
			err = json.Unmarshal(plain, req)
		}
		if err != nil || timeout(req) <= 0 {
			http.Error(w, fmt.Sprintf("the call cannot be read, or has no time: %v", err), http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(timeout(req))*time.Millisecond)
		defer cancel()
		result, err := do(ctx, req)
		if err != nil {
			status, failure := answer(err)
			wire.WriteJSON(w, status, failure)
			return
		}
		wire.WriteJSON(w, http.StatusOK, result)
	}
}

// onVolume returns where a name is on the volume of a builder pod.
func (s *Server) onVolume(name string) (string, error) {
	if name == "" || len(name) > 200 || strings.HasPrefix(name, ".") || strings.ContainsAny(name, "/\\\x00") {
		return "", theirs("%q is not a name on the volume", name)
	}
	return filepath.Join(s.cfg.PackagesDir, name), nil
}

// fetchSource puts a source on the volume, where the builder may change it, whatever user that is.
func (s *Server) fetchSource(ctx context.Context, req *wire.FetchRequest) (any, error) {
	target, err := s.onVolume(req.Name)
	if err != nil {
		return nil, err
	}
	work := filepath.Join(s.cfg.PackagesDir, ".fetch-"+req.Name)
	defer func() { _ = os.RemoveAll(work) }()
	ready, err := s.complete(ctx, req.Code, work)
	if err != nil {
		return nil, err
	}
	if err := openUp(ready); err != nil {
		return nil, onDisk(err, "open the source to the builder")
	}
	if err := os.Rename(ready, target); err != nil {
		return nil, onDisk(err, "give the source its name")
	}
	return struct{}{}, nil
}

// openUp lets every user of the pod change a file or a folder's files.
func openUp(path string) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	return fs.WalkDir(root.FS(), filepath.Base(path), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return root.Chmod(p, info.Mode().Perm()|0o666)
	})
}

// packArtifact packs what a build made. Its files go; the archive stays for an upload, unless the answer holds it.
func (s *Server) packArtifact(ctx context.Context, req *wire.PackRequest) (any, error) {
	artifact, err := s.onVolume(req.Name)
	if err != nil {
		return nil, err
	}
	packed := artifact + packedSuffix
	result, err := pack(ctx, artifact, packed, s.cfg.Limits)
	if err != nil {
		_ = os.Remove(packed)
		return nil, err
	}
	_ = os.RemoveAll(artifact) // the builder cleans up too
	if result.Size > req.Inline {
		return result, nil
	}
	defer func() { _ = os.Remove(packed) }()
	if result.Literal, err = os.ReadFile(packed); err != nil {
		return nil, onDisk(err, "read what was packed")
	}
	return result, nil
}

// upload sends an archive that was packed.
func (s *Server) upload(ctx context.Context, req *wire.UploadRequest) (any, error) {
	artifact, err := s.onVolume(req.Name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(artifact + packedSuffix)
	if err != nil {
		return nil, onDisk(err, "open what was packed")
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, onDisk(err, "open what was packed")
	}
	call, err := http.NewRequestWithContext(ctx, req.Method, req.URL, f)
	if err != nil {
		return nil, theirs("the archive store's URL cannot be called: %v", err)
	}
	call.ContentLength = info.Size()
	call.Header.Set("Content-Type", "application/octet-stream")
	client := s.downloader()
	defer client.CloseIdleConnections()
	resp, err := client.Do(call)
	if err != nil {
		return nil, ours(err, "upload the archive")
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, uploadRefused(resp)
	}
	_ = os.Remove(f.Name())
	return struct{}{}, nil
}

func uploadRefused(resp *http.Response) error {
	why := make([]byte, 500)
	n, _ := resp.Body.Read(why)
	text := strings.TrimSpace(strings.ToValidUTF8(string(why[:n]), "?"))
	if resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusInsufficientStorage {
		return ours(errors.New(text), "the archive store answered %s", resp.Status)
	}
	return theirs("the archive store refuses what was built: %s: %s", resp.Status, text)
}
