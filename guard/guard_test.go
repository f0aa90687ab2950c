package guard_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotpod.dev/guard"
	"hotpod.dev/sign"
	"hotpod.dev/wire"
)

func key(t *testing.T, master string) sign.SharedKey {
	t.Helper()
	k, err := sign.NewSharedKey([]byte(master), sign.ServiceRouter, "")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// ask asks about a call that the key signed at a time, and says what the caller would see.
func ask(g http.Handler, method, path, body string, signed func(http.Header)) (int, wire.Error) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if signed != nil {
		signed(r.Header)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	var e wire.Error
	_ = json.Unmarshal(w.Body.Bytes(), &e)
	return w.Code, e
}

func TestGuard_LetsInWhatIsSignedAndTellsOthersWhy(t *testing.T) {
	k := key(t, "master")
	var log bytes.Buffer
	g := guard.New(slog.New(slog.NewTextHandler(&log, nil)), func() ([]sign.SharedKey, error) { return []sign.SharedKey{k}, nil })
	const path = "/fission-function/default/f/x?q=1"
	at := func(k sign.SharedKey, method, path, body string, at time.Time) func(http.Header) {
		return func(h http.Header) { k.Sign(h, method, path, sha256.Sum256([]byte(body)), at) }
	}
	now := time.Now()
	for what, c := range map[string]struct {
		method, path, body string
		sign               func(http.Header)
		status             int
		reason             string
	}{
		"signed":              {"POST", path, "body", at(k, "POST", path, "body", now), 200, ""},
		"signed a moment ago": {"POST", path, "body", at(k, "POST", path, "body", now.Add(-50*time.Second)), 200, ""},
		"not signed":          {"POST", path, "body", nil, 401, "signature_missing"},
		"another method":      {"PUT", path, "body", at(k, "POST", path, "body", now), 401, "signature_wrong"},
		"another path":        {"POST", path + "2", "body", at(k, "POST", path, "body", now), 401, "signature_wrong"},
		"another body":        {"POST", path, "body2", at(k, "POST", path, "body", now), 401, "signature_wrong"},
		"another secret":      {"POST", path, "body", at(key(t, "other"), "POST", path, "body", now), 401, "signature_wrong"},
		"long ago":            {"POST", path, "body", at(k, "POST", path, "body", now.Add(-3*time.Minute)), 401, "signature_expired"},
		"not yet":             {"POST", path, "body", at(k, "POST", path, "body", now.Add(3*time.Minute)), 401, "signature_expired"},
		"a probe":             {"GET", "/router-healthz", "", nil, 200, ""},
		"no probe":            {"POST", "/router-healthz", "", nil, 401, "signature_missing"},
	} {
		status, e := ask(g, c.method, c.path, c.body, c.sign)
		if status != c.status || e.Reason != c.reason {
			t.Errorf("%s: %d %+v, want %d %s", what, status, e, c.status, c.reason)
		}
		if status != 200 && (e.Component != "router" || e.Message == "" || e.RequestID == "" || e.Explain == "") {
			t.Errorf("%s: the answer says %+v", what, e)
		}
	}
	for _, reason := range []string{"signature_missing", "signature_wrong", "signature_expired"} {
		if n := strings.Count(log.String(), "reason="+reason); n != 1 {
			t.Errorf("%s is logged %d times, want once in a while:\n%s", reason, n, log.String())
		}
	}
}

func TestGuard_WithoutAKeyLetsAllInAndWithoutKnowingItNobody(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if status, _ := ask(guard.New(log, func() ([]sign.SharedKey, error) { return nil, nil }), "GET", "/fission-function/f", "", nil); status != 200 {
		t.Errorf("without a key: %d", status)
	}
	unknown := guard.New(log, func() ([]sign.SharedKey, error) { return nil, errors.New("no such file") })
	if status, e := ask(unknown, "GET", "/fission-function/f", "", nil); status != 503 || e.Reason != "key_missing" {
		t.Errorf("while the key is not known: %d %+v", status, e)
	}
}

func TestKeys_FollowTheFileAndTakeTheOldKeyForAWhile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	synctest.Test(t, func(t *testing.T) {
		write := func(k sign.SharedKey) {
			if err := os.WriteFile(file, k, 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
		}
		keys := guard.Keys(file, slog.New(slog.DiscardHandler))
		if _, err := keys(); err == nil {
			t.Error("a file that is not there is a key")
		}
		first, second := key(t, "first"), key(t, "second")
		want := func(what string, want ...sign.SharedKey) {
			t.Helper()
			got, err := keys()
			if err != nil || len(got) != len(want) {
				t.Fatalf("%s: %d keys, %v", what, len(got), err)
			}
			for i := range want {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%s: key %d is another", what, i)
				}
			}
		}
		write(first)
		want("the first", first)
		write(second)
		want("the second", second, first)
		time.Sleep(11 * time.Minute)
		want("later", second)
		write(nil)
		want("an empty file")
	})
}
