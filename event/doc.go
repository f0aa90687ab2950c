// Package event delivers events to functions: what the timer and the kubewatcher have in common.
//
//	trigger ── Set: one Runner for each ──► Queue ──► Sender ──► router's internal listener ──► function
//	                                          │
//	                                          └── State: what is done, written into the trigger's status by a Flusher
//
// A Queue is bounded in calls and bytes, and whoever puts waits while it is full. Calls of one key are made in order. A call
// that fails in a way that may pass is repeated with growing pauses; then it is given up, and that is told.
//
// Delivery is at least once. Each call has a position, and State.Position is the last one with everything before it done:
// from there a new process goes on. What was done after the position that was written last is done again after a kill,
// under the same ID.
package event
