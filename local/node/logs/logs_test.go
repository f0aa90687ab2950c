package logs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func create(t *testing.T, limit int64) *File {
	t.Helper()
	f, err := Create(filepath.Join(t.TempDir(), "c", "0.log"), limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func feed(t *testing.T, f *File, stream, text string) {
	t.Helper()
	if err := f.Copy(stream, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, f *File, o Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := Read(t.Context(), f.Path(), f, o, &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestRead_Options(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := create(t, 0)
		feed(t, f, "stdout", "one\ntwo\n")
		time.Sleep(time.Minute)
		later := time.Now()
		feed(t, f, "stderr", "three\nunfinished")
		for name, c := range map[string]struct {
			options Options
			want    string
		}{
			"all":        {Options{Tail: -1}, "one\ntwo\nthree\nunfinished\n"},
			"tail":       {Options{Tail: 3}, "two\nthree\nunfinished\n"},
			"tail none":  {Options{Tail: 0}, ""},
			"tail more":  {Options{Tail: 99}, "one\ntwo\nthree\nunfinished\n"},
			"since":      {Options{Tail: -1, Since: later}, "three\nunfinished\n"},
			"limit":      {Options{Tail: -1, Limit: 5}, "one\nt"},
			"stream":     {Options{Tail: 1, Stream: "stdout"}, "two\n"},
			"timestamps": {Options{Tail: 1, Timestamps: true}, later.UTC().Format(time.RFC3339Nano) + " unfinished\n"},
		} {
			if got := read(t, f, c.options); got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
	})
}

func TestRead_ALongLineComesBackWhole(t *testing.T) {
	f := create(t, 0)
	long := strings.Repeat("x", 3*maxLine+7)
	feed(t, f, "stdout", long+"\nshort\n")
	if got := read(t, f, Options{Tail: -1}); got != long+"\nshort\n" {
		t.Errorf("got %d bytes, want %d", len(got), len(long)+7)
	}
}

func TestRead_NothingWrittenIsEmpty(t *testing.T) {
	var out bytes.Buffer
	if err := Read(t.Context(), filepath.Join(t.TempDir(), "none"), nil, Options{Tail: -1}, &out); err != nil || out.Len() > 0 {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestFile_StaysBoundedAndKeepsTheNewest(t *testing.T) {
	f := create(t, 1000)
	for range 200 {
		feed(t, f, "stdout", "line of the log\n")
	}
	feed(t, f, "stdout", "the last\n")
	got := read(t, f, Options{Tail: -1})
	if len(got) > 2200 || !strings.HasSuffix(got, "the last\n") {
		t.Errorf("kept %d bytes, ending in %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestRead_FollowsAcrossRotationUntilClosed(t *testing.T) {
	f := create(t, 200)
	r, w := io.Pipe()
	go func() { w.CloseWithError(Read(context.Background(), f.Path(), f, Options{Tail: -1, Follow: true}, w)) }()
	var want strings.Builder
	for i := range 50 {
		line := strings.Repeat("y", i) + "\n"
		feed(t, f, "stdout", line)
		want.WriteString(line)
		got := make([]byte, len(line))
		if _, err := io.ReadFull(r, got); err != nil || string(got) != line {
			t.Fatalf("line %d: got %q, %v", i, got, err)
		}
	}
	f.Close()
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after the end: %q, %v", rest, err)
	}
}

func TestRead_FollowEndsWithItsReader(t *testing.T) {
	f := create(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Read(ctx, f.Path(), f, Options{Tail: 0, Follow: true}, io.Discard) }()
	cancel()
	if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("2026-01-02T03:04:05Z stdout F text\n"))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, line []byte) {
		s := &sink{w: io.Discard, options: Options{Timestamps: true, Since: time.Unix(1, 0)}}
		if err := s.line(line); err != nil {
			t.Fatal(err)
		}
	})
}
