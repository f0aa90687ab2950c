package contract

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// TestExamples_APIAnswersAlikeInEveryLanguage builds and calls the examples in examples/api: they take orders, and show what a
// function can use.
func TestExamples_APIAnswersAlikeInEveryLanguage(t *testing.T) {
	each(t, func(t *testing.T, l Language) {
		src := filepath.Join("..", "..", "examples", "api", l.Name)
		if !exists(src) {
			t.Skip("no example")
		}
		shop := t.TempDir()
		write(t, filepath.Join(shop, "discount"), "10\n")
		write(t, filepath.Join(shop, "key"), "secret")
		r := start(t, l, "SETTINGS_DIR="+shop, "SECRETS_DIR="+shop)
		wantLoaded(t, r.post("/v2/specialize", map[string]any{
			"filepath": builtExample(t, l, src), "functionName": exampleEntry(l), "env": map[string]string{"CURRENCY": "CHF"},
		}))
		headers := []string{"X-Fission-Params-Id", "7", "X-Request-Source", "web", "Content-Type", "application/json"}
		items := []byte(`{"items":[{"name":"pen","count":2},{"name":"cup","count":1}]}`)
		a := r.do(http.MethodPost, "/orders/7?customer=Zo%C3%AB", items, headers...)
		wantStatus(t, a, http.StatusCreated)
		var got map[string]any
		if err := json.Unmarshal(a.body, &got); err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, []byte("secret"))
		mac.Write([]byte("7"))
		for name, want := range map[string]any{
			"order": "7", "customer": "Zoë", "source": "web", "currency": "CHF", "total": 8.1, "signature": hex.EncodeToString(mac.Sum(nil)),
		} {
			mustEqual(t, name, got[name], want)
		}
		wantStatus(t, r.do(http.MethodPost, "/orders/7", []byte(`{"items":[]}`), headers...), http.StatusBadRequest)
	})
}

// exampleEntry is the language's entry "example", or that of main in its module main.
func exampleEntry(l Language) string {
	if own, ok := l.Traits.Entries["example"]; ok {
		return own
	}
	return l.entry("main.main")
}

// builtExample is what the language's builder makes of a copy of the source, or the source when the language has no builder.
func builtExample(t *testing.T, l Language, src string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	if err := os.CopyFS(dir, os.DirFS(src)); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(l.Dir, "builder", "build")) {
		return dir
	}
	result, said := buildSource(t, l, dir)
	if result == "" {
		t.Fatal(said)
	}
	return result
}
