package logstore

import (
	"encoding/binary"
	"time"

	"hotpod.dev/logline"
)

// Source is who wrote a line.
type Source = logline.Source

// Line is what was written at once.
type Line = logline.Record

// Query chooses lines.
type Query = logline.Query

// overhead is about what a stored line takes beside its texts, indexes included.
const overhead = 120

// size is about what the line takes in the database; an id of a request is in an index too.
func size(l *Line, later []byte) int64 {
	return int64(overhead + len(l.Text) + 2*len(l.RequestID) + len(l.TraceID) + len(later))
}

// encodeLater packs durations; nil for none.
func encodeLater(later []time.Duration) []byte {
	var b []byte
	for _, d := range later {
		b = binary.AppendVarint(b, int64(d))
	}
	return b
}

func decodeLater(b []byte) []time.Duration {
	var later []time.Duration
	for len(b) > 0 {
		d, n := binary.Varint(b)
		if n <= 0 {
			return later
		}
		later, b = append(later, time.Duration(d)), b[n:]
	}
	return later
}
