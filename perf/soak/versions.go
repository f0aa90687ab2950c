package soak

import (
	"fmt"
	"time"
)

const (
	// settle is how long after the first answer of a later version an earlier one may still take requests: the news
	// has to reach every Envoy.
	settle = 1500 * time.Millisecond
	// recovery is how long after an outage of the control plane it may be late.
	recovery = 5 * time.Second
)

// versions are those of one function's code.
type versions struct {
	// declared is when each was written, or tried to; the index is the version.
	declared []time.Time
	// superseded is when an answer of a later version was first seen.
	superseded map[int]time.Time
	newest     int
}

func newVersions() *versions {
	return &versions{declared: []time.Time{{}}, superseded: map[int]time.Time{}} // versions begin with 1
}

// declare notes that a new version is about to be written, and returns its number.
func (v *versions) declare() int {
	v.declared = append(v.declared, time.Now())
	return len(v.declared) - 1
}

// judge says what is wrong with the version that answered the call; "" when it may have been current.
func (v *versions) judge(c *call, outages []*outage) string {
	if c.version < 1 || c.version >= len(v.declared) || v.declared[c.version].After(c.ended) {
		return fmt.Sprintf("version %d does not exist", c.version)
	}
	for older := v.newest; older < c.version; older++ {
		v.superseded[older] = c.ended
	}
	v.newest = max(v.newest, c.version)
	since, gone := v.superseded[c.version]
	if !gone || !c.began.After(since.Add(settle)) || troubled(outages, since, c.began) {
		return ""
	}
	return fmt.Sprintf("version %d was replaced %s before the request", c.version, c.began.Sub(since).Round(time.Millisecond))
}

// troubled says whether a part of the control plane was away, or had just come back, between two moments.
func troubled(outages []*outage, from, to time.Time) bool {
	for _, o := range outages {
		if !o.from.After(to) && (o.to.IsZero() || o.to.Add(recovery).After(from)) {
			return true
		}
	}
	return false
}
