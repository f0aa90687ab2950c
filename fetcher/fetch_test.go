package fetcher

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"hotpod.dev/wire"
)

// remote makes a request for code that a server answers.
func remote(t *testing.T, h http.HandlerFunc) wire.SpecializeRequest {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	req := hello("remote", "")
	req.Code = wire.Code{URL: s.URL + "/archive"}
	return req
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// fails specializes and expects a Failure with the status, that says text.
func (p *pod) fails(req wire.SpecializeRequest, status int, text string) {
	p.t.Helper()
	got, body := p.specialize(req)
	f := decode[wire.Failure](p.t, got, status, body)
	if f.Reason != "SpecializationFailed" || !strings.Contains(f.Message, text) {
		p.t.Errorf("failure = %+v, want it to say %q", f, text)
	}
	if again, other := p.specialize(req); again != got || string(other) != string(body) {
		p.t.Errorf("asked again, the pod says %d %s", again, other)
	}
	if left, _ := os.ReadDir(p.cfg.CodeDir); status != http.StatusOK && len(left) > 0 && left[0].Name() == workName {
		p.t.Error("unfinished work was left on the volume")
	}
}

func TestDownload_UnpacksAnArchiveOfTheRightDigest(t *testing.T) {
	packed := zipOf(t, entry{name: "main.js", content: "code"}, entry{name: "package.json", content: "{}"})
	for name, c := range map[string]struct {
		keep bool
		file string
		want string
	}{
		"unpacked":    {false, "deployarchive/main.js", "code"},
		"kept packed": {true, "deployarchive", string(packed)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPod(t)
			req := remote(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(packed) })
			req.Code.Digest, req.Code.KeepArchive = strings.ToUpper(digest(packed)), c.keep
			if status, body := p.specialize(req); status != http.StatusOK {
				t.Fatalf("%d %s", status, body)
			}
			if got, err := os.ReadFile(filepath.Join(p.cfg.CodeDir, c.file)); string(got) != c.want {
				t.Errorf("%s = %.20q, %v", c.file, got, err)
			}
		})
	}
}

func TestLiteral_ZipIsUnpackedAndDigestChecked(t *testing.T) {
	p := newPod(t)
	packed := zipOf(t, entry{name: "main.js", content: "code"})
	req := hello("zip", string(packed))
	req.Code.Digest = digest(packed)
	if status, body := p.specialize(req); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if got, err := os.ReadFile(filepath.Join(p.cfg.CodeDir, "deployarchive/main.js")); string(got) != "code" {
		t.Errorf("main.js = %q, %v", got, err)
	}
	bad := hello("bad", "code")
	bad.Code.Digest = digest([]byte("other code"))
	newPod(t).fails(bad, http.StatusUnprocessableEntity, "its package says "+bad.Code.Digest)
}

func TestDownload_TellsWhoseFaultItIs(t *testing.T) {
	small := func(c *Config) { c.Limits.Archive, c.DownloadTimeout = 1000, 200*time.Millisecond }
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	wrong := strings.Repeat("0", 64)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		digest  string
		status  int
		text    string
	}{
		"not there":         {answer(http.StatusNotFound, ""), "", http.StatusUnprocessableEntity, "404 Not Found"},
		"another digest":    {answer(http.StatusOK, "code"), wrong, http.StatusUnprocessableEntity, "sha256 is " + digest([]byte("code"))},
		"declared too long": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "2000") }, "", http.StatusUnprocessableEntity, "larger than the 1000 bytes"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				_, _ = w.Write(make([]byte, 1000))
			}
		}, "", http.StatusUnprocessableEntity, "larger than the 1000 bytes"},
		"server broken": {answer(http.StatusInternalServerError, ""), "", http.StatusBadGateway, "500 Internal"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte("half"))
		}, "", http.StatusBadGateway, "unexpected EOF"},
		"stands still": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("half"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "", http.StatusBadGateway, "nothing arrived for too long"},
		"redirected for ever": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "", http.StatusBadGateway, "too many redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			req := remote(t, c.handler)
			req.Code.Digest = c.digest
			newPod(t, small).fails(req, c.status, c.text)
		})
	}
	for _, url := range []string{"file:///etc/passwd", "ftp://host/x", "http://", "::"} {
		req := hello("url", "")
		req.Code = wire.Code{URL: url}
		newPod(t).fails(req, http.StatusUnprocessableEntity, "not an http or https URL")
	}
	newPod(t).fails(hello("empty", ""), http.StatusUnprocessableEntity, "holds no code")
}

func TestDownload_TriesAgainWhatMayPass(t *testing.T) {
	var calls atomic.Int32
	p := newPod(t)
	req := remote(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte("a first half that must not remain"))
			return
		}
		_, _ = w.Write([]byte("code"))
	})
	if status, body := p.specialize(req); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if got, _ := os.ReadFile(filepath.Join(p.cfg.CodeDir, "deployarchive")); string(got) != "code" {
		t.Errorf("code = %q", got)
	}
}

func TestLoad_TellsWhoseFaultItIs(t *testing.T) {
	long := strings.Repeat("at Object.<anonymous> (/userfunc/deployarchive:1:1)\n", 1000)
	for name, c := range map[string]struct {
		respond func(http.ResponseWriter, *http.Request)
		status  int
		text    string
	}{
		"code that throws": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Error: boom\n"+long, http.StatusInternalServerError)
		}, 422, "(500): Error: boom"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, 422, "(302)"},
		"code that exits": {func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.Close()
		}, 422, "call exit"},
		"code that never ends": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 422, "did not finish loading"},
		"a used runtime": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Not a generic container", http.StatusBadRequest)
		}, 502, "loaded before"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPod(t)
			p.respond = c.respond
			req := hello("f", "code")
			req.TimeoutMillis = 300
			p.fails(req, c.status, c.text)
			status, body := p.specialize(req)
			if f := decode[wire.Failure](t, status, c.status, body); len(f.Message) > maxComplaint+200 {
				t.Errorf("the failure has %d bytes", len(f.Message))
			}
		})
	}
}

func TestLoad_WaitsForARuntimeThatIsNotThereYetAndNoLonger(t *testing.T) {
	p := newPod(t, func(c *Config) { c.RuntimeAddress = "127.0.0.1:1" })
	req := hello("f", "code")
	req.TimeoutMillis = 100
	p.fails(req, http.StatusBadGateway, "does not listen on 127.0.0.1:1")
}

func TestFiles_AreWrittenWhereSecretsAndConfigMapsBelong(t *testing.T) {
	p := newPod(t)
	req := hello("f", "code")
	req.Files = []wire.File{
		{Path: "ns/db/password", Secret: true, Data: []byte("hunter2")},
		{Path: "ns/db/user", Secret: true, Data: []byte("app")},
		{Path: "ns/db/password", Data: []byte("not a secret")},
	}
	if status, body := p.specialize(req); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	for path, want := range map[string]string{
		p.cfg.SecretDir + "/ns/db/password": "hunter2", p.cfg.SecretDir + "/ns/db/user": "app", p.cfg.ConfigDir + "/ns/db/password": "not a secret",
	} {
		got, err := os.ReadFile(path)
		if string(got) != want {
			t.Errorf("%s = %q, %v", path, got, err)
		}
		file, _ := os.Stat(path)
		dir, _ := os.Stat(filepath.Dir(path))
		if file.Mode().Perm() != 0o640 || dir.Mode().Perm() != 0o750 {
			t.Errorf("modes of %s: %v in %v", path, file.Mode(), dir.Mode())
		}
	}
}

func TestFiles_CollisionsAndPathsThatLeadOutAreRefused(t *testing.T) {
	for text, files := range map[string][]wire.File{
		"two Secrets or ConfigMaps": {{Path: "a/b"}, {Path: "a/b"}},
		`mounted at "a/b/c"`:        {{Path: "a/b"}, {Path: "a/b/c"}},
		`mounted at "a"`:            {{Path: "a/b"}, {Path: "a"}},
		"clean and relative":        {{Path: "../x", Secret: true}},
		`"/etc/x"`:                  {{Path: "/etc/x"}},
		`"a/./b"`:                   {{Path: "a/./b"}},
		`at ""`:                     {{Path: ""}},
		`at "."`:                    {{Path: "."}},
	} {
		req := hello("f", "code")
		req.Files = files
		newPod(t).fails(req, http.StatusUnprocessableEntity, text)
	}
}

func TestFullDisk_IsNamed(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		status, f := answer(onDisk(&os.PathError{Op: "write", Path: "/userfunc/x", Err: cause}, "unpack the archive"))
		if status != http.StatusInsufficientStorage || !strings.Contains(f.Message, "volume is full") {
			t.Errorf("%v: %d %+v", cause, status, f)
		}
	}
	if status, _ := answer(context.DeadlineExceeded); status != http.StatusBadGateway {
		t.Errorf("an unknown error is answered %d", status)
	}
}

func TestFullDisk_OnARealOne(t *testing.T) {
	dir := "/dev/shm/hotpod-full"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Skipf("needs %s: %v", dir, err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("needs the right to mount a small tmpfs (root): %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	p := newPod(t, func(c *Config) { c.CodeDir = dir })
	p.fails(hello("f", strings.Repeat("x", 200_000)), http.StatusInsufficientStorage, "the pod's volume is full")
}
