package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// begin announces an archive.
func (r *rig) begin(id string, size int) (int, Progress) {
	r.t.Helper()
	body := fmt.Sprintf(`{"id":%q,"size":%d}`, id, size)
	status, _, text := r.call("POST", PathUploads, strings.NewReader(body))
	var p Progress
	if err := json.Unmarshal([]byte(text), &p); status == 200 && err != nil {
		r.t.Fatalf("begin: %s", text)
	}
	return status, p
}

// piece sends a part of an archive.
func (r *rig) piece(id string, size, offset int, body io.Reader) (int, string) {
	r.t.Helper()
	status, _, text := r.call("PATCH", fmt.Sprintf("%s/%s?size=%d", PathUploads, id, size), body,
		func(q *http.Request) { q.Header.Set(HeaderOffset, fmt.Sprint(offset)) })
	return status, strings.TrimSpace(text)
}

func TestPieces_MakeTheArchive(t *testing.T) {
	r := newRig(t, nil)
	id := idOf("hello world")
	if status, p := r.begin(id, 11); status != 200 || p != (Progress{}) {
		t.Fatalf("begin: %d %+v", status, p)
	}
	if status, text := r.piece(id, 11, 0, strings.NewReader("hello")); status != 200 || text != `{"offset":5,"complete":false}` {
		t.Errorf("first piece: %d %s", status, text)
	}
	if status, _ := r.piece(id, 11, 3, strings.NewReader("lo")); status != http.StatusConflict {
		t.Errorf("a piece from the wrong place: %d", status)
	}
	if status, _ := r.piece(id, 11, 5, strings.NewReader(" world and more")); status != http.StatusBadRequest {
		t.Errorf("too much: %d", status)
	}
	if _, p := r.begin(id, 11); p.Offset != 5 {
		t.Errorf("what is there: %+v", p)
	}
	if status, text := r.piece(id, 11, 5, strings.NewReader(" world")); status != 200 || text != `{"offset":11,"complete":true}` {
		t.Errorf("last piece: %d %s", status, text)
	}
	if _, _, body := r.call("GET", "/v1/archive?id="+id, nil); body != "hello world" {
		t.Errorf("the archive is %q", body)
	}
	if status, p := r.begin(id, 11); status != 200 || !p.Complete {
		t.Errorf("what is there already: %d %+v", status, p)
	}
	if left := r.server.spool.bytes(); left != 0 {
		t.Errorf("%d bytes are left in the spool", left)
	}
}

func TestPieces_GoOnAfterABrokenConnection(t *testing.T) {
	r := newRig(t, nil)
	content := strings.Repeat("0123456789", 100_000)
	id := idOf(content)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, fmt.Sprintf("%s%s/%s?size=%d", r.url, PathUploads, id, len(content)),
		io.MultiReader(strings.NewReader(content[:600_000]), iotest.ErrReader(errors.New("cable pulled"))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(HeaderOffset, "0")
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Fatal("the call did not break")
	}
	var p Progress
	for deadline := time.Now().Add(10 * time.Second); p.Offset == 0; { // the server notices in its own time
		if status, now := r.begin(id, len(content)); status == 200 {
			p = now
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing of the first piece stayed")
		}
	}
	if status, text := r.piece(id, len(content), int(p.Offset), strings.NewReader(content[p.Offset:])); status != 200 {
		t.Fatalf("the rest: %d %s", status, text)
	}
	if _, _, body := r.call("GET", "/v1/archive?id="+id, nil); body != content {
		t.Errorf("the archive has %d bytes, want %d", len(body), len(content))
	}
}

func TestPieces_AreNotKeptWhenTheDigestIsAnother(t *testing.T) {
	r := newRig(t, nil)
	id := idOf("hello")
	if status, text := r.piece(id, 5, 0, strings.NewReader("HELLO")); status != http.StatusUnprocessableEntity {
		t.Errorf("another content: %d %s", status, text)
	}
	if status, text := r.piece(id, 5, 0, strings.NewReader("hello")); status != 200 {
		t.Errorf("the right one afterwards: %d %s", status, text)
	}
}

func TestPieces_ThatAreNotSignedLeaveNothing(t *testing.T) {
	r, _ := signed(t, nil)
	id := idOf("hello")
	begin := []byte(`{"id":"` + id + `","size":5}`)
	if status, _ := r.begin(id, 5); status != 401 {
		t.Errorf("an unsigned announcement: %d", status)
	}
	offset := func(q *http.Request) { q.Header.Set(HeaderOffset, "0") }
	path := PathUploads + "/" + id + "?size=5"
	if status, _, _ := r.call("PATCH", path, strings.NewReader("hello"), offset, shareSigned(t, "master", "", []byte("other"))); status != 401 {
		t.Errorf("a piece that was not signed: %d", status)
	}
	status, _, text := r.call("POST", PathUploads, bytes.NewReader(begin), shareSigned(t, "master", "", begin))
	if status != 200 || !strings.Contains(text, `"offset":0`) {
		t.Errorf("what is there: %d %s", status, text)
	}
	if status, _, text := r.call("PATCH", path, strings.NewReader("hello"), offset, shareSigned(t, "master", "", []byte("hello"))); status != 200 {
		t.Errorf("a signed piece: %d %s", status, text)
	}
}

// zeros is an endless content.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestTransfers_TakeLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 200 MB")
	}
	r := newRig(t, nil)
	const size = 100 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	status, _, text := r.call("PUT", "/v1/archive", io.LimitReader(zeros{}, size))
	var out Result
	if err := json.Unmarshal([]byte(text), &out); status != 200 || err != nil || out.Size != size {
		t.Fatalf("PUT: %d %s", status, text)
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/v1/archive?id="+out.ID, nil)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Fatalf("GET: %d bytes, %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("%d bytes were allocated to move %d up and down", used, size)
	}
}

func TestFolder_IgnoresWhatIsNoArchive(t *testing.T) {
	r := newRig(t, nil)
	if err := os.WriteFile(r.server.config.Spool+"/"+idOf("x"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := r.list(); len(got) != 0 {
		t.Errorf("list is %v", got)
	}
}
