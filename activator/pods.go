package activator

import (
	"math"
	"slices"
	"time"

	"hotpod.dev/proxy"
	"hotpod.dev/wire"
)

const (
	// fullRest is how long a pod that was full is not asked directly: long enough not to hammer it, short enough to
	// find the places that requests from elsewhere give up.
	fullRest = 20 * time.Millisecond
	// badRest is the first pause after a pod could not be used at all; it doubles up to worstRest. The autoscaler
	// hears of such pods soon and takes them out of the placement.
	badRest   = 100 * time.Millisecond
	worstRest = 5 * time.Second
	// abreast is how many requests set out for one pod at a time, connecting perhaps. The next sets out when one was
	// sent: a crowd that is released at once stays in order, and uses again the connections of those in front. One
	// that is not sent after the time of stall, since connecting takes long, holds up the others no more; but no more
	// than mostAbreast are on their way.
	abreast     = 4
	stall       = 2 * time.Millisecond
	mostAbreast = 32
	// reuse is how long a request waits for a connection of those in front to come back, if such come back this soon.
	reuse = 2 * time.Millisecond
)

// refusal is why a pod did not take a request.
type refusal int

const (
	// refusedFull pods have no free place now.
	refusedFull refusal = iota
	// refusedBad pods cannot take any request: they drain, hold another function or cannot be reached.
	refusedBad
)

// pod is a hot pod as this activator sees it, guarded by the queue's lock.
type pod struct {
	uid    string
	target *proxy.Target
	// birth tells how it became hot, nil when that was not told. It may be read without the lock.
	birth *birth
	// outstanding requests of this activator are at the pod.
	outstanding int
	// last is when the last of them set out.
	last time.Time
	// unsent are those that are on no connection yet, by when they set out.
	unsent []time.Time
	// rest keeps direct requests away until then; bad keeps all away.
	rest   time.Time
	bad    time.Time
	faults int
	// removed pods are not in the placement any more.
	removed bool
}

func (p *pod) refused(why refusal, now time.Time) {
	if why == refusedFull {
		p.rest = now.Add(fullRest)
		return
	}
	if p.bad.After(now) {
		return // of the requests that were there at the same time one is enough
	}
	p.bad = now.Add(min(worstRest, badRest<<min(p.faults, 8)))
	p.faults++
}

// setsOut counts a request that is to be sent to the pod.
func (p *pod) setsOut(now time.Time) {
	p.outstanding++
	p.unsent = append(p.unsent, now)
	p.last = now
}

// sent counts the request that set out then as sent, or as not to be sent.
func (p *pod) sent(then time.Time) {
	i := slices.Index(p.unsent, then)
	p.unsent = slices.Delete(p.unsent, i, i+1)
}

// crowded says that so many set out for the pod that the next has to wait a moment.
func (p *pod) crowded(now time.Time) bool {
	n := len(p.unsent)
	return n >= mostAbreast || n >= abreast && now.Sub(p.unsent[n-abreast]) < stall
}

// before says that a request should rather go here than to o: there are fewer, or they have been there for longer.
func (p *pod) before(o *pod) bool {
	return p.outstanding < o.outstanding || p.outstanding == o.outstanding && p.last.Before(o.last)
}

// stalls returns when the pod is not crowded any more though nothing was sent, zero when it is not or stays so.
func (p *pod) stalls() time.Time {
	n := len(p.unsent)
	if n < abreast || n >= mostAbreast {
		return time.Time{}
	}
	return p.unsent[n-abreast].Add(stall)
}

// pods are a function's hot pods.
type pods struct {
	all  []*pod
	turn int // where the next search begins, so that equal pods take turns
}

// set makes all the pods of a placement, keeping those that are known.
func (p *pods) set(hot []wire.HotPod, births map[string]*birth, dial func(address string) *proxy.Target) {
	known := make(map[string]*pod, len(p.all))
	for _, k := range p.all {
		known[k.uid] = k
	}
	p.all = make([]*pod, 0, len(hot))
	for _, h := range hot {
		k, ok := known[h.UID]
		if !ok {
			k = &pod{uid: h.UID, target: dial(h.Address), birth: births[h.UID]}
		}
		delete(known, h.UID)
		p.all = append(p.all, k)
	}
	for _, k := range known {
		k.removed = true
		if k.outstanding == 0 {
			k.target.Close()
		}
	}
}

// free returns the pod with the fewest requests of those that may take one directly.
func (p *pods) free(limit int, now time.Time) *pod {
	return p.fewest(nil, func(k *pod) bool {
		return !k.crowded(now) && (limit == 0 || k.outstanding < limit) && !k.rest.After(now) && !k.bad.After(now)
	})
}

// waiting returns the pod with the fewest requests of those that may queue one, another than last if possible.
func (p *pods) waiting(limit int, last *pod, now time.Time) *pod {
	return p.fewest(last, func(k *pod) bool {
		return !k.crowded(now) && (limit == 0 || k.outstanding < limit+waitersPerPod) && !k.bad.After(now)
	})
}

// fewest returns the fitting pod with the fewest requests; but only when there is no other.
func (p *pods) fewest(but *pod, fits func(*pod) bool) *pod {
	if len(p.all) == 0 {
		return nil
	}
	p.turn = (p.turn + 1) % len(p.all)
	var best *pod
	for _, part := range [...][]*pod{p.all[p.turn:], p.all[:p.turn]} {
		for _, k := range part {
			if !fits(k) {
				continue
			}
			if k.outstanding == 0 && k != but { // none has fewer
				return k
			}
			if best == nil || best == but || k != but && k.before(best) {
				best = k
			}
		}
	}
	return best
}

// room returns how many requests the pods will take directly as soon as others were sent there.
func (p *pods) room(limit int, now time.Time) int {
	n := 0
	for _, k := range p.all {
		if !k.crowded(now) || k.rest.After(now) || k.bad.After(now) {
			continue
		}
		if limit == 0 {
			return math.MaxInt
		}
		n += max(0, limit-k.outstanding)
	}
	return n
}

// wakes returns the next moment at which a pod may be used again, zero when there is none to come.
func (p *pods) wakes(now time.Time) time.Time {
	var next time.Time
	for _, k := range p.all {
		for _, t := range [...]time.Time{k.rest, k.bad, k.stalls()} {
			if t.After(now) && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}
