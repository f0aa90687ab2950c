package fetcher

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	memory "runtime"
	"strings"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

// largeZip writes a zip of four files, of size bytes together, and returns its digest.
func largeZip(t *testing.T, path string, size int64) string {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	zw := zip.NewWriter(io.MultiWriter(f, sum))
	for _, name := range []string{"a", "b", "c", "d"} {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(w, rand.NewChaCha8([32]byte{}), size/4); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func TestDownload_OfALargeArchiveTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MB")
	}
	const size = 100 << 20
	path := filepath.Join(t.TempDir(), "large.zip")
	sum := largeZip(t, path, size)
	p := newPod(t)
	req := remote(t, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) })
	req.Code.Digest, req.TimeoutMillis = sum, 120_000
	var before, after memory.MemStats
	memory.GC()
	memory.ReadMemStats(&before)
	if status, body := p.specialize(req); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	memory.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes were allocated for an archive of %d", used, size)
	}
	if info, err := os.Stat(filepath.Join(p.cfg.CodeDir, "deployarchive/d")); err != nil || info.Size() != size/4 {
		t.Errorf("the last file: %v", err)
	}
}

// A function's owner is told of the archive, not what lets anybody read it.
func TestDownload_DoesNotTellTheSignature(t *testing.T) {
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	for _, closed := range []bool{false, true} {
		if closed {
			gone.Close()
		}
		archives := sign.Archives{Signer: signer, Store: gone.URL, Service: "storagesvc.fission"}
		req := hello("remote", "")
		signed, id, _ := archives.Download(archives.Name("abc"), time.Now().Add(time.Minute))
		req.Code = wire.Code{URL: signed, Digest: id}
		_, body := newPod(t).specialize(req)
		if !strings.Contains(string(body), "id=abc") || strings.Contains(string(body), "signature") {
			t.Errorf("closed %v: the failure says %s", closed, body)
		}
	}
}
