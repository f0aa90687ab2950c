// Package envflag reads the flags of a command whose defaults come from the environment: that of --replay-limit is
// HOTPOD_REPLAY_LIMIT. What the command line says wins.
package envflag
