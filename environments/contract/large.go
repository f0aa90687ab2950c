package contract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	gigabyte = 1 << 30
	// roomy is the most that a runtime and its children may take, each, while a gigabyte passes.
	roomy = 160 << 20
	// gigabytePatience bounds the passage; a slow machine takes some 20 seconds.
	gigabytePatience = 5 * time.Minute
)

// callGigabyteInAndOutInConstantMemory sends a gigabyte to the function pipe, which answers with what it gets as it gets it.
func callGigabyteInAndOutInConstantMemory(t T, l Language) {
	r := serve(t, l, "pipe", "BODY_PARSER_LIMIT=2gb")
	ctx, cancel := context.WithTimeout(t.Context(), gigabytePatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/", &pattern{left: gigabyte})
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = gigabyte
	req.Header.Set("Content-Type", "application/octet-stream")
	r.client.Timeout = 0
	res, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	mustEqual(t, "status", res.StatusCode, http.StatusOK)
	if at, err := compare(res.Body, &pattern{left: gigabyte}); err != nil {
		t.Fatalf("after %d bytes: %v", at, err)
	}
	for _, pid := range family(r.cmd.Process.Pid) {
		if peak := peakMemory(pid); peak > roomy {
			t.Errorf("process %d took %d MB at its peak", pid, peak>>20)
		}
	}
}

// pattern is a body that shows when a piece is lost, repeated or moved.
type pattern struct {
	at, left int64
	cycles   []byte
}

// cycle is the length after which the pattern repeats: a prime, so that no size of a buffer fits it.
const cycle = 251

// Read continues the pattern.
func (p *pattern) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	if p.cycles == nil {
		one := make([]byte, cycle)
		for i := range one {
			one[i] = byte(i)
		}
		p.cycles = bytes.Repeat(one, 1024)
	}
	begin := int(p.at % cycle)
	n := copy(b[:min(int64(len(b)), p.left)], p.cycles[begin:])
	p.at, p.left = p.at+int64(n), p.left-int64(n)
	return n, nil
}

// compare reads both to their ends, and says where they differ.
func compare(got, want io.Reader) (at int64, err error) {
	a, b := make([]byte, 1<<20), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(want, b)
		if errors.Is(err, io.EOF) {
			if m, _ := got.Read(a); m > 0 {
				return at, errors.New("there is more")
			}
			return at, nil
		}
		if _, err := io.ReadFull(got, a[:n]); err != nil {
			return at, err
		}
		if !bytes.Equal(a[:n], b[:n]) {
			return at, errors.New("the body changed")
		}
		at += int64(n)
	}
}

// family is a process and those below it.
func family(pid int) []int {
	found := []int{pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		children, _ := os.ReadFile(task)
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil {
				found = append(found, family(n)...)
			}
		}
	}
	return found
}

// peakMemory is the most that a process had resident, or 0 when it is gone.
func peakMemory(pid int) int64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(size)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}
