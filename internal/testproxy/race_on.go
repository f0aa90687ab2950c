//go:build race

package testproxy

// Race says whether the race detector is on.
const Race = true
