// Package process keeps long-running programs alive: it starts them, starts them again with growing pauses when they
// die, and ends them in a given time. What runs is recorded by process id and start time, so that a later supervisor
// can end what a killed one left behind, and nothing else.
package process
