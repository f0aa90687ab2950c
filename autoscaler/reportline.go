package autoscaler

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"hotpod.dev/wire"
)

// parseReport reads a line of a report stream. Thousands of pods send one a second, all in the form that a queue-proxy
// writes; a line in another form, of a newer one for instance, takes the way that understands any.
func parseReport(line []byte) (wire.Report, error) {
	if r, ok := parseUsual(line); ok {
		return r, nil
	}
	var r wire.Report
	err := json.Unmarshal(line, &r)
	return r, err
}

// parseUsual reads the fields of wire.Report in their order, without spaces; ok is false for anything else.
func parseUsual(line []byte) (r wire.Report, ok bool) {
	s := scanner{rest: line}
	s.word(`{"uptimeMillis":`)
	r.UptimeMillis = int64(s.number()) //nolint:gosec // number has 18 digits at most
	s.word(`,"concurrency":`)
	r.Concurrency = s.fraction()
	s.word(`,"inFlight":`)
	r.InFlight = int(s.number()) //nolint:gosec // as above
	s.word(`,"waiting":`)
	r.Waiting = int(s.number()) //nolint:gosec // as above
	r.Draining = s.has(`,"draining":true`)
	r.Broken = s.has(`,"broken":true`)
	s.word(`,"requests":`)
	s.numbers(r.Requests[:])
	s.word(`,"refused":`)
	r.Refused = s.number()
	s.word(`,"durationMicros":`)
	r.DurationMicros = s.number()
	s.word(`,"buckets":`)
	s.numbers(r.Buckets[:])
	s.word(`}`)
	return r, !s.failed && len(s.rest) == 0
}

// scanner reads from the front of rest; once it failed it stays so.
type scanner struct {
	rest   []byte
	failed bool
}

func (s *scanner) has(word string) bool {
	if !bytes.HasPrefix(s.rest, []byte(word)) {
		return false
	}
	s.rest = s.rest[len(word):]
	return true
}

func (s *scanner) word(word string) { s.failed = !s.has(word) || s.failed }

// number reads a whole number that is not negative.
func (s *scanner) number() (n uint64) {
	const most = 18 // digits, which fit
	i := 0
	for ; i < len(s.rest) && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		n = 10*n + uint64(s.rest[i]-'0')
	}
	s.failed = s.failed || i == 0 || i > most
	s.rest = s.rest[i:]
	return n
}

// numbers reads as many as there is room for.
func (s *scanner) numbers(into []uint64) {
	for i := range into {
		if i == 0 {
			s.word(`[`)
		} else {
			s.word(`,`)
		}
		into[i] = s.number()
	}
	s.word(`]`)
}

// fraction reads any number.
func (s *scanner) fraction() float64 {
	i := 0
	for i < len(s.rest) && (s.rest[i] >= '0' && s.rest[i] <= '9' || strings.IndexByte(".-+eE", s.rest[i]) >= 0) {
		i++
	}
	f, err := strconv.ParseFloat(string(s.rest[:i]), 64)
	s.failed = s.failed || err != nil
	s.rest = s.rest[i:]
	return f
}
