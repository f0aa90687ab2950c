package proxy

import (
	"strconv"
	"strings"
)

// appendFields appends the lines of h that are passed on: none that is hop-by-hop, none that drop names. Lines
// that stay together are copied together.
func appendFields(dst []byte, h *head, keep passing, drop []string) []byte {
	from, to := int32(0), int32(0)
	for i := range h.fields {
		f := &h.fields[i]
		if !keep.passes(h, f) || dropped(h.name(f), drop) {
			continue
		}
		if f.start != to {
			dst = append(dst, h.buf[from:to]...)
			from = f.start
		}
		to = f.end
	}
	return append(dst, h.buf[from:to]...)
}

// passing says which of the fields that belong to a connection are passed on all the same.
type passing struct {
	upgrade, coding bool
}

func (p passing) passes(h *head, f *field) bool {
	switch f.kind {
	case fieldConnection, fieldHop:
		return false
	case fieldID:
		return h.identity == nil // else it is written anew
	case fieldUpgrade:
		return p.upgrade
	case fieldTransferEncoding:
		return p.coding
	case fieldOther:
		return !h.nominated || !h.isNominated(h.name(f))
	default:
		return true
	}
}

// dropped reports whether a list of Options names the field.
func dropped(name []byte, list []string) bool {
	for _, d := range list {
		if prefix, ok := strings.CutSuffix(d, "*"); ok {
			if hasFoldPrefix(name, prefix) {
				return true
			}
		} else if equalFold(name, d) {
			return true
		}
	}
	return false
}

// appendRequest appends the head that goes to the upstream.
func appendRequest(dst []byte, h *head, o *Options) []byte {
	dst = append(dst, h.method...)
	dst = append(dst, ' ')
	dst = append(dst, h.target...)
	dst = append(dst, " HTTP/1.1\r\n"...)
	dst = appendFields(dst, h, passing{upgrade: h.upgrade, coding: true}, o.DropRequest)
	if h.upgrade {
		dst = append(dst, "Connection: Upgrade\r\n"...)
	}
	if o.Forwarded && !h.has(fieldForwarded) && !h.has(fieldForwardedHost) {
		dst = appendForwarded(dst, h.knownValue(fieldHost))
	}
	if h.identity != nil {
		dst = h.identity.appendTo(dst)
	}
	if o.Params != nil {
		dst = o.Params.appendLines(dst, h)
	}
	dst = append(dst, o.RequestHeader...)
	return append(dst, "\r\n"...)
}

func appendForwarded(dst, host []byte) []byte {
	if len(host) == 0 {
		return dst
	}
	dst = append(dst, "Forwarded: host="...)
	dst = append(dst, host...)
	dst = append(dst, ";\r\nX-Forwarded-Host: "...)
	dst = append(dst, host...)
	return append(dst, "\r\n"...)
}

// appendAnswer appends the head that goes to the client, for a body of the given kind.
func appendAnswer(dst []byte, h *head, kind bodyKind, closing bool, o *Options) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(h.status), 10)
	dst = append(dst, ' ')
	dst = append(dst, h.reason...)
	dst = append(dst, "\r\n"...)
	switching := h.status == 101
	dst = appendFields(dst, h, passing{upgrade: switching, coding: kind == bodyChunked}, o.DropResponse)
	switch {
	case switching:
		dst = append(dst, "Connection: Upgrade\r\n"...)
	case closing:
		dst = append(dst, "Connection: close\r\n"...)
	}
	if kind == bodyUntilClose {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	if h.identity != nil && (h.status >= 200 || switching) {
		dst = h.identity.append(dst)
	}
	if h.status >= 200 {
		dst = append(dst, o.ResponseHeader...)
		if o.AnswerHead != nil {
			dst = o.AnswerHead(dst)
		}
	}
	return append(dst, "\r\n"...)
}
