package kubetest

import "syscall"

// dieWithParent has the kernel end the child when its parent dies, so that a killed test leaves nothing behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
