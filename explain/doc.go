// Package explain makes sense of a request's timelines: what its time was spent on, why, and what to change.
//
// Of puts what the parts know on one line of time and finds the cause: the first rule that applies, those for failures
// before those for time. Everything is a pure function of the timelines and of what is declared about the function.
package explain
