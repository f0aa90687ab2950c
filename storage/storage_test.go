package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotpod.dev/sign"
)

// rig is a store on a folder.
type rig struct {
	t      *testing.T
	server *Server
	url    string
}

func newRig(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	dir := t.TempDir()
	folder, err := NewFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Backend: folder, Spool: filepath.Join(dir, ".uploads"), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	t.Cleanup(web.Close)
	return &rig{t: t, server: s, url: web.URL}
}

// call makes a request and returns status, headers and body.
func (r *rig) call(method, path string, body io.Reader, change ...func(*http.Request)) (int, http.Header, string) {
	r.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = r.url + path
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// form is what Fission's client sends.
func form(content string) (body []byte, headers func(*http.Request)) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	part, _ := w.CreateFormFile("uploadfile", "/tmp/code.zip")
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	return buf.Bytes(), func(r *http.Request) {
		r.Header.Set("Content-Type", w.FormDataContentType())
		r.Header.Set("X-File-Size", fmt.Sprint(len(content)))
	}
}

func (r *rig) upload(content string) string {
	r.t.Helper()
	body, headers := form(content)
	status, _, text := r.call("POST", "/v1/archive", bytes.NewReader(body), headers)
	var out Result
	if err := json.Unmarshal([]byte(text), &out); status != 200 || err != nil || out.ID != idOf(content) {
		r.t.Fatalf("upload: %d %s", status, text)
	}
	return out.ID
}

func ranged(r string) func(*http.Request) {
	return func(q *http.Request) { q.Header.Set("Range", r) }
}

func idOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func (r *rig) list() (ids []string) {
	r.t.Helper()
	if _, _, text := r.call("GET", "/v1/archive", nil); json.Unmarshal([]byte(text), &ids) != nil || ids == nil {
		r.t.Fatalf("list: %s", text)
	}
	return ids
}

func TestArchives_AreKeptUnderTheirDigestAndAnsweredAsFissionDoes(t *testing.T) {
	r := newRig(t, nil)
	if got := r.list(); len(got) != 0 {
		t.Errorf("an empty store lists %v", got)
	}
	id := r.upload("hello")
	if again := r.upload("hello"); again != id || len(r.list()) != 1 {
		t.Errorf("the same content twice: %s, %s, list %v", id, again, r.list())
	}
	status, h, body := r.call("GET", "/v1/archive?id="+id, nil)
	if status != 200 || body != "hello" || h.Get("X-FISSION-STORAGETYPE") != "local" || h.Get("X-FISSION-BUCKET") != "" {
		t.Errorf("GET: %d %v %q", status, h, body)
	}
	if status, h, _ := r.call("HEAD", "/v1/archive?id="+id, nil); status != 200 || h.Get("X-FISSION-STORAGETYPE") != "local" || h.Get("Content-Length") != "5" {
		t.Errorf("HEAD: %d %v", status, h)
	}
	if status, _, body := r.call("GET", "/v1/archive?id="+id, nil, ranged("bytes=1-3")); status != 206 || body != "ell" {
		t.Errorf("a range: %d %q", status, body)
	}
	if status, _, _ := r.call("DELETE", "/v1/archive?id="+id, nil); status != 200 || len(r.list()) != 0 {
		t.Errorf("DELETE: %d, list %v", status, r.list())
	}
	for _, call := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/v1/archive?id=" + id, 404},
		{"HEAD", "/v1/archive?id=" + id, 404},
		{"DELETE", "/v1/archive?id=" + id, 404},
		{"GET", "/v1/archive?id=../../etc/passwd", 404},
		{"DELETE", "/v1/archive?id=..%2f.uploads", 404},
		{"DELETE", "/v1/archive", 400},
		{"GET", "/healthz", 200},
	} {
		if status, _, body := r.call(call.method, call.path, nil); status != call.want {
			t.Errorf("%s %s: %d %s, want %d", call.method, call.path, status, body, call.want)
		}
	}
}

func TestUpload_RefusesWhatIsNotWhatItSays(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxArchive = 100 })
	body, headers := form("hello")
	without := func(q *http.Request) { headers(q); q.Header.Del("X-File-Size") }
	wrong := func(q *http.Request) { headers(q); q.Header.Set("X-File-Size", "6") }
	large, largeHeaders := form(strings.Repeat("x", 101))
	liar := func(q *http.Request) { largeHeaders(q); q.Header.Set("X-File-Size", "5") }
	for name, c := range map[string]struct {
		body    []byte
		headers func(*http.Request)
		want    int
	}{
		"no size":             {body, without, 400},
		"another size":        {body, wrong, 400},
		"no form":             {[]byte("hello"), func(q *http.Request) { q.Header.Set("X-File-Size", "5") }, 400},
		"cut":                 {body[:len(body)-60], headers, 400},
		"too large":           {large, largeHeaders, 413},
		"larger than it says": {large, liar, 413},
	} {
		if status, _, text := r.call("POST", "/v1/archive", bytes.NewReader(c.body), c.headers); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
	if status, _, _ := r.call("PUT", "/v1/archive", strings.NewReader(strings.Repeat("x", 101))); status != 413 {
		t.Errorf("PUT of too much: %d", status)
	}
	if got := r.list(); len(got) != 0 || r.server.spool.bytes() != 0 {
		t.Errorf("what was refused is kept: %v, %d bytes in the spool", got, r.server.spool.bytes())
	}
}

// signed is a store with keys, and what signs for it.
func signed(t *testing.T, change func(*Config)) (*rig, *sign.Archives) {
	t.Helper()
	signer, err := sign.NewSigner(sign.GenerateSeed())
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := sign.NewArchiveVerifier(signer.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *Config) {
		c.RequireAuth = true
		c.Keys = func() Keys { return Keys{URLs: verifier, Masters: [][]byte{[]byte("new"), []byte("master")}} }
		if change != nil {
			change(c)
		}
	})
	return r, &sign.Archives{Signer: signer, Store: r.url, Service: "storagesvc.fission"}
}

func TestSignedURLs_AllowOneArchiveAndNoMore(t *testing.T) {
	r, a := signed(t, nil)
	soon := time.Now().Add(time.Minute)
	put := a.Upload("team", 10, soon)
	if status, _, text := r.call("PUT", put, strings.NewReader("more than ten bytes")); status != 413 {
		t.Errorf("too much: %d %s", status, text)
	}
	status, _, text := r.call("PUT", put, strings.NewReader("hello"))
	if want := fmt.Sprintf(`{"id":"%s","size":5}`, idOf("hello")); status != 200 || strings.TrimSpace(text) != want {
		t.Fatalf("PUT: %d %s, want %s", status, text, want)
	}
	get, _, _ := a.Download(a.Name(idOf("hello")), soon)
	late, _, _ := a.Download(a.Name(idOf("hello")), time.Now().Add(-time.Second))
	for name, c := range map[string]struct {
		method, url string
		want        int
	}{
		"a download":               {"GET", get, 200},
		"its size":                 {"HEAD", get, 200},
		"a second upload":          {"PUT", put, 409},
		"a late upload":            {"PUT", a.Upload("team", 10, time.Now().Add(-time.Second)), 401},
		"a late download":          {"GET", late, 401},
		"another archive":          {"GET", strings.Replace(get, idOf("hello"), idOf("other"), 1), 401},
		"a deletion":               {"DELETE", get, 401},
		"an upload by a download":  {"PUT", get, 401},
		"a download by an upload":  {"GET", put, 401},
		"pieces":                   {"POST", strings.Replace(put, "/v1/archive", PathUploads, 1), 401},
		"a list without signature": {"GET", "/v1/archive", 401},
		"no signature":             {"GET", "/v1/archive?id=" + idOf("hello"), 401},
	} {
		if status, _, text := r.call(c.method, c.url, strings.NewReader("{}")); status != c.want {
			t.Errorf("%s: %d %s, want %d", name, status, text, c.want)
		}
	}
}

// shareSigned signs a request as Fission's clients do.
func shareSigned(t *testing.T, master, namespace string, body []byte) func(*http.Request) {
	t.Helper()
	return func(q *http.Request) {
		key, err := sign.NewSharedKey([]byte(master), "storagesvc", namespace)
		if err != nil {
			t.Fatal(err)
		}
		if namespace != "" {
			q.Header.Set(sign.HeaderSharedNamespace, namespace)
		}
		key.Sign(q.Header, q.Method, q.URL.RequestURI(), sha256.Sum256(body), time.Now())
	}
}

func TestSharedSecret_AllowsWhatItSigns(t *testing.T) {
	r, _ := signed(t, nil)
	body, headers := form("hello")
	id, other := idOf("hello"), []byte("other")
	for _, c := range []struct {
		name, method, path string
		body               []byte
		sign               func(*http.Request)
		want               int
	}{
		{"a body that was not signed", "POST", "/v1/archive", body, shareSigned(t, "master", "", other), 401},
		{"nothing of it is kept", "GET", "/v1/archive?id=" + id, nil, shareSigned(t, "master", "", nil), 404},
		{"another secret", "POST", "/v1/archive", body, shareSigned(t, "guess", "", body), 401},
		{"an upload", "POST", "/v1/archive", body, shareSigned(t, "master", "", body), 200},
		{"the newer secret", "GET", "/v1/archive?id=" + id, nil, shareSigned(t, "new", "", nil), 200},
		{"a list", "GET", "/v1/archive", nil, shareSigned(t, "master", "", nil), 200},
		{"a tenant reads what it knows of", "GET", "/v1/archive?id=" + id, nil, shareSigned(t, "master", "team", nil), 200},
		{"a tenant does not list", "GET", "/v1/archive", nil, shareSigned(t, "master", "team", nil), 403},
		{"a tenant does not delete", "DELETE", "/v1/archive?id=" + id, nil, shareSigned(t, "master", "team", nil), 403},
		{"a deletion", "DELETE", "/v1/archive?id=" + id, nil, shareSigned(t, "master", "", nil), 200},
	} {
		if status, _, text := r.call(c.method, c.path, bytes.NewReader(c.body), headers, c.sign); status != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, status, text, c.want)
		}
	}
}
