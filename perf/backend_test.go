package perf

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func post(t *testing.T, url string, body io.Reader, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestBackend_AnswersAsMuchAsItWasSent(t *testing.T) {
	url := "http://" + backendHere(t, &backend{})
	if status, text := post(t, url, nil); status != 200 || text != backendWord {
		t.Errorf("without a body: %d %q", status, text)
	}
	for _, n := range []int{1, 4095, 4096, 4097, 100_000} {
		known := bytes.NewReader(make([]byte, n))
		if status, text := post(t, url, known); status != 200 || len(text) != n {
			t.Errorf("length known: sent %d, got %d bytes", n, len(text))
		}
		chunked := io.MultiReader(bytes.NewReader(make([]byte, n)))
		if status, text := post(t, url, chunked); status != 200 || len(text) != n {
			t.Errorf("chunked: sent %d, got %d bytes", n, len(text))
		}
	}
}

func TestBackend_IsAPodForKnative(t *testing.T) {
	url := "http://" + backendHere(t, &backend{})
	if _, text := post(t, url, nil, "K-Network-Probe", "queue"); text != "queue" {
		t.Errorf("probe answered with %q", text)
	}
}

func TestBackend_TellsTheOrderOfArrival(t *testing.T) {
	var got []int
	url := "http://" + backendHere(t, &backend{arrived: func(n int) { got = append(got, n) }})
	for _, n := range []string{"2", "0", "1"} {
		post(t, url, nil, headerNumber, n)
	}
	post(t, url, nil)
	if !slices.Equal(got, []int{2, 0, 1}) {
		t.Error(got)
	}
}

func TestBackend_RefusesNonsense(t *testing.T) {
	url := "http://" + backendHere(t, &backend{})
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(make([]byte, backendLimit+1)))
	if res, err := (&http.Client{}).Do(req); err == nil {
		_ = res.Body.Close()
		t.Error("accepted a body over its limit")
	}
}
