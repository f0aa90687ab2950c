package builder

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxLine bounds one line; a longer one is cut into several.
const maxLine = 16 << 10

// Log keeps the beginning and the end of what a build prints, in whole lines. Make it with NewLog; it is not safe for
// concurrent use.
type Log struct {
	head    strings.Builder
	tail    []string
	tailLen int
	// headMax and tailMax bound the two parts in bytes.
	headMax, tailMax int
	dropped          int
	full             bool
}

// NewLog returns an empty log of about so many bytes.
func NewLog(bound int) *Log {
	return &Log{headMax: bound / 4, tailMax: bound - bound/4}
}

// Add appends a line, without its end.
func (l *Log) Add(line string) {
	if !l.full && l.head.Len()+len(line) < l.headMax {
		l.head.WriteString(line)
		l.head.WriteByte('\n')
		return
	}
	l.full = true
	l.tail = append(l.tail, line)
	for l.tailLen += len(line) + 1; l.tailLen > l.tailMax; l.dropped++ {
		l.tailLen -= len(l.tail[0]) + 1
		l.tail = l.tail[1:]
	}
}

// String returns what is kept, with a line that says what is not.
func (l *Log) String() string {
	var out strings.Builder
	out.WriteString(l.head.String())
	if l.dropped > 0 {
		fmt.Fprintf(&out, "… %d lines left out …\n", l.dropped)
	}
	for _, line := range l.tail {
		out.WriteString(line)
		out.WriteByte('\n')
	}
	return out.String()
}

// lines is a writer that calls a function for each line that is written to it.
type lines struct {
	each func(line string)
	rest []byte
}

// Write implements io.Writer; it never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.rest = append(l.rest, p...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		if i < 0 && len(l.rest) < maxLine {
			return len(p), nil
		}
		if i < 0 || i > maxLine {
			l.emit(l.rest[:maxLine])
			l.rest = l.rest[maxLine:]
			continue
		}
		l.emit(l.rest[:i])
		l.rest = l.rest[i+1:]
	}
}

// close emits a last line that has no end.
func (l *lines) close() {
	if len(l.rest) > 0 {
		l.emit(l.rest)
		l.rest = nil
	}
}

func (l *lines) emit(line []byte) { l.each(printable(string(bytes.TrimRight(line, "\r")))) }

// printable drops what would confuse a terminal or the API server: colours, bells, bytes that are no text.
func printable(line string) string {
	if utf8.ValidString(line) && strings.IndexFunc(line, isControl) < 0 {
		return line
	}
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:] // a progress bar that overwrites itself
	}
	var out strings.Builder
	for i := 0; i < len(line); {
		if n := escape(line[i:]); n > 0 {
			i += n
			continue
		}
		r, size := utf8.DecodeRuneInString(line[i:])
		if i += size; !isControl(r) && (r != utf8.RuneError || size > 1) {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func isControl(r rune) bool { return r != '\t' && (r < ' ' || r == 0x7f) }

// escape returns the length of the terminal's escape sequence that s begins with, 0 when it begins with none.
func escape(s string) int {
	if !strings.HasPrefix(s, "\x1b[") {
		return 0
	}
	for i := 2; i < len(s); i++ {
		if s[i] >= '@' && s[i] <= '~' {
			return i + 1
		}
	}
	return len(s)
}
