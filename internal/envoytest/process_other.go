//go:build !linux

package envoytest

import "syscall"

func attributes() *syscall.SysProcAttr { return nil }
