package proxy

import "errors"

var errBadChunk = errors.New("malformed chunked body")

// Limits of what surrounds the data of a chunked body.
const (
	maxChunkDigits    = 15
	maxChunkExtension = 256
	maxTrailers       = 8 << 10
)

type chunkState uint8

const (
	chunkSize      chunkState = iota // at the digits of a chunk's size
	chunkExtension                   // behind the size
	chunkSizeLF                      // at the LF of the size line
	chunkData                        // inside the data
	chunkDataCR                      // behind the data
	chunkDataLF
	chunkLine     // at the beginning of a trailer line, or at the blank one
	chunkName     // in a trailer's name
	chunkValue    // in a trailer's value
	chunkValueLF  // at the LF of a trailer line
	chunkFinalLF  // at the LF of the blank line
	chunkComplete // behind it
)

// chunks follows a chunked body without changing it: it finds where the body ends, and refuses what other readers
// might frame differently (bare line feeds, spaces around sizes, oversized numbers). Its zero value is ready.
type chunks struct {
	state  chunkState
	digits int
	extra  int // bytes of extension in this line, of trailers in all
	left   int64
	name   []byte
}

// scan takes the next bytes of the connection and returns how many of them belong to the body.
func (c *chunks) scan(p []byte) (n int, err error) {
	for n < len(p) && c.state != chunkComplete {
		if c.state == chunkData {
			take := int(min(int64(len(p)-n), c.left))
			n, c.left = n+take, c.left-int64(take)
			if c.left == 0 {
				c.state = chunkDataCR
			}
			continue
		}
		if !c.step(p[n]) {
			return n, errBadChunk
		}
		n++
	}
	return n, nil
}

// step takes one byte outside the data and reports whether it may stand there.
func (c *chunks) step(b byte) bool {
	switch c.state {
	case chunkSize:
		return c.sizeByte(b)
	case chunkExtension:
		c.extra++
		if b == '\r' {
			c.state = chunkSizeLF
			return true
		}
		return c.extra <= maxChunkExtension && classes[b]&classValue != 0
	case chunkSizeLF:
		return b == '\n' && c.sizeRead()
	case chunkDataCR:
		c.state = chunkDataLF
		return b == '\r'
	case chunkDataLF:
		c.state, c.digits, c.extra = chunkSize, 0, 0
		return b == '\n'
	default:
		return c.trailerByte(b)
	}
}

func (c *chunks) sizeByte(b byte) bool {
	d := unhex(b)
	switch {
	case d >= 0:
		c.left = c.left<<4 | int64(d)
		c.digits++
		return c.digits <= maxChunkDigits
	case c.digits == 0:
		return false
	case b == '\r':
		c.state = chunkSizeLF
		return true
	default:
		c.state = chunkExtension
		return b == ';'
	}
}

func (c *chunks) sizeRead() bool {
	c.state = chunkData
	if c.left == 0 {
		c.state, c.extra = chunkLine, 0
	}
	return true
}

// trailerByte takes a byte behind the last chunk.
func (c *chunks) trailerByte(b byte) bool {
	if c.extra++; c.extra > maxTrailers {
		return false
	}
	switch c.state {
	case chunkLine:
		if b == '\r' {
			c.state = chunkFinalLF
			return true
		}
		c.name, c.state = append(c.name[:0], b), chunkName
		return classes[b]&classToken != 0
	case chunkName:
		if b == ':' {
			c.state = chunkValue
			return trailerAllowed(c.name)
		}
		c.name = append(c.name, b)
		return classes[b]&classToken != 0
	case chunkValue:
		if b == '\r' {
			c.state = chunkValueLF
			return true
		}
		return classes[b]&classValue != 0
	case chunkValueLF:
		c.state = chunkLine
		return b == '\n'
	default:
		c.state = chunkComplete
		return b == '\n'
	}
}

// trailerAllowed refuses the names that mean something before a body: a reader that merges trailers into the head
// must not be led astray.
func trailerAllowed(name []byte) bool {
	return classify(name) == fieldOther && !hasFoldPrefix(name, "x-hotpod-") && !hasFoldPrefix(name, "x-fission-")
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	default:
		return -1
	}
}
