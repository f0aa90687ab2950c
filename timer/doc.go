// Package timer calls functions at the times that TimeTriggers say.
//
// One replica acts at a time (package leader). Each trigger has a goroutine that waits for the next time and puts a call
// into the trigger's event.Queue. The trigger's status holds the time up to which every run is done: a new process, after a
// restart or in another replica, begins there and makes up for what was missed as the trigger's missedRuns says.
//
// What runs are due is a pure function of schedule, policy and two times: see Due.
package timer
