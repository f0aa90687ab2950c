package storage

import (
	"bytes"
	"errors"
	"io"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

// s3Variable names a real server to test against: http://ACCESS:SECRET@host:port/bucket, an empty bucket. Without it the
// tests use gofakes3, which is a fake.
const s3Variable = "HOTPOD_TEST_S3"

func s3Config(t *testing.T) S3Config {
	t.Helper()
	if given := os.Getenv(s3Variable); given != "" {
		u, err := url.Parse(given)
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := u.User.Password()
		return S3Config{
			Endpoint: u.Scheme + "://" + u.Host, Bucket: strings.Trim(u.Path, "/"), Region: "us-east-1",
			AccessKey: u.User.Username(), SecretKey: secret, Prefix: "test/" + t.Name(),
		}
	}
	backend := s3mem.New()
	if err := backend.CreateBucket("archives"); err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(web.Close)
	return S3Config{Endpoint: web.URL, Bucket: "archives", Region: "us-east-1", AccessKey: "key", SecretKey: "secret", Prefix: "code"}
}

func newS3(t *testing.T, c S3Config) *S3 {
	t.Helper()
	s, err := NewS3(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestS3_KeepsArchives(t *testing.T) {
	config := s3Config(t)
	r := newRig(t, func(c *Config) { c.Backend = newS3(t, config) })
	id := r.upload("hello")
	if again := r.upload("hello"); again != id || !slices.Equal(r.list(), []string{id}) {
		t.Errorf("the same twice: list is %v", r.list())
	}
	if status, h, body := r.call("GET", "/v1/archive?id="+id, nil); status != 200 || body != "hello" || h.Get("X-FISSION-STORAGETYPE") != "local" {
		t.Errorf("GET: %d %v %q", status, h, body)
	}
	status, _, body := r.call("GET", "/v1/archive?id="+id, nil, ranged("bytes=1-3"))
	if status != 206 || body != "ell" {
		t.Errorf("a range: %d %q", status, body)
	}
	large := strings.Repeat("0123456789abcdef", 2<<20) // of several parts
	if status, text := r.piece(idOf(large), len(large), 0, strings.NewReader(large)); status != 200 {
		t.Fatalf("a large archive: %d %s", status, text)
	}
	if _, _, body := r.call("GET", "/v1/archive?id="+idOf(large), nil); body != large {
		t.Errorf("the large archive has %d bytes, want %d", len(body), len(large))
	}
	for _, id := range []string{id, idOf(large)} {
		if status, _, text := r.call("DELETE", "/v1/archive?id="+id, nil); status != 200 {
			t.Errorf("DELETE: %d %s", status, text)
		}
		if status, _, _ := r.call("GET", "/v1/archive?id="+id, nil); status != 404 {
			t.Errorf("GET of what was deleted: %d", status)
		}
	}
	if got := r.list(); len(got) != 0 {
		t.Errorf("list is %v", got)
	}
}

func TestS3_DeletesOnlyWhatWasNotUploadedAgain(t *testing.T) {
	s := newS3(t, s3Config(t))
	file, err := os.Create(filepath.Join(t.TempDir(), "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, bytes.NewReader([]byte("hello"))); err != nil {
		t.Fatal(err)
	}
	id := idOf("hello")
	if err := s.Touch(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("touch of what is not there: %v", err)
	}
	if err := s.Put(t.Context(), id, file); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), id, time.Now().Add(-time.Minute)); err != nil {
		t.Error(err)
	}
	if a, err := s.Stat(t.Context(), id); err != nil || a.Size != 5 || time.Since(a.Modified) > time.Minute {
		t.Errorf("after a deletion of what is old: %+v, %v", a, err)
	}
	if err := s.Touch(t.Context(), id); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), id, time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if _, err := s.Stat(t.Context(), id); !errors.Is(err, ErrNotFound) {
		t.Errorf("after its deletion: %v", err)
	}
}

func TestNewS3_SaysWhatIsWrong(t *testing.T) {
	good := s3Config(t)
	for want, change := range map[string]func(*S3Config){
		"no http or https URL": func(c *S3Config) { c.Endpoint = "s3.example.com" },
		"there is no bucket":   func(c *S3Config) { c.Bucket = "another" },
	} {
		c := good
		change(&c)
		if _, err := NewS3(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
