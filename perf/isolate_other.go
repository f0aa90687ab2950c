//go:build !linux

package perf

import "syscall"

// ownNetwork is known on Linux only.
func ownNetwork() (*syscall.SysProcAttr, bool) { return nil, false }

func raiseLoopback() error { return nil }
