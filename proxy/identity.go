package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"hotpod.dev/wire"
)

// maxID is the longest ID that a client may choose for its request.
const maxID = 192

// headerPlainID is how everybody but Fission names a request's ID.
const headerPlainID = "X-Request-Id"

// identity is what a request is known by: the client's X-Fission-Request-ID, else its X-Request-Id, else one made here.
// Whoever is first to hold a request makes it and passes it on in both, so that the Envoys need not; the answer tells it
// to the client.
type identity struct {
	id string
	// named says that there is an X-Request-Id, which is never touched.
	named bool
	made  [36]byte
}

// decide chooses among the two headers' values, "" for one that is absent. The ID is valid as long as they are.
func (i *identity) decide(fission, plain string, named bool) {
	i.named = named
	switch {
	case goodID(fission):
		i.id = fission
	case goodID(plain):
		i.id = plain
	default:
		i.id = view(i.make())
	}
}

// make makes a random UUID.
func (i *identity) make() []byte {
	var b [16]byte
	binary.NativeEndian.PutUint64(b[:8], rand.Uint64()) //nolint:gosec // an ID is no secret
	binary.NativeEndian.PutUint64(b[8:], rand.Uint64()) //nolint:gosec // an ID is no secret
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80         // version 4
	at := 0
	for n, part := range [...][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if n > 0 {
			i.made[at] = '-'
			at++
		}
		at += hex.Encode(i.made[at:], part)
	}
	return i.made[:]
}

// appendTo appends the lines that pass the ID on to an upstream.
func (i *identity) appendTo(dst []byte) []byte {
	dst = i.append(dst)
	if !i.named {
		dst = appendLine(dst, headerPlainID, i.id)
	}
	return dst
}

// append appends the line that a client reads.
func (i *identity) append(dst []byte) []byte { return appendLine(dst, wire.HeaderRequestID, i.id) }

// goodID reports whether an ID is 1 to maxID characters of printable ASCII.
func goodID(id string) bool {
	if len(id) < 1 || len(id) > maxID {
		return false
	}
	for n := range len(id) {
		if id[n] < ' ' || id[n] > '~' {
			return false
		}
	}
	return true
}

// identify decides what the request is known by.
func (c *h1) identify() {
	c.id.decide(view(c.req.knownValue(fieldID)), view(c.req.knownValue(fieldRequestID)), c.req.has(fieldRequestID))
	c.req.identity, c.resp.identity = &c.id, &c.id
}

func (x *h2) identify() {
	plain := x.Header(headerPlainID)
	x.id.decide(x.Header(wire.HeaderRequestID), plain, plain != "")
}
