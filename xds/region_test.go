package xds

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func anyItems(t *rapid.T) []item[int] {
	heads := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 1, 6, -1), 0, 60).Draw(t, "heads")
	items := make([]item[int], len(heads))
	for i, h := range heads {
		items[i] = item[int]{"/" + h, rapid.IntRange(0, 4).Draw(t, "open") == 0, i}
	}
	slices.SortStableFunc(items, func(a, b item[int]) int { return cmp.Compare(a.head, b.head) })
	return items
}

// regionOf is where a path is looked up.
func regionOf(regions []region[int], path string) region[int] {
	for _, r := range regions[1:] {
		if strings.HasPrefix(path, r.prefix) {
			return r
		}
	}
	return regions[0]
}

func (i item[T]) mayMatch(path string) bool {
	return i.head == path || i.open && strings.HasPrefix(path, i.head)
}

func TestDivide_LeavesEveryItemWhereItsPathsAre(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items := anyItems(rt)
		regions := divide(items, division{most: rapid.IntRange(1, 8).Draw(rt, "most"), least: rapid.IntRange(1, 4).Draw(rt, "least")})
		for _, a := range regions[1:] {
			for _, b := range regions[1:] {
				if a.prefix != b.prefix && strings.HasPrefix(a.prefix, b.prefix) {
					rt.Fatalf("%q lies in %q", a.prefix, b.prefix)
				}
			}
		}
		for range 50 {
			path := "/" + rapid.StringOfN(rapid.SampledFrom([]rune("ab/")), 0, 8, -1).Draw(rt, "path")
			r := regionOf(regions, path)
			for _, i := range items {
				if i.mayMatch(path) && !slices.Contains(r.items, i) {
					rt.Fatalf("%+v may match %s and is not in the region %q: %+v", i, path, r.prefix, regions)
				}
			}
		}
	})
}

func TestDivide_MakesRegionsOfGoodSize(t *testing.T) {
	d := division{most: 512, least: 16}
	for name, head := range map[string]func(int) string{
		"numbered names":      func(i int) string { return fmt.Sprintf("/api/v1/function-%05d", i) },
		"random names":        func(i int) string { return fmt.Sprintf("/%x", uint32(i)*2654435761) },
		"a folder each":       func(i int) string { return fmt.Sprintf("/%d/api/v1/", i) },
		"few in many folders": func(i int) string { return fmt.Sprintf("/team-%02d/%d", i%97, i) },
	} {
		for _, n := range []int{100, 1000, 10_000, 50_000} {
			items := make([]item[int], n)
			for i := range items {
				items[i] = item[int]{head(i), i%2 == 0, i}
			}
			slices.SortFunc(items, func(a, b item[int]) int { return cmp.Compare(a.head, b.head) })
			regions := divide(items, d)
			total, largest := 0, 0
			for _, r := range regions {
				total += len(r.items)
				largest = max(largest, len(r.items))
			}
			if largest > 4*d.most || len(regions) > 1+n/d.least || total > n+n/4 || len(regions) == 1 && n > d.most {
				t.Errorf("%d %s: %d regions, the largest of %d, the root of %d, together %d", n, name, len(regions), largest, len(regions[0].items), total)
			}
		}
	}
}

func TestDivide_KeepsTogetherWhatMatchesEverywhere(t *testing.T) {
	var items []item[int]
	for i := range 2000 {
		items = append(items, item[int]{"/", true, i}) // templates whose first segment is a variable
	}
	for i := range 2000 {
		items = append(items, item[int]{fmt.Sprintf("/a%04d", i), false, 2000 + i})
	}
	if regions := divide(items, division{most: 512, least: 16}); len(regions) != 1 || len(regions[0].items) != 4000 {
		t.Errorf("%d regions", len(regions))
	}
}

// A route more or less changes its own region, and the root only when regions come or go.
func TestDivide_ChangesFewRegionsAtOnce(t *testing.T) {
	var items []item[int]
	for i := range 10_000 {
		items = append(items, item[int]{fmt.Sprintf("/api/function-%05d", i), false, i})
	}
	d := division{most: 512, least: 16}
	before := divide(items, d)
	at, _ := slices.BinarySearchFunc(items, "/api/function-04321x", func(i item[int], s string) int { return cmp.Compare(i.head, s) })
	after := divide(slices.Insert(slices.Clone(items), at, item[int]{"/api/function-04321x", false, -1}), d)
	changed := 0
	for i := range after {
		if !slices.Equal(after[i].items, before[i].items) || after[i].prefix != before[i].prefix {
			changed++
		}
	}
	if len(before) != len(after) || changed != 1 {
		t.Errorf("%d of %d regions changed", changed, len(after))
	}
}
