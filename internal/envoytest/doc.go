// Package envoytest runs the real Envoy in tests: to check that it accepts a configuration, and as a process that a
// test configures and calls.
//
// The binary is the one that HOTPOD_ENVOY names, else the cached or downloaded one, else one on PATH. Where there is
// none the test is skipped and says how to get it.
package envoytest
