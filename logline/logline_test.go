package logline_test

import (
	"strings"
	"testing"
	"time"

	"hotpod.dev/logline"
)

func TestParse_ReadsTags(t *testing.T) {
	for text, want := range map[string]logline.Line{
		"hello":                             {Text: "hello"},
		"[req a-1] hello":                   {Text: "hello", RequestID: "a-1"},
		"[req a-1 trace 4bf9] ERROR: x":     {Text: "ERROR: x", RequestID: "a-1", TraceID: "4bf9", Level: logline.Error},
		"[req a-1]+  at x":                  {Text: "  at x", RequestID: "a-1", Continues: true},
		"[req a-1] [req b] x":               {Text: "[req b] x", RequestID: "a-1"},
		"[req ] x":                          {Text: "[req ] x"},
		"[req a b] x":                       {Text: "[req a b] x"},
		"[req a]x":                          {Text: "[req a]x"},
		"[request] x\r":                     {Text: "[request] x"},
		`{"request_id":"a","level":"warn"}`: {Text: `{"request_id":"a","level":"warn"}`, RequestID: "a", Level: logline.Warn},
		`{"request_id":"a","trace_id":"b","severity":"x"}`: {Text: `{"request_id":"a","trace_id":"b","severity":"x"}`, RequestID: "a", TraceID: "b"},
		`{"x":1,"request_id":"a"}`:                         {Text: `{"x":1,"request_id":"a"}`, RequestID: "a"},
		`{"x":1,"request_id":"a","trace_id":"b"}`:          {Text: `{"x":1,"request_id":"a","trace_id":"b"}`, RequestID: "a", TraceID: "b"},
		`{"x":1,"request_id":"a b","trace_id":"b"}`:        {Text: `{"x":1,"request_id":"a b","trace_id":"b"}`},
		`{"x":1,"request_id":`:                             {Text: `{"x":1,"request_id":`},
		`{"request_id":"a","x":{},"request_id":"b"}`:       {Text: `{"request_id":"a","x":{},"request_id":"b"}`, RequestID: "a"},
		"nul \x00 bad \xff":                                {Text: "nul \uFFFD bad \uFFFD"},
	} {
		if got := logline.Parse(text); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}

func TestLevel_IsFoundNearTheBeginning(t *testing.T) {
	for text, want := range map[string]int{
		"ERROR something": logline.Error,
		"2026-01-02 03:04:05,678 - app - WARNING: x": logline.Warn,
		"[error] x":                           logline.Error,
		"error: x":                            logline.Error,
		"the error: x":                        0,
		"info":                                0,
		"I0102 15:04:05.678901 1 main.go] x":  logline.Info,
		"ts=1 level=debug msg=x":              logline.Debug,
		`{"level":50,"msg":"x"}`:              logline.Error,
		`{"lvl":"INFO"}`:                      logline.Info,
		`{"log.level":"fatal"}`:               logline.Fatal,
		`{"level":`:                           0,
		"TypeError: x is not a function":      logline.Error,
		"java.lang.IllegalStateException: no": logline.Error,
		"":                                    0,
		"11/23/26 1:02:03 +00:00 CRITICAL: x": logline.Fatal,
	} {
		if got := logline.Level(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

// entries joins lines that come a millisecond after one another; "|" stands between entries.
func entries(lines ...string) string {
	var j logline.Joiner
	var out []string
	add := func(e *logline.Entry) {
		if e != nil {
			out = append(out, e.Text)
		}
	}
	at := time.Unix(100, 0)
	for _, l := range lines {
		at = at.Add(time.Millisecond)
		if l == "PAUSE" {
			at = at.Add(time.Minute)
			continue
		}
		add(j.Add(at, logline.Parse(l)))
	}
	add(j.Flush())
	return strings.Join(out, "|")
}

func TestJoiner_KeepsTogetherWhatBelongsTogether(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"lines":            {[]string{"a", "b", "", "c"}, "a|b||c"},
		"indented":         {[]string{"Error: x", "    at f", "    at g", "next"}, "Error: x\n    at f\n    at g|next"},
		"object":           {[]string{"{", "  a: 1", "}", "next"}, "{\n  a: 1\n}|next"},
		"java":             {[]string{"java.Exception: x", "\tat f", "Caused by: y", "\tat g", "\t... 3 more", "z"}, "java.Exception: x\n\tat f\nCaused by: y\n\tat g\n\t... 3 more|z"},
		"python":           {[]string{"Traceback (most recent call last):", "  File 1", "ValueError: x", "next"}, "Traceback (most recent call last):\n  File 1\nValueError: x|next"},
		"python, logged":   {[]string{"ERROR: failed", "Traceback (most recent call last):", "  File 1", "ValueError: x", "next"}, "ERROR: failed\nTraceback (most recent call last):\n  File 1\nValueError: x|next"},
		"python, after":    {[]string{"hello", "Traceback (most recent call last):", "  File 1", "E: x"}, "hello|Traceback (most recent call last):\n  File 1\nE: x"},
		"python, chained":  {[]string{"Traceback (most recent call last):", "  File 1", "E: x", "", "During handling of the above exception, another exception occurred:", "", "Traceback (most recent call last):", "  File 2", "F: y", "z"}, "Traceback (most recent call last):\n  File 1\nE: x\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File 2\nF: y|z"},
		"go":               {[]string{"panic: x", "", "goroutine 1 [running]:", "main.main()", "\t/x.go:1", "next"}, "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1|next"},
		"marked":           {[]string{"[req a] x", "[req a]+y", "[req a]+ z", "[req a] w"}, "x\ny\n z|w"},
		"of two requests":  {[]string{"[req a] x", "[req b]+y", "[req b]   z"}, "x|y\n  z"},
		"after a pause":    {[]string{"x", "PAUSE", "  y"}, "x|  y"},
		"not before":       {[]string{"  x", "y"}, "  x|y"},
		"not without head": {[]string{"x", "Caused by: y"}, "x|Caused by: y"},
	} {
		if got := entries(c.lines...); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestJoiner_IsBounded(t *testing.T) {
	lines := []string{"head"}
	for range 1000 {
		lines = append(lines, "  more")
	}
	for e := range strings.SplitSeq(entries(lines...), "|") {
		if n := strings.Count(e, "\n"); n >= 256 {
			t.Errorf("an entry has %d lines", n+1)
		}
	}
	if got := entries(strings.Repeat("x", 60<<10), strings.Repeat(" ", 10<<10)); strings.Count(got, "|") != 1 {
		t.Error("an entry is larger than its bound")
	}
}

func TestJoiner_RemembersWhenEachLineCame(t *testing.T) {
	var j logline.Joiner
	at := time.Unix(100, 0)
	j.Add(at, logline.Parse("x"))
	j.Add(at.Add(3), logline.Parse("  ERROR y"))
	e := j.Flush()
	if e.Time != at || len(e.Later) != 1 || e.Later[0] != 3 || !e.Last().Equal(at.Add(3)) || e.Level != logline.Error || j.Open() {
		t.Errorf("entry is %+v", e)
	}
}

func TestStamp(t *testing.T) {
	before := time.Unix(5, 0)
	if at, text := logline.Stamp("2026-01-02T03:04:05.123456789Z  two", before); !at.Equal(time.Date(2026, 1, 2, 3, 4, 5, 123456789, time.UTC)) || text != " two" {
		t.Errorf("%v %q", at, text)
	}
	if at, text := logline.Stamp("no stamp", before); at != before || text != "no stamp" {
		t.Errorf("%v %q", at, text)
	}
}
