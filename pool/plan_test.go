package pool

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func pods(specs ...Pod) []Pod {
	for i := range specs {
		if specs[i].UID == "" {
			specs[i].UID = fmt.Sprint("p", i)
		}
		if specs[i].Hash == "" {
			specs[i].Hash = "h"
		}
		specs[i].Created = time.Unix(int64(i), 0)
	}
	return specs
}

func TestPlan(t *testing.T) {
	size := func(n int) Wanted { return Wanted{Hash: "h", Size: n, Max: 10, MayCreate: true} }
	failing := func(n int, may bool) Wanted {
		return Wanted{Hash: "h", Size: n, Max: 10, Failing: true, MayCreate: may}
	}
	later := func(n int) Wanted { return Wanted{Hash: "h", Size: n, Max: 10, MayCreate: true, Later: true} }
	warm, starting := Pod{State: Warm}, Pod{State: Starting}
	broken := Pod{State: Starting, Broken: true}
	for name, c := range map[string]struct {
		o    Observed
		w    Wanted
		want []Action
	}{
		"an empty pool is filled":                        {Observed{}, size(3), []Action{{Create: 3}}},
		"what starts and is asked for counts":            {Observed{Pods: pods(warm, starting), Creating: 1}, size(3), nil},
		"each waiting claim gets a pod beside the pool":  {Observed{Pods: pods(starting), Waiting: 5}, size(2), []Action{{Create: 6}}},
		"later, nothing is made for the pool":            {Observed{Pods: pods(warm)}, later(5), nil},
		"later, waiting claims get their pods":           {Observed{Pods: pods(starting), Creating: 1, Waiting: 3}, later(5), []Action{{Create: 1}}},
		"later, surplus still goes":                      {Observed{Pods: pods(warm, warm)}, later(1), []Action{{Delete: "p1", Reason: "surplus"}}},
		"the maximum counts busy pods":                   {Observed{Busy: 8, Waiting: 5}, size(3), []Action{{Create: 2}}},
		"busy pods beyond the maximum are left alone":    {Observed{Busy: 12}, size(3), nil},
		"surplus goes, starting ones first, then newest": {Observed{Pods: pods(warm, warm, starting)}, size(1), []Action{{Delete: "p2", Reason: "surplus"}, {Delete: "p1", Reason: "surplus"}}},
		"outdated pods go and are replaced":              {Observed{Pods: pods(Pod{State: Warm, Hash: "old"})}, size(1), []Action{{Delete: "p0", Reason: "outdated"}, {Create: 1}}},
		"former warm pods stay until a new one starts": {
			Observed{Pods: pods(Pod{State: Warm, Hash: "old"}, Pod{State: Starting, Hash: "old"}), Creating: 1},
			Wanted{Hash: "h", Size: 2, Max: 10, MayCreate: true, KeepFormer: true},
			[]Action{{Delete: "p1", Reason: "outdated"}, {Create: 1}},
		},
		"former pods that start stay when such were seen to": {
			Observed{Pods: pods(Pod{State: Starting, Hash: "old"}, Pod{State: Starting, Hash: "old", Broken: true}, Pod{State: Starting, Hash: "older"})},
			Wanted{Hash: "h", Size: 2, Max: 10, MayCreate: true, KeepFormer: true, Proven: "old"},
			[]Action{{Delete: "p1", Reason: "outdated"}, {Delete: "p2", Reason: "outdated"}, {Create: 2}},
		},
		"of pods that find no node there are few": {
			Observed{Pods: pods(Pod{State: Starting, Stuck: true}, Pod{State: Starting, Stuck: true}), Waiting: 90},
			Wanted{Hash: "h", Size: 3, Max: 1000, MayCreate: true},
			[]Action{{Create: mostStuck - 2}},
		},
		"unfit pods go and are replaced":                  {Observed{Pods: pods(Pod{State: Warm, Unfit: true})}, size(1), []Action{{Delete: "p0", Reason: "unfit"}, {Create: 1}}},
		"no environment, no pods":                         {Observed{Pods: pods(warm, starting), Waiting: 3}, Wanted{}, []Action{{Delete: "p0", Reason: "outdated"}, {Delete: "p1", Reason: "outdated"}}},
		"backed off, nothing is made":                     {Observed{}, Wanted{Hash: "h", Size: 3, Max: 10}, nil},
		"failing, one is tried":                           {Observed{Waiting: 4}, failing(3, true), []Action{{Create: 1}}},
		"failing, one at a time":                          {Observed{Pods: pods(starting)}, failing(3, true), nil},
		"failing and backed off, the newest broken stays": {Observed{Pods: pods(broken, broken)}, failing(3, false), []Action{{Delete: "p0", Reason: "broken"}}},
		"failing, the next try replaces the broken":       {Observed{Pods: pods(broken)}, failing(3, true), []Action{{Delete: "p0", Reason: "broken"}, {Create: 1}}},
		"failing but nothing needed, the broken goes":     {Observed{Pods: pods(broken)}, failing(0, false), []Action{{Delete: "p0", Reason: "broken"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if d := cmp.Diff(c.want, Plan(c.o, c.w)); d != "" {
				t.Errorf("plan (-want +got):\n%s", d)
			}
		})
	}
}

// draw makes any observation and wish.
func draw(t *rapid.T) (Observed, Wanted) {
	n := rapid.IntRange(0, 12).Draw(t, "pods")
	o := Observed{
		Busy:     rapid.IntRange(0, 8).Draw(t, "busy"),
		Creating: rapid.IntRange(0, 3).Draw(t, "creating"),
		Waiting:  rapid.IntRange(0, 6).Draw(t, "waiting"),
	}
	for i := range n {
		o.Pods = append(o.Pods, Pod{
			UID:     fmt.Sprint("p", i),
			State:   rapid.SampledFrom([]State{Starting, Warm}).Draw(t, "state"),
			Hash:    rapid.SampledFrom([]string{"h", "h", "h", "old"}).Draw(t, "hash"),
			Broken:  rapid.IntRange(0, 4).Draw(t, "broken") == 0,
			Unfit:   rapid.IntRange(0, 5).Draw(t, "unfit") == 0,
			Created: time.Unix(rapid.Int64Range(0, 5).Draw(t, "created"), 0),
		})
	}
	return o, Wanted{
		Hash:      rapid.SampledFrom([]string{"h", "h", "h", ""}).Draw(t, "wanted"),
		Size:      rapid.IntRange(0, 8).Draw(t, "size"),
		Max:       rapid.IntRange(1, 15).Draw(t, "max"),
		Failing:   rapid.Bool().Draw(t, "failing"),
		MayCreate: rapid.Bool().Draw(t, "may"),
	}
}

// carryOut applies a plan as the world would, where every created pod starts well.
func carryOut(o Observed, plan []Action, hash string) Observed {
	gone := map[string]bool{}
	for _, a := range plan {
		if a.Delete != "" {
			gone[a.Delete] = true
		}
	}
	next := Observed{Busy: o.Busy, Waiting: o.Waiting}
	for _, p := range o.Pods {
		if !gone[p.UID] {
			next.Pods = append(next.Pods, p)
		}
	}
	made := o.Creating
	for _, a := range plan {
		made += a.Create
	}
	for i := range made {
		next.Pods = append(next.Pods, Pod{UID: fmt.Sprint("new", len(o.Pods), "-", i), State: Warm, Hash: hash, Created: time.Unix(100, 0)})
	}
	return next
}

func TestPlan_ConvergesAndThenRests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, w := draw(t)
		w.MayCreate, w.Failing = true, false // in the end pods start and the API answers
		for range 3 {
			o = carryOut(o, Plan(o, w), w.Hash)
		}
		if plan := Plan(o, w); len(plan) > 0 {
			t.Fatalf("no rest: %v for %+v wanted %+v", plan, o, w)
		}
		if want := min(w.Size+o.Waiting, max(0, w.Max-o.Busy)); w.Hash != "" && len(o.Pods) < want {
			t.Fatalf("%d pods where %d are needed", len(o.Pods), want)
		}
	})
}

func TestPlan_KeepsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, w := draw(t)
		plan := Plan(o, w)
		known, deleted, created := map[string]bool{}, map[string]bool{}, 0
		for _, p := range o.Pods {
			known[p.UID] = true
		}
		for _, a := range plan {
			created += a.Create
			if a.Delete != "" && (!known[a.Delete] || deleted[a.Delete]) {
				t.Fatalf("deletes %q twice or unasked: %v", a.Delete, plan)
			}
			deleted[a.Delete] = true
		}
		next := carryOut(o, plan, w.Hash)
		switch {
		case created > 0 && !w.MayCreate:
			t.Fatal("creates while backed off")
		case created > 1 && w.Failing:
			t.Fatalf("creates %d at once while pods fail to start", created)
		case created > 0 && len(next.Pods)+next.Busy > w.Max:
			t.Fatalf("creates %d and goes over the maximum", created)
		}
		for _, p := range next.Pods {
			if p.Hash != w.Hash || p.Unfit {
				t.Fatalf("keeps %+v", p)
			}
		}
	})
}

func TestPlan_OnDemandKeepsABrokenPodUntilTheNextTry(t *testing.T) {
	broken := Pod{UID: "b", State: Starting, Hash: "h", Broken: true}
	w := Wanted{Hash: "h", Max: 10, Failing: true, OnDemand: true}
	for _, may := range []bool{false, true} {
		w.MayCreate = may
		if got := Plan(Observed{Pods: []Pod{broken}}, w); len(got) != 0 {
			t.Errorf("while nobody asks for a pod: %+v", got)
		}
	}
	if got := Plan(Observed{Pods: []Pod{broken}, Waiting: 1}, w); len(got) != 2 || got[0].Delete != "b" || got[1].Create != 1 {
		t.Errorf("at the next try: %+v", got)
	}
}

func TestPlan_OnDemandLetsAPodStartThatNobodyWaitsForAnyMore(t *testing.T) {
	w := Wanted{Hash: "h", Max: 10, MayCreate: true, OnDemand: true}
	o := Observed{Pods: []Pod{{UID: "s", State: Starting, Hash: "h"}, {UID: "w", State: Warm, Hash: "h"}}}
	if got := Plan(o, w); len(got) != 1 || got[0].Delete != "w" {
		t.Errorf("without a claim: %+v", got)
	}
	o.Pods, o.Waiting = o.Pods[:1], 1
	if got := Plan(o, w); len(got) != 0 {
		t.Errorf("with another: %+v", got)
	}
}
