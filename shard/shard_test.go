package shard

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestOf_EachFunctionHasExactlyOneShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uid, n := rapid.String().Draw(t, "uid"), rapid.IntRange(1, Most).Draw(t, "shards")
		serving := 0
		for i := range n {
			if (Shard{Index: i, Of: n}).Has(uid) {
				serving++
			}
		}
		if serving != 1 {
			t.Fatalf("%q is served by %d of %d shards", uid, serving, n)
		}
	})
}

func TestOf_AnAddedShardTakesFunctionsAndTheOthersKeepTheirs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		uid, n := rapid.String().Draw(t, "uid"), rapid.IntRange(1, Most-1).Draw(t, "shards")
		before, after := Of(uid, n), Of(uid, n+1)
		if after != before && after != n {
			t.Fatalf("%q moved from %d to %d when shard %d was added", uid, before, after, n)
		}
	})
}

func TestOf_SpreadsFunctionsEvenly(t *testing.T) {
	const functions = 10_000
	for _, n := range []int{2, 3, 7, 16} {
		counts := make([]int, n)
		for i := range functions {
			counts[Of(fmt.Sprintf("5d0a3c1e-9d6c-4c1b-8f43-%012d", i), n)]++
		}
		for i, c := range counts {
			if mean := functions / n; c < mean*85/100 || c > mean*115/100 {
				t.Errorf("of %d functions shard %d/%d has %d, about %d are its part", functions, i, n, c, mean)
			}
		}
	}
}

// Programs of two versions run beside one another during an update, and pods outlive both.
func TestOf_StaysWhatItIs(t *testing.T) {
	got := ""
	for _, uid := range []string{"", "a", "5d0a3c1e-9d6c-4c1b-8f43-0c1f3a7d2b10", "0b7b0a4e-6c39-4a0b-9d7b-2f6a3a1f5c11"} {
		for _, n := range []int{2, 3, 16, Most} {
			got += fmt.Sprint(Of(uid, n), " ")
		}
	}
	if want := "1 1 1 59 1 1 5 24 0 0 7 7 0 2 14 29 "; got != want {
		t.Errorf("shards %q, want %q", got, want)
	}
}

func TestPart_SplitsAPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, pods := rapid.IntRange(1, Most).Draw(t, "shards"), rapid.IntRange(0, 1000).Draw(t, "pods")
		sum, least, most := 0, pods, 0
		for i := range n {
			part := Shard{Index: i, Of: n}.Part(pods)
			sum, least, most = sum+part, min(least, part), max(most, part)
		}
		switch {
		case most-least > 1, pods >= n && sum != pods, pods > 0 && pods < n && sum != n, pods == 0 && sum != 0:
			t.Fatalf("%d pods in %d parts: %d in all, from %d to %d", pods, n, sum, least, most)
		}
	})
}

func TestParse_TakesWhatItWritesAndRefusesTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, Most).Draw(t, "shards")
		s := Shard{Index: rapid.IntRange(0, n-1).Draw(t, "index"), Of: n}
		if got, err := Parse(s.String()); err != nil || got != s {
			t.Fatalf("Parse(%s) = %v, %v", s, got, err)
		}
	})
	if s, err := Parse(""); err != nil || !s.Alone() || !s.Has("anything") {
		t.Errorf("Parse of nothing = %v, %v", s, err)
	}
	for _, bad := range []string{"1", "2/2", "-1/2", "0/0", "0/65", "a/2", "0/b", "/", "0/2/3"} {
		if s, err := Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %v", bad, s)
		}
	}
}
