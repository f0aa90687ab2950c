package proxy

import "bytes"

// Classes of bytes in heads.
const (
	classToken byte = 1 << iota // may be in a name
	classValue                  // may be in a value
)

// classes says for each byte where it may stand (RFC 9110, section 5.5 and 5.6.2).
var classes = func() (t [256]byte) { //nolint:gochecknoglobals // a constant table
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			t[c] |= classValue
		}
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] |= classToken
	}
	return t
}()

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

func isToken(b []byte) bool { return len(b) > 0 && nameLength(b) == len(b) }

// nameLength returns the number of bytes before the first that cannot be in a name.
func nameLength(b []byte) int {
	for i, c := range b {
		if classes[c]&classToken == 0 {
			return i
		}
	}
	return len(b)
}

// valueLength returns the number of bytes before a CR that has a byte after it; -1 when something else than a
// value comes first.
func valueLength(b []byte) int {
	n := bytes.IndexByte(b, '\r')
	if n < 0 || n+1 >= len(b) || !validValue(b[:n]) {
		return -1
	}
	return n
}

func validValue(b []byte) bool {
	for _, c := range b {
		if classes[c]&classValue == 0 {
			return false
		}
	}
	return true
}

// validTarget accepts the origin form, and the asterisk for OPTIONS: what a gateway sends.
func validTarget(method, target []byte) bool {
	if string(target) == "*" {
		return string(method) == "OPTIONS"
	}
	if target[0] != '/' || string(method) == "CONNECT" {
		return false
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

func validHost(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c == 0x7f || c == '/' || c == '@' || c == '\\' || c == ',' {
			return false
		}
	}
	return true
}

// equalFold compares a name with its lower-case form.
func equalFold(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, c := range name {
		if toLower(c) != lower[i] {
			return false
		}
	}
	return true
}

func equalFoldBytes(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if toLower(a[i]) != toLower(b[i]) {
			return false
		}
	}
	return true
}

func hasFoldPrefix(name []byte, lower string) bool {
	return len(name) >= len(lower) && equalFold(name[:len(lower)], lower)
}

func toLower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// classify finds the fields that the engine looks at; the length decides before any byte is compared.
func classify(name []byte) known {
	switch len(name) {
	case 2:
		return match(name, "te", fieldHop)
	case 4:
		return match(name, "host", fieldHost)
	case 6:
		return match(name, "expect", fieldExpect)
	case 7:
		return match(name, "upgrade", fieldUpgrade)
	case 9:
		return match(name, "forwarded", fieldForwarded)
	case 10:
		return max(match(name, "connection", fieldConnection), match(name, "keep-alive", fieldHop))
	case 12:
		return match(name, "x-request-id", fieldRequestID)
	case 14:
		return max(match(name, "content-length", fieldContentLength), match(name, "http2-settings", fieldHop))
	case 16:
		return max(match(name, "x-forwarded-host", fieldForwardedHost), match(name, "proxy-connection", fieldHop))
	case 17:
		return match(name, "transfer-encoding", fieldTransferEncoding)
	case 20:
		return match(name, "x-fission-request-id", fieldID)
	default:
		return fieldOther
	}
}

func match(name []byte, lower string, k known) known {
	if equalFold(name, lower) {
		return k
	}
	return fieldOther
}
