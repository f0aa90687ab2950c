//go:build !linux

package proxy

import (
	"errors"
	"syscall"
)

type poller struct{}

func newPoller() (*poller, error) { return nil, errors.ErrUnsupported }

func (*poller) watch(uintptr, uint64) bool { return false }
func (*poller) run(func(uint64))           {}
func (*poller) close()                     {}

func resetBehindEOF(syscall.RawConn) bool { return false }
