package pool

import (
	"slices"
	"time"
)

// Pod is what Plan needs to know of a pod that has no function.
type Pod struct {
	UID string
	// State is Starting or Warm.
	State State
	// Hash fingerprints what the pod was made from.
	Hash string
	// Broken says that the pod cannot start.
	Broken bool
	// Stuck says that the pod finds no node.
	Stuck bool
	// Unfit says that the pod must not be used: it ended, or one of its containers was restarted.
	Unfit   bool
	Created time.Time
}

// Observed is what there is of an environment.
type Observed struct {
	// Pods that have no function.
	Pods []Pod
	// Busy is the number of pods that have one, from Claimed to Draining.
	Busy int
	// Creating is the number of pods that the API server was asked for and that are not among Pods yet.
	Creating int
	// Waiting is the number of claims that wait for a pod, Reserved of warm pods that they may not have.
	Waiting, Reserved int
}

// Wanted is what there should be of an environment.
type Wanted struct {
	// Hash that pods must have; empty means that there should be none.
	Hash string
	// Size is the number of warm pods to keep.
	Size int
	// Max bounds all pods of the environment.
	Max int
	// Failing says that pods did not start lately: at most one is tried at a time.
	Failing bool
	// MayCreate is false while creating is backed off.
	MayCreate bool
	// Later says that the pool is refilled later: only what claims wait for is created now.
	Later bool
	// Keep says that nothing is deleted for being too much.
	Keep bool
	// OnDemand says that pods are made for claims only. One that starts is kept though no claim waits for it any more:
	// the next try finds it further on. A broken one is kept until the next try: it shows what is wrong.
	OnDemand bool
	// KeepFormer says that no pod with the Hash has started yet: warm pods with another one stay until then, and so do
	// pods that start with the hash Proven, of which some were seen to.
	KeepFormer bool
	Proven     string
}

// Action is one step towards what is wanted: Create so many pods, or delete the pod Delete for Reason.
type Action struct {
	Create int
	Delete string
	Reason string
}

// Reasons of deletions, as in logs and metrics.
const (
	ReasonOutdated = "outdated" // the environment changed or is gone
	ReasonUnfit    = "unfit"    // ended or restarted
	ReasonBroken   = "broken"   // could not start
	ReasonSurplus  = "surplus"  // more than wanted
)

// Plan returns the steps from what is observed to what is wanted. Done all, they make the next plan empty, unless
// creating is backed off. It never deletes a pod that has a function.
func Plan(o Observed, w Wanted) []Action {
	var actions []Action
	var usable, broken []Pod
	former := 0
	for _, p := range o.Pods {
		switch {
		case w.keeps(p):
			former++
		case p.Hash != w.Hash:
			actions = append(actions, Action{Delete: p.UID, Reason: ReasonOutdated})
		case p.Unfit:
			actions = append(actions, Action{Delete: p.UID, Reason: ReasonUnfit})
		case p.Broken:
			broken = append(broken, p)
		default:
			usable = append(usable, p)
		}
	}
	if w.Hash == "" {
		return actions
	}
	need := w.Size + o.Waiting
	missing := need - o.Creating - len(usable)
	kept := evidence(broken, w, missing > 0)
	for _, p := range broken {
		if p.UID != kept {
			actions = append(actions, Action{Delete: p.UID, Reason: ReasonBroken})
		}
	}
	total := o.Busy + o.Creating + len(usable) + former
	if kept != "" {
		total++
	}
	wanted := missing
	if w.Later {
		wanted = min(missing, o.Waiting+o.Reserved-o.Creating-len(usable))
	}
	if n := toCreate(wanted, room(w.Max-total, usable), o.Creating+starting(usable), w); n > 0 {
		return append(actions, Action{Create: n})
	}
	if w.Keep {
		return actions
	}
	if w.OnDemand {
		usable = slices.DeleteFunc(usable, func(p Pod) bool { return p.State == Starting })
	}
	return append(actions, surplus(usable, -missing)...)
}

// keeps reports whether a pod made of what the environment said before is still good.
func (w Wanted) keeps(p Pod) bool {
	if !w.KeepFormer || w.Hash == "" || p.Hash == w.Hash || p.Unfit {
		return false
	}
	return p.State == Warm || p.Hash == w.Proven && !p.Broken
}

// evidence returns the broken pod that is kept until the next try, so that its owner can look at it: the newest.
func evidence(broken []Pod, w Wanted, needed bool) string {
	keep := needed && !w.MayCreate
	if w.OnDemand {
		keep = !needed || !w.MayCreate
	}
	if len(broken) == 0 || !keep {
		return ""
	}
	return slices.MaxFunc(broken, older).UID
}

// mostStuck is how many pods may wait for a node at a time. Some must, so that whoever adds nodes sees the need.
const mostStuck = 10

// room is how many pods more there may be, of so many by their number, when some find no node.
func room(free int, usable []Pod) int {
	stuck := 0
	for _, p := range usable {
		if p.Stuck {
			stuck++
		}
	}
	if stuck == 0 {
		return free
	}
	return min(free, mostStuck-stuck)
}

func toCreate(missing, room, starting int, w Wanted) int {
	if !w.MayCreate {
		return 0
	}
	if w.Failing {
		missing = min(missing, 1-starting)
	}
	return max(0, min(missing, room))
}

// surplus deletes n pods: those that are still starting first, and the newest first.
func surplus(usable []Pod, n int) []Action {
	if n <= 0 {
		return nil
	}
	slices.SortStableFunc(usable, func(a, b Pod) int {
		if a.State != b.State {
			return int(a.State - b.State)
		}
		return -older(a, b)
	})
	actions := make([]Action, 0, n)
	for _, p := range usable[:min(n, len(usable))] {
		actions = append(actions, Action{Delete: p.UID, Reason: ReasonSurplus})
	}
	return actions
}

func starting(pods []Pod) (n int) {
	for _, p := range pods {
		if p.State == Starting {
			n++
		}
	}
	return n
}

// older orders pods by age, and equally old ones by UID so that plans do not depend on the order of their input.
func older(a, b Pod) int {
	if c := a.Created.Compare(b.Created); c != 0 {
		return c
	}
	if a.UID < b.UID {
		return -1
	}
	return 1
}
