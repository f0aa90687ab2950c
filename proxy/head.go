package proxy

import (
	"bytes"
	"errors"
)

// errHead is wrapped by every complaint about a head.
var (
	errBadHead    = errors.New("malformed head")
	errBadFraming = errors.New("ambiguous message length")
	errVersion    = errors.New("unsupported HTTP version")
	errManyFields = errors.New("head has too many fields")
)

// ErrBadAnswer is wrapped by the Err of an Outcome whose upstream answered, but not in a way that can be passed on.
var ErrBadAnswer = errors.New("unusable answer")

// maxFields bounds the fields of a head. The Envoys take a few more, which leaves room for ours.
const maxFields = 990

// known are the fields that the engine itself looks at.
type known uint8

const (
	fieldOther known = iota
	fieldHost
	fieldContentLength
	fieldTransferEncoding
	fieldConnection
	fieldUpgrade
	fieldExpect
	fieldHop // other hop-by-hop fields
	fieldForwarded
	fieldForwardedHost
	fieldID        // the request's, as Fission names it
	fieldRequestID // the same, as others do
	knownCount
)

// field is one line of a head; its numbers are offsets into head.buf.
type field struct {
	start, nameEnd, valueStart, valueEnd, end int32
	kind                                      known
}

// head is the parsed head of a request or an answer. It points into the read buffer and is valid until the next
// head is read from the same reader.
type head struct {
	buf    []byte
	fields []field
	// first is the index in fields of each known field, plus one; 0 when absent.
	first [knownCount]int16
	// length of the body: what Content-Length says, or -1 without one.
	length  int64
	chunked bool
	// closes is set by "Connection: close", or by HTTP/1.0 without keep-alive.
	closes bool
	// upgrade is set when Connection names Upgrade and there is such a field.
	upgrade bool
	// nominated is set when Connection names fields that must not be passed on, besides those always dropped.
	nominated bool
	minor     byte // of the HTTP version

	// identity of the request, also in its answer's head; nil when nobody decided.
	identity *identity

	method, target []byte // of a request
	status         int    // of an answer
	reason         []byte
}

func (h *head) reset(buf []byte) {
	h.buf, h.fields = buf, h.fields[:0]
	h.first = [knownCount]int16{}
	h.length, h.chunked, h.closes, h.upgrade, h.nominated = -1, false, false, false, false
	h.method, h.target, h.status, h.reason = nil, nil, 0, nil
}

func (h *head) name(f *field) []byte  { return h.buf[f.start:f.nameEnd] }
func (h *head) value(f *field) []byte { return h.buf[f.valueStart:f.valueEnd] }

// get returns the first value of a field by its lower-case name.
func (h *head) get(lower string) ([]byte, bool) {
	for i := range h.fields {
		if f := &h.fields[i]; equalFold(h.name(f), lower) {
			return h.value(f), true
		}
	}
	return nil, false
}

func (h *head) has(k known) bool { return h.first[k] != 0 }

func (h *head) knownValue(k known) []byte {
	if i := h.first[k]; i != 0 {
		return h.value(&h.fields[i-1])
	}
	return nil
}

// parseRequest reads a whole request head, its blank line included.
func (h *head) parseRequest(buf []byte) error {
	h.reset(buf)
	end := bytes.IndexByte(buf, '\n')
	if end < 1 || buf[end-1] != '\r' {
		return errBadHead
	}
	line := buf[:end-1]
	sp := bytes.IndexByte(line, ' ')
	if sp < 1 || !isToken(line[:sp]) {
		return errBadHead
	}
	h.method, line = line[:sp], line[sp+1:]
	sp = bytes.IndexByte(line, ' ')
	if sp < 1 {
		return errBadHead
	}
	h.target = line[:sp]
	if err := h.parseVersion(line[sp+1:]); err != nil {
		return err
	}
	if h.minor != '1' {
		return errVersion
	}
	if !validTarget(h.method, h.target) {
		return errBadHead
	}
	if err := h.parseFields(end + 1); err != nil {
		return err
	}
	return h.checkRequest()
}

// parseResponse reads the whole head of an answer, its blank line included.
func (h *head) parseResponse(buf []byte) error {
	h.reset(buf)
	end := bytes.IndexByte(buf, '\n')
	if end < len("HTTP/1.1 200\r") || buf[end-1] != '\r' {
		return errBadHead
	}
	line := buf[:end-1]
	if err := h.parseVersion(line[:8]); err != nil {
		return err
	}
	if line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return errBadHead
	}
	for _, d := range line[9:12] {
		if d < '0' || d > '9' {
			return errBadHead
		}
		h.status = h.status*10 + int(d-'0')
	}
	if h.status < 100 {
		return errBadHead
	}
	if len(line) > 13 {
		h.reason = line[13:]
		if !validValue(h.reason) {
			return errBadHead
		}
	}
	if err := h.parseFields(end + 1); err != nil {
		return err
	}
	return h.checkFraming()
}

func (h *head) parseVersion(v []byte) error {
	if len(v) != 8 || string(v[:7]) != "HTTP/1." {
		if len(v) == 8 && string(v[:5]) == "HTTP/" {
			return errVersion
		}
		return errBadHead
	}
	if v[7] != '0' && v[7] != '1' {
		return errVersion
	}
	h.minor = v[7]
	h.closes = h.minor == '0'
	return nil
}

// parseFields reads the lines from offset at up to the blank line that ends the head.
func (h *head) parseFields(at int) error {
	for {
		rest := h.buf[at:]
		if len(rest) == 2 && rest[0] == '\r' && rest[1] == '\n' {
			return nil
		}
		if len(h.fields) == maxFields {
			return errManyFields
		}
		colon := nameLength(rest)
		if colon < 1 || rest[colon] != ':' {
			return errBadHead
		}
		end := valueLength(rest[colon+1:])
		if end < 0 {
			return errBadHead
		}
		end += colon + 1 // at the CR
		if rest[end+1] != '\n' {
			return errBadHead
		}
		from, to := colon+1, end
		for from < to && isSpace(rest[from]) {
			from++
		}
		for to > from && isSpace(rest[to-1]) {
			to--
		}
		h.add(field{
			start: int32(at), nameEnd: int32(at + colon), valueStart: int32(at + from), //nolint:gosec // heads are limited to far less
			valueEnd: int32(at + to), end: int32(at + end + 2), //nolint:gosec // the same
		})
		at += end + 2
	}
}

func (h *head) add(f field) {
	f.kind = classify(h.buf[f.start:f.nameEnd])
	h.fields = append(h.fields, f)
	if f.kind != fieldOther && h.first[f.kind] == 0 {
		h.first[f.kind] = int16(min(len(h.fields), 1<<15-1))
	}
}
