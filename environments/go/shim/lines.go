package shim

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

const (
	// hotpodPipes is the first of four file descriptors that the runtime hands over when HOTPOD_OUTPUT_PIPES is "true": a pipe for
	// standard output, its reading end first, and one for standard error. They keep apart what was written apart. The runtime
	// has their reading ends too, and writes out what is left in them when this process has ended.
	hotpodPipes = 5
	// hotpodPacket is what a pipe takes at once at most.
	hotpodPacket = 4096
	// hotpodMaxID and hotpodMaxLine bound an id, and a line without an end.
	hotpodMaxID, hotpodMaxLine = 128, 64 << 10
)

// hotpodTag is what a request's lines begin with, as text and as JSON; empty without an id.
type hotpodTag struct{ text, json string }

// hotpodTagOf reads the headers of a request: see docs/logs.md.
func hotpodTagOf(r *http.Request) *hotpodTag {
	id := r.Header.Get("X-Fission-Request-Id")
	if id == "" {
		id = r.Header.Get("X-Request-Id")
	}
	if id == "" {
		return &hotpodTag{}
	}
	id = hotpodClean(id[:min(len(id), hotpodMaxID)])
	tag := &hotpodTag{"[req " + id, `{"request_id":"` + id + `",`}
	if trace := strings.Split(r.Header.Get("Traceparent"), "-"); len(trace) == 4 && hotpodTraced.MatchString(trace[1]+"-"+trace[3]) {
		tag.text += " trace " + trace[1]
		tag.json += `"trace_id":"` + trace[1] + `",`
	}
	tag.text += "]"
	return tag
}

// hotpodTraced is the id of a trace, and flags that say that it is recorded.
var hotpodTraced = regexp.MustCompile(`^[0-9a-f]{32}-[0-9a-f][13579bdf]$`)

// hotpodClean replaces what could end a tag.
func hotpodClean(id string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x80 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._:=/+-", c)) {
			return c
		}
		return '_'
	}, id)
}

// hotpodLines puts the id of a request before what is written to os.Stdout and os.Stderr while that request is the only one in flight.
// With several in flight it is not known whose a line is, and lines stay as they are. A nil one does nothing.
type hotpodLines struct {
	mu      sync.Mutex // guards what follows, and is held while lines pass
	flying  map[*hotpodTag]bool
	outputs [2]*hotpodOutput
}

// hotpodTakeOutputs puts pipes in the place of os.Stdout and os.Stderr, for those too who have these already.
func hotpodTakeOutputs() *hotpodLines {
	if os.Getenv("HOTPOD_OUTPUT_PIPES") != "true" || os.Getenv("HOTPOD_LOG_TAGS") == "false" { //nolint:forbidigo // it is main's body
		return nil
	}
	l := &hotpodLines{flying: map[*hotpodTag]bool{}}
	for i, file := range []*os.File{os.Stdout, os.Stderr} {
		read, write := hotpodPipes+2*i, hotpodPipes+2*i+1
		syscall.CloseOnExec(read)
		syscall.CloseOnExec(write)
		if err := syscall.SetNonblock(read, true); err != nil {
			return nil
		}
		o := &hotpodOutput{to: *file, fd: read, pipe: os.NewFile(uintptr(read), "output")}
		l.outputs[i] = o
		*file = *os.NewFile(uintptr(write), file.Name())
		go l.follow(o)
	}
	return l
}

// follow passes lines on as they come.
func (l *hotpodLines) follow(o *hotpodOutput) {
	conn, err := o.pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Read(func(uintptr) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		o.pass(l.only())
		return false
	})
}

// only returns the tag of the request that is alone in flight. Call it with mu held.
func (l *hotpodLines) only() *hotpodTag {
	if len(l.flying) == 1 {
		for tag := range l.flying {
			return tag
		}
	}
	return &hotpodTag{}
}

// begin tells of a request. What was written before is not its.
func (l *hotpodLines) begin(r *http.Request) (end func()) {
	if l == nil {
		return func() {}
	}
	tag := hotpodTagOf(r)
	l.change(func() { l.flying[tag] = true })
	return func() { l.change(func() { delete(l.flying, tag) }) }
}

// change passes on what was written until now, and then changes which requests are in flight.
func (l *hotpodLines) change(how func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.only()
	for _, o := range l.outputs {
		o.pass(before)
	}
	how()
	if *l.only() != *before {
		for _, o := range l.outputs {
			o.endLine(before)
		}
	}
}

// hotpodOutput is one of the process's outputs.
type hotpodOutput struct {
	to   os.File // a copy of what os.Stdout or os.Stderr was: it must not be collected
	pipe *os.File
	fd   int // of the pipe; it does not block
	rest []byte
	// more says that what comes next was written together with what came last.
	more   bool
	inLine bool // what was passed on without a tag did not end its line
	packet [hotpodPacket]byte
}

// pass passes on what is in the pipe.
func (o *hotpodOutput) pass(tag *hotpodTag) {
	for {
		n, err := syscall.Read(o.fd, o.packet[:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return
		}
		o.write(tag, o.packet[:n])
	}
}

// write passes on what was written at once, or a part of it.
func (o *hotpodOutput) write(tag *hotpodTag, p []byte) {
	if tag.text == "" {
		_, _ = o.to.Write(p)
		o.inLine, o.more = p[len(p)-1] != '\n', false
		return
	}
	o.rest = append(o.rest, p...)
	end := bytes.LastIndexByte(o.rest, '\n')
	if end >= 0 {
		o.lines(tag, o.rest[:end])
		o.rest = append(o.rest[:0], o.rest[end+1:]...)
	} else if len(o.rest) >= hotpodMaxLine {
		o.endLine(tag)
	}
	o.more = len(p) == hotpodPacket
}

// endLine writes a line that has no end yet.
func (o *hotpodOutput) endLine(tag *hotpodTag) {
	if len(o.rest) > 0 {
		o.lines(tag, o.rest)
		o.rest = o.rest[:0]
	}
	o.more = false
}

// lines tags lines and writes them in one piece.
func (o *hotpodOutput) lines(tag *hotpodTag, text []byte) {
	var out bytes.Buffer
	if o.inLine {
		out.WriteByte('\n')
		o.inLine = false
	}
	for i, line := range bytes.Split(text, []byte("\n")) {
		switch {
		case bytes.HasPrefix(line, []byte(`{"`)) && bytes.HasSuffix(line, []byte("}")):
			if !bytes.Contains(line, []byte(`"request_id":`)) {
				out.WriteString(tag.json)
				line = line[1:]
			}
		case i == 0 && !o.more:
			out.WriteString(tag.text + " ")
		default:
			out.WriteString(tag.text + "+")
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	_, _ = o.to.Write(out.Bytes())
}
