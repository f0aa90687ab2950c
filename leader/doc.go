// Package leader lets one of several replicas act at a time, by a lease that each can see.
//
//	following ── lease free, or its holder silent for a whole term ──► leading
//	leading ──── no renewal for a whole term ──► in doubt ──► leading, when a renewal succeeds again
//	leading, in doubt ──── another holds the lease ──► lost: the process ends and follows anew
//
// A leader whose lease can only not be renewed, because the API server is away, goes on: nobody can have taken the
// lease over meanwhile either. It must not destroy anything then, for it may be the only one whom the API server does
// not answer; Elector.Sure tells. Nobody compares clocks: a follower counts how long it has seen the same record.
package leader
