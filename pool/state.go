package pool

// State is where a pod is in its life.
type State int

// States, in the order of a pod's life.
const (
	Starting     State = iota // not greeted yet
	Warm                      // has no function, waits for a claim
	Claimed                   // belongs to a claim, was not called yet
	Specializing              // its fetcher was called
	Hot                       // holds a function and takes requests
	Draining                  // takes nothing new, finishes what it has
	Gone                      // deleted, or being deleted
)

// String returns the word used in logs and metrics.
func (s State) String() string {
	switch s {
	case Starting:
		return "starting"
	case Warm:
		return "warm"
	case Claimed:
		return "claimed"
	case Specializing:
		return "specializing"
	case Hot:
		return "hot"
	case Draining:
		return "draining"
	default:
		return "gone"
	}
}
