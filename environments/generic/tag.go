package generic

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// maxID bounds ids of requests in tags, and maxLine what is kept of a line without an end.
const (
	maxID   = 128
	maxLine = 64 << 10
)

// Tagged tags lines with the id of a request: see docs/logs.md. It is for one writer at a time. Finish ends the last line.
type Tagged struct {
	to         io.Writer
	text, json string
	rest       []byte
}

// NewTagged returns what tags lines on their way to an output. Without an id, or where HOTPOD_LOG_TAGS is "false", lines pass as they are.
func NewTagged(to io.Writer, r *http.Request) *Tagged {
	t := &Tagged{to: to}
	id := r.Header.Get("X-Fission-Request-Id")
	if id == "" {
		id = r.Header.Get("X-Request-Id")
	}
	if id == "" || os.Getenv("HOTPOD_LOG_TAGS") == "false" { //nolint:forbidigo // it may be a variable of the function, known since the load
		return t
	}
	id = regexp.MustCompile(`[^A-Za-z0-9._:=/+-]`).ReplaceAllString(id[:min(len(id), maxID)], "_")
	t.text, t.json = "[req "+id, `{"request_id":"`+id+`",`
	if trace := sampledTrace(r.Header.Get("Traceparent")); trace != "" {
		t.text += " trace " + trace
		t.json += `"trace_id":"` + trace + `",`
	}
	t.text += "]"
	return t
}

// sampledTrace returns the id of a trace that is recorded.
func sampledTrace(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 || len(parts[1]) != 32 || strings.Trim(parts[1], "0123456789abcdef") != "" {
		return ""
	}
	if flags, err := strconv.ParseUint(parts[3], 16, 8); err != nil || flags&1 == 0 {
		return ""
	}
	return parts[1]
}

// Write takes text and writes the lines that are complete, each in one piece.
func (t *Tagged) Write(p []byte) (int, error) {
	if t.text == "" {
		return t.to.Write(p)
	}
	t.rest = append(t.rest, p...)
	end := bytes.LastIndexByte(t.rest, '\n')
	if end < 0 && len(t.rest) < maxLine {
		return len(p), nil
	}
	if end < 0 {
		t.rest = append(t.rest, '\n')
		end = len(t.rest) - 1
	}
	err := t.write(t.rest[:end])
	t.rest = append(t.rest[:0], t.rest[end+1:]...)
	return len(p), err
}

// Finish writes a last line that has no end.
func (t *Tagged) Finish() {
	if len(t.rest) > 0 {
		_ = t.write(t.rest)
		t.rest = nil
	}
}

func (t *Tagged) write(text []byte) error {
	var out bytes.Buffer
	for i, line := range bytes.Split(text, []byte("\n")) {
		switch {
		case bytes.HasPrefix(line, []byte(`{"`)) && bytes.HasSuffix(line, []byte("}")):
			out.WriteString(t.json)
			line = line[1:]
		case i == 0:
			out.WriteString(t.text + " ")
		default:
			out.WriteString(t.text + "+")
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	_, err := t.to.Write(out.Bytes())
	return err
}
