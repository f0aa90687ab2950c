package autoscaler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hotpod.dev/wire"
)

// silence is how long a new pod may say nothing: a report needs a second.
const silence = 2 * time.Second

// pod is a hot pod of one function.
type pod struct {
	hot        wire.HotPod
	generation int64
	since      time.Time
	// placed is the first placement that names the pod; 0 before.
	placed uint64
	// adopted pods were hot before this autoscaler started.
	adopted bool
	// outdated pods are made of what their environment does not say any more: they serve until others do.
	outdated bool
	// unready pods say by their own probes that they should get no requests now.
	unready bool
	// leaving pods take nothing new: they drain, or are gone and only their last report is awaited.
	leaving bool
	// gone is when the pool said so, zero before.
	gone time.Time
	load load
	// stop ends the report stream; nil while none was begun.
	stop context.CancelFunc
}

// takes says whether the pod takes requests. A pod that may take one request in its life and had it does not.
func (p *pod) takes(once bool) bool {
	return !p.leaving && !p.load.last.Draining && !p.load.last.Broken && (!once || !p.spent())
}

// rank orders pods by how new what they hold and are made of is.
func (p *pod) rank() int64 {
	if p.outdated {
		return 2 * p.generation
	}
	return 2*p.generation + 1
}

func (p *pod) spent() bool {
	if p.load.busy() > 0 {
		return false
	}
	for _, n := range p.load.last.Requests {
		if n > 0 {
			return true
		}
	}
	return false
}

// unknown pods may be doing anything.
func (p *pod) unknown(now time.Time) bool {
	return !p.load.known && (p.adopted || now.Sub(p.since) >= silence)
}

// fresh pods are not known to those who wait, as far as these have said: what waits was counted without their places.
func (p *pod) fresh(seen uint64, now time.Time) bool {
	return !p.unready && now.Sub(p.since) < slowest && (p.placed == 0 || p.placed > seen)
}

// free returns the places that the pod had at its last report.
func (p *pod) free(limit int) int {
	if !p.load.known || p.unready {
		return 0
	}
	return max(0, limit-p.load.busy())
}

// choose returns n pods to drain: idle ones, the youngest first, because an old pod has proven itself and its
// caches are warm. Busy ones only when every pod is busy, and never those that nothing is known of.
func choose(pods []*pod, n int) []*pod {
	known := make([]*pod, 0, len(pods))
	idle := 0
	for _, p := range pods {
		if p.load.known {
			known = append(known, p)
		}
		if p.load.known && p.load.busy() == 0 {
			idle++
		}
	}
	slices.SortFunc(known, func(a, b *pod) int {
		return cmp.Or(cmp.Compare(a.load.busy(), b.load.busy()), b.since.Compare(a.since), cmp.Compare(a.hot.UID, b.hot.UID))
	})
	if idle > 0 {
		n = min(n, idle)
	}
	return known[:min(n, len(known))]
}
