package fetcher

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

func newBuilderPod(t *testing.T) *pod {
	t.Helper()
	return newPod(t, func(c *Config) { c.PackagesDir = t.TempDir() })
}

// sealedCall makes a signed call whose body is sealed, and returns status and answer.
func (p *pod) sealedCall(path string, req any) (int, string) {
	p.t.Helper()
	plain, err := json.Marshal(req)
	if err != nil {
		p.t.Fatal(err)
	}
	body, err := sign.Seal(p.server.opener.PublicKey(), plain)
	if err != nil {
		p.t.Fatal(err)
	}
	call, _ := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.http.URL+path, bytes.NewReader(body))
	call.Header.Set(sign.Header, p.signer.Sign("pod-1", http.MethodPost, path, body, time.Now().Add(time.Minute)))
	resp, err := http.DefaultClient.Do(call)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer)
}

func (p *pod) pack(name string, inline int64) (wire.PackResult, string) {
	p.t.Helper()
	var result wire.PackResult
	status, answer := p.sealedCall(wire.PathPack, wire.PackRequest{Name: name, Inline: inline, TimeoutMillis: 10_000})
	if status != http.StatusOK {
		return result, answer
	}
	if err := json.Unmarshal([]byte(answer), &result); err != nil {
		p.t.Fatal(err)
	}
	return result, ""
}

// built puts files on the volume, as a build would.
func (p *pod) built(name string, files map[string]string) {
	p.t.Helper()
	for file, text := range files {
		path := filepath.Join(p.cfg.PackagesDir, name, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestFetch_PutsASourceWhereTheBuilderMayChangeIt(t *testing.T) {
	p := newBuilderPod(t)
	code := wire.Code{Literal: zipOf(t, entry{name: "build.sh", content: "x"}, entry{name: "lib/a.js", content: "y"})}
	if status, answer := p.sealedCall(wire.PathFetch, wire.FetchRequest{Name: "src", Code: code, TimeoutMillis: 10_000}); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	for name, want := range map[string]os.FileMode{"src": 0o777, "src/lib": 0o777, "src/lib/a.js": 0o666} {
		info, err := os.Stat(filepath.Join(p.cfg.PackagesDir, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info, err, want)
		}
	}
	for _, name := range []string{"", "../x", "a/b", ".hidden"} {
		if status, _ := p.sealedCall(wire.PathFetch, wire.FetchRequest{Name: name, Code: code, TimeoutMillis: 10_000}); status != http.StatusUnprocessableEntity {
			t.Errorf("name %q: %d", name, status)
		}
	}
	if status, _ := p.sealedCall(wire.PathSpecialize, wire.SpecializeRequest{}); status != http.StatusNotFound {
		t.Errorf("a builder pod answers specialize with %d", status)
	}
}

func TestPack_GivesTheSameArchiveForTheSameFiles(t *testing.T) {
	p := newBuilderPod(t)
	files := map[string]string{"main.js": "code", "node_modules/x/index.js": "dep", "node_modules/.bin/x": "#!"}
	p.built("one", files)
	p.built("two", files)
	if err := os.Symlink("../x/index.js", filepath.Join(p.cfg.PackagesDir, "two/node_modules/.bin/link")); err != nil {
		t.Fatal(err)
	}
	p.built("three", files)
	one, _ := p.pack("one", 1<<20)
	two, _ := p.pack("two", 1<<20)
	three, complaint := p.pack("three", 1<<20)
	if one.Digest == "" || one.Digest != three.Digest || one.Digest == two.Digest {
		t.Errorf("digests %s %s %s %s", one.Digest, two.Digest, three.Digest, complaint)
	}
	if sum := sha256.Sum256(one.Literal); hex.EncodeToString(sum[:]) != one.Digest || one.Size != int64(len(one.Literal)) {
		t.Errorf("the digest is not that of the archive: %+v", one)
	}
	// A function's pod can unpack it, links included.
	other := newPod(t)
	if _, err := other.server.placeCode(t.Context(), wire.Code{Literal: two.Literal, Digest: two.Digest}, archiveName); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(other.cfg.CodeDir, archiveName, "node_modules/.bin/link")); string(got) != "dep" {
		t.Errorf("through the link: %q %v", got, err)
	}
	if left, _ := os.ReadDir(p.cfg.PackagesDir); len(left) != 0 {
		t.Errorf("left on the volume: %v", left)
	}
}

func TestPack_TakesASingleFileAsItIs(t *testing.T) {
	p := newBuilderPod(t)
	if err := os.WriteFile(filepath.Join(p.cfg.PackagesDir, "program"), []byte("\x7fELF"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, complaint := p.pack("program", 100); string(got.Literal) != "\x7fELF" {
		t.Errorf("%+v %s", got, complaint)
	}
}

func TestPack_RefusesWhatAFunctionsPodWould(t *testing.T) {
	p := newBuilderPod(t)
	p.cfg.Limits.Files, p.cfg.Limits.Archive = 3, 1000
	p.start()
	p.built("leads-out", map[string]string{"a": "x"})
	if err := os.Symlink("/etc/passwd", filepath.Join(p.cfg.PackagesDir, "leads-out/link")); err != nil {
		t.Fatal(err)
	}
	p.built("many", map[string]string{"a": "", "b": "", "c": "", "d": ""})
	p.built("large", map[string]string{"a": randomText(4000)})
	if err := os.Mkdir(filepath.Join(p.cfg.PackagesDir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"leads-out": "leads out of", "many": "more than the 3 files", "large": "larger than the 1000 bytes", "empty": "empty folder", "absent": "left nothing",
	} {
		if _, complaint := p.pack(name, 100); !strings.Contains(complaint, want) {
			t.Errorf("%s: %s, want %q", name, complaint, want)
		}
	}
}

func TestUpload_SendsWhatWasPacked(t *testing.T) {
	p := newBuilderPod(t)
	p.built("large", map[string]string{"a": randomText(4000)})
	result, complaint := p.pack("large", 100)
	if complaint != "" || result.Literal != nil || result.Size < 1000 {
		t.Fatalf("%+v %s", result, complaint)
	}
	answer := http.StatusInternalServerError
	var got []byte
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, _ = io.ReadAll(r.Body); r.Method != http.MethodPut || r.ContentLength != result.Size {
			t.Errorf("%s of %d bytes", r.Method, r.ContentLength)
		}
		http.Error(w, "no room", answer)
	}))
	defer store.Close()
	req := wire.UploadRequest{Name: "large", Method: http.MethodPut, URL: store.URL, TimeoutMillis: 10_000}
	for _, c := range []struct{ answer, want int }{{500, http.StatusBadGateway}, {507, http.StatusUnprocessableEntity}, {403, http.StatusUnprocessableEntity}, {201, http.StatusOK}} {
		answer = c.answer
		status, text := p.sealedCall(wire.PathUpload, req)
		if status != c.want || c.want != 200 && !strings.Contains(text, "no room") {
			t.Errorf("store answers %d: %d %s", c.answer, status, text)
		}
	}
	if sum := sha256.Sum256(got); hex.EncodeToString(sum[:]) != result.Digest {
		t.Error("something else was uploaded")
	}
}

// randomText does not compress to less than half.
func randomText(n int) string {
	var out strings.Builder
	for sum := sha256.Sum256(nil); out.Len() < n; sum = sha256.Sum256(sum[:]) {
		out.WriteString(hex.EncodeToString(sum[:]))
	}
	return out.String()
}
