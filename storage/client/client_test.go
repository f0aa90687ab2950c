package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"hotpod.dev/storage"
)

// newStore returns a client of a real store behind a network, whose handler wrap may make worse.
func newStore(t *testing.T, secret string, wrap func(http.Handler) http.Handler) *Client {
	t.Helper()
	dir := t.TempDir()
	folder, err := storage.NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := storage.Config{Backend: folder, Spool: filepath.Join(dir, ".uploads"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if secret != "" {
		c.RequireAuth, c.Keys = true, func() storage.Keys { return storage.Keys{Masters: [][]byte{[]byte(secret)}} }
	}
	s, err := storage.New(c)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(wrap(s.Handler()))
	t.Cleanup(web.Close)
	return &Client{URL: web.URL, Secret: []byte(secret), Pause: time.Millisecond}
}

func good(h http.Handler) http.Handler { return h }

func content(size int) (data []byte, id string) {
	data = make([]byte, size)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	sum := sha256.Sum256(data)
	return data, hex.EncodeToString(sum[:])
}

func TestClient_UploadsListsDownloadsAndDeletes(t *testing.T) {
	for _, secret := range []string{"", "secret"} {
		c := newStore(t, secret, good)
		data, id := content(2*pieceSize + 5)
		var seen []int64
		if err := c.Upload(t.Context(), bytes.NewReader(data), id, int64(len(data)), func(n int64) { seen = append(seen, n) }); err != nil {
			t.Fatal(err)
		}
		if want := []int64{0, pieceSize, 2 * pieceSize, 2*pieceSize + 5}; !slices.Equal(seen, want) {
			t.Errorf("progress is %v, want %v", seen, want)
		}
		seen = nil
		if err := c.Upload(t.Context(), bytes.NewReader(data), id, int64(len(data)), func(n int64) { seen = append(seen, n) }); err != nil || !slices.Equal(seen, []int64{int64(len(data))}) {
			t.Errorf("what is there was sent again: %v, %v", seen, err)
		}
		if ids, err := c.List(t.Context()); err != nil || !slices.Equal(ids, []string{id}) {
			t.Errorf("list is %v, %v", ids, err)
		}
		var got bytes.Buffer
		if err := c.Download(t.Context(), id, &got, nil); err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("download has %d bytes, %v", got.Len(), err)
		}
		if err := c.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
		if err := c.Download(t.Context(), id, io.Discard, nil); !NotFound(err) {
			t.Errorf("download of what was deleted: %v", err)
		}
	}
}

func TestClient_WithoutTheSecretIsToldSo(t *testing.T) {
	c := newStore(t, "secret", good)
	c.Secret = nil
	if _, err := c.List(t.Context()); err == nil || err.Error() != (&StatusError{Status: http.StatusUnauthorized}).Error() {
		t.Errorf("list: %v", err)
	}
}

// flaky breaks every second connection in the middle of what it carries, and loses some answers.
func flaky(calls *atomic.Int64) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch n := calls.Add(1); {
			case n%4 == 1:
				r.Body = io.NopCloser(io.MultiReader(io.LimitReader(r.Body, 1<<20), broken{}))
				h.ServeHTTP(&cut{ResponseWriter: w, left: 1 << 20}, r)
			case n%4 == 3 && r.Method == http.MethodPatch:
				h.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler) // done, and the answer lost
			default:
				h.ServeHTTP(w, r)
			}
		})
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }

// cut ends the connection after some bytes.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

func TestClient_GoesOnAfterBrokenConnections(t *testing.T) {
	var calls atomic.Int64
	c := newStore(t, "", flaky(&calls))
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	data, id := content(3*pieceSize + 1)
	if err := c.Upload(t.Context(), bytes.NewReader(data), id, int64(len(data)), nil); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := c.Download(t.Context(), id, &got, nil); err != nil || !bytes.Equal(got.Bytes(), data) {
		t.Errorf("download has %d bytes, %v", got.Len(), err)
	}
	if calls.Load() < 10 {
		t.Errorf("%d calls: nothing broke", calls.Load())
	}
}

func TestDownload_RefusesAnotherContent(t *testing.T) {
	_, id := content(100)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(make([]byte, 100)))
	}))
	defer web.Close()
	if err := (&Client{URL: web.URL}).Download(t.Context(), id, io.Discard, nil); err == nil {
		t.Error("it was taken for the archive")
	}
}
