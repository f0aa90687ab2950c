package logline

import (
	"encoding/json"
	"strings"
	"time"
)

// Line is one line as it was written.
type Line struct {
	// Text is without the tag, unless the line is a JSON object, which stays as it is.
	Text               string
	RequestID, TraceID string
	// Level is a severity of OpenTelemetry, 0 if the line says none.
	Level int
	// Continues says that the runtime marked the line as the next one of what was written before.
	Continues bool
}

const (
	tag       = "[req "
	jsonTag   = `{"request_id":"`
	jsonTrace = `","trace_id":"`
	// maxID bounds ids.
	maxID = 128
)

// Parse reads a line. What looks like a tag and is none stays part of the text.
func Parse(text string) Line {
	text = clean(text)
	switch {
	case strings.HasPrefix(text, tag):
		if l, ok := tagged(text); ok {
			l.Level = Level(l.Text)
			return l
		}
	case strings.HasPrefix(text, jsonTag):
		id, rest, _ := strings.Cut(text[len(jsonTag):], `"`)
		trace := ""
		if after, ok := strings.CutPrefix(`"`+rest, jsonTrace); ok {
			trace, _, _ = strings.Cut(after, `"`)
		}
		if isID(id) && (trace == "" || isID(trace)) {
			return Line{Text: text, RequestID: id, TraceID: trace, Level: Level(text)}
		}
	case strings.HasPrefix(text, "{") && strings.Contains(text, `"request_id"`):
		return structured(text)
	}
	return Line{Text: text, Level: Level(text)}
}

// structured reads a JSON object that the function itself gave the ids to.
func structured(text string) Line {
	l := Line{Text: text, Level: Level(text)}
	var ids struct {
		Request string `json:"request_id"`
		Trace   string `json:"trace_id"`
	}
	if json.Unmarshal([]byte(text), &ids) == nil && isID(ids.Request) {
		l.RequestID = ids.Request
		if isID(ids.Trace) {
			l.TraceID = ids.Trace
		}
	}
	return l
}

// tagged reads a line that begins with a tag.
func tagged(text string) (Line, bool) {
	inside, rest, found := strings.Cut(text[len(tag):], "]")
	if !found || rest == "" {
		return Line{}, false
	}
	l := Line{Continues: rest[0] == '+', Text: rest[1:]}
	if rest[0] != '+' && rest[0] != ' ' {
		return Line{}, false
	}
	id, trace, traced := strings.Cut(inside, " trace ")
	l.RequestID, l.TraceID = id, trace
	return l, isID(id) && (!traced || isID(trace))
}

// isID reports whether s can be the id of a request or of a trace, as runtimes write it.
func isID(s string) bool {
	if s == "" || len(s) > maxID {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_', c == '.', c == ':', c == '=', c == '/', c == '+':
		default:
			return false
		}
	}
	return true
}

// clean makes text storable: valid UTF-8, without NUL and without the carriage return of another system's end of line.
func clean(text string) string {
	text = strings.ToValidUTF8(strings.TrimSuffix(text, "\r"), "\uFFFD")
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return text
}

// Stamp splits a line as Kubernetes sends it with timestamps. One without a timestamp gets that of the line before.
func Stamp(line string, before time.Time) (at time.Time, text string) {
	stamp, text, _ := strings.Cut(line, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return before, line
	}
	return at.UTC(), text
}
