package contract

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"testing"
)

// streamGigabyte sends a body of 1 GB to a function that answers with its size, and checks the process' memory.
func streamGigabyte(t *testing.T, r *runtime, path string) {
	t.Helper()
	const size = 1 << 30
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, r.url+path, io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = size
	client := &http.Client{Timeout: 4 * patience}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	mustEqual(t, "answer", string(got), strconv.Itoa(size))
	if peak := peakMemory(r.cmd.Process.Pid) >> 20; peak > 200 {
		t.Errorf("the process had %d MB at its peak", peak)
	}
}

// zeros is a body without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
