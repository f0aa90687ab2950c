package xds

import (
	"slices"
	"strings"
)

// item is something that matches paths: those that begin with head, or head alone.
type item[T comparable] struct {
	head string
	// open says that paths longer than head may match too.
	open  bool
	value T
}

// region is a set of paths and all items that may match any of them. Its paths begin with prefix; those of the root,
// whose prefix is "", begin with the prefix of no other region.
type region[T comparable] struct {
	prefix string
	items  []item[T]
}

// division says how many items a region has, so that a change of one is cheap.
type division struct {
	// most is the number above which a region is divided.
	most int
	// least is the number of items that are worth a region of their own.
	least int
}

// divide splits items, sorted by head, into regions: the root first, the others by prefix, none of which begins with
// another. The result depends on the items and on nothing else, and a change of one item changes few regions.
func divide[T comparable](items []item[T], d division) []region[T] {
	r := divider[T]{division: d, regions: []region[T]{{}}}
	if len(items) <= d.most {
		r.regions[0].items = items
		return r.regions
	}
	r.split(items, nil)
	return r.regions
}

type divider[T comparable] struct {
	division
	regions []region[T] // the root first
}

// split shares items among regions. All begin with the same text as far as those before it told; passing are the open
// items of shorter heads, which may match here too.
func (r *divider[T]) split(items, passing []item[T]) {
	common := commonPrefix(items[0].head, items[len(items)-1].head)
	here := 0
	for here < len(items) && len(items[here].head) == len(common) {
		if items[here].open {
			passing = append(slices.Clip(passing), items[here])
		}
		here++
	}
	r.keep(items[:here])
	items = items[here:]
	if len(passing) > r.most { // each region would have all of them
		r.keep(items)
		return
	}
	for len(items) > 0 {
		prefix := items[0].head[:len(common)+1]
		end := slices.IndexFunc(items, func(i item[T]) bool { return !strings.HasPrefix(i.head, prefix) })
		if end < 0 {
			end = len(items)
		}
		r.place(prefix, items[:end], passing)
		items = items[end:]
	}
}

// place makes a region of the items that begin with prefix, or divides them further.
func (r *divider[T]) place(prefix string, items, passing []item[T]) {
	switch {
	case len(items) < r.least:
		r.keep(items)
	case len(items) <= r.most || !r.divisible(items):
		r.regions = append(r.regions, region[T]{prefix, slices.Concat(passing, items)})
	default:
		r.split(items, passing)
	}
}

// divisible says whether the items fall into parts that are worth a region: a few that do not are left to the root, but
// many only if the items are far too many for one region.
func (r *divider[T]) divisible(items []item[T]) bool {
	at := len(commonPrefix(items[0].head, items[len(items)-1].head))
	worth, few := 0, 0
	for start := 0; start < len(items); {
		end := start + 1
		if len(items[start].head) > at {
			for end < len(items) && items[end].head[at] == items[start].head[at] {
				end++
			}
		}
		if end-start >= r.least {
			worth += end - start
		} else {
			few += end - start
		}
		start = end
	}
	return worth > 0 && (few <= len(items)/32 || len(items) > 4*r.most)
}

// keep leaves items to the root.
func (r *divider[T]) keep(items []item[T]) {
	r.regions[0].items = append(r.regions[0].items, items...)
}

func commonPrefix(a, b string) string {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return a[:i]
		}
	}
	return a[:n]
}
