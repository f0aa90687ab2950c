package proxy

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

func TestChunks_FindTheEndHoweverTheyArrive(t *testing.T) {
	raw := crlf("5\nhello\nA;ext=\"1\"\n0123456789\n0\nTrailer: x\nOther: y\n\n")
	for step := 1; step <= len(raw); step++ {
		var c chunks
		total := 0
		for rest := append(bytes.Clone(raw), "GET / next"...); c.state != chunkComplete; {
			n, err := c.scan(rest[:min(step, len(rest))])
			if err != nil {
				t.Fatalf("step %d: %v after %d bytes", step, err, total)
			}
			rest, total = rest[n:], total+n
		}
		if total != len(raw) {
			t.Errorf("step %d: the body ends after %d bytes, want %d", step, total, len(raw))
		}
	}
}

func TestChunks_RefuseWhatReadersCouldUnderstandDifferently(t *testing.T) {
	for name, raw := range map[string]string{
		"no digits":              "\r\n",
		"a sign":                 "+5\r\nhello\r\n",
		"a prefix":               "0x5\r\nhello\r\n",
		"a space before":         " 5\r\nhello\r\n",
		"a space behind":         "5 \r\nhello\r\n",
		"a bare feed":            "5\nhello\r\n",
		"a bare feed after data": "5\r\nhello\n0\r\n\r\n",
		"data too long":          "5\r\nhello!\r\n",
		"a huge size":            "ffffffffffffffff\r\n",
		"a huge extension":       "5;" + strings.Repeat("x", 1000) + "\r\n",
		"a feed in an extension": "5;a\nb\r\nhello\r\n",
		"a trailer of framing":   "0\r\nContent-Length: 3\r\n\r\n",
		"a trailer of ours":      "0\r\nX-Hotpod-Busy: 1\r\n\r\n",
		"a trailer of Fission":   "0\r\nX-Fission-Params-Id: 1\r\n\r\n",
		"a folded trailer":       "0\r\nA: b\r\n c\r\n\r\n",
		"endless trailers":       "0\r\n" + strings.Repeat("A: b\r\n", 3000),
	} {
		t.Run(name, func(t *testing.T) {
			var c chunks
			if n, err := c.scan([]byte(raw)); err == nil {
				t.Errorf("took %d of %d bytes", n, len(raw))
			}
		})
	}
}

// FuzzChunks holds the scanner against net/http's reader: where we see an end, it must see the same.
func FuzzChunks(f *testing.F) {
	f.Add(crlf("5\nhello\n0\n\n"), uint8(3))
	f.Add(crlf("1;x\na\n00\nT: v\n\nrest"), uint8(1))
	f.Add(crlf("5 \nhello\n0\n\n"), uint8(9))
	f.Fuzz(func(t *testing.T, raw []byte, step uint8) {
		var whole, pieces chunks
		n, err := whole.scan(raw)
		m, perr := 0, error(nil)
		for at := 0; at < len(raw) && perr == nil && pieces.state != chunkComplete; {
			var k int
			k, perr = pieces.scan(raw[at:min(len(raw), at+1+int(step))])
			at, m = at+k, m+k
		}
		if n != m || (err == nil) != (perr == nil) {
			t.Fatalf("%q: at once %d %v, in pieces %d %v", raw, n, err, m, perr)
		}
		if whole.state != chunkComplete {
			return
		}
		if _, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(raw[:n]))); err != nil {
			t.Fatalf("%q: we take what net/http refuses: %v", raw[:n], err)
		}
	})
}
