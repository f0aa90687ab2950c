package xds

import "slices"

// sortedLike sorts items as compare says. Most of them are in before, which is sorted: that is far quicker than to sort.
// Items that compare as equal may come in any order.
func sortedLike[T comparable](items, before []T, compare func(a, b T) int) []T {
	fresh := make(map[T]bool, len(items))
	for _, i := range items {
		fresh[i] = true
	}
	kept := make([]T, 0, len(items))
	for _, i := range before {
		if fresh[i] {
			kept = append(kept, i)
			delete(fresh, i)
		}
	}
	added := make([]T, 0, len(fresh))
	for i := range fresh {
		added = append(added, i)
	}
	slices.SortFunc(added, compare)
	return merge(kept, added, compare)
}

// merge joins two sorted lists.
func merge[T any](a, b []T, compare func(a, b T) int) []T {
	if len(b) == 0 {
		return a
	}
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compare(b[0], a[0]) < 0 {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}
