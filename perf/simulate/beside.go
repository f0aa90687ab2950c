package simulate

import (
	"slices"
	"time"
)

// Beside compares the curves of two contestants: for each point of theirs, the share of requests that ours has with as
// many pod-seconds, over their share; share says which requests. Between two points ours is taken to lie on a straight line, which is to our
// disadvantage since the curve sags. Points of theirs beyond either end of ours are left out.
func Beside(points []Point, ours, theirs string, share func(*Outcome) float64) (ratios []float64) {
	curve := curveOf(points, ours)
	for _, p := range curveOf(points, theirs) {
		here, ok := shareAt(curve, p.Outcome.PodTime, share)
		if there := share(&p.Outcome); ok && there > 0 {
			ratios = append(ratios, here/there)
		}
	}
	return ratios
}

// curveOf returns the points of a contestant, those with the least pod-seconds first.
func curveOf(points []Point, name string) (curve []Point) {
	for _, p := range points {
		if p.Contestant == name {
			curve = append(curve, p)
		}
	}
	slices.SortFunc(curve, func(a, b Point) int { return int(a.Outcome.PodTime - b.Outcome.PodTime) })
	return curve
}

// shareAt returns the least share that a curve has with at most so many pod-seconds; ok is false beyond its ends.
func shareAt(curve []Point, pods time.Duration, share func(*Outcome) float64) (least float64, ok bool) {
	for i := range curve {
		here := share(&curve[i].Outcome)
		switch at := curve[i].Outcome.PodTime; {
		case at <= pods && i > 0:
			least = min(least, here)
		case at <= pods:
			least = here
		case i > 0:
			before := &curve[i-1].Outcome
			part := float64(pods-before.PodTime) / float64(at-before.PodTime)
			return min(least, share(before)+part*(here-share(before))), true
		default:
			return 0, false
		}
	}
	return least, len(curve) > 0 && curve[len(curve)-1].Outcome.PodTime == pods
}
