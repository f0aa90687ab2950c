package router

import (
	"os/exec"
	"runtime"
	"syscall"
)

// withParent has the kernel end Envoy when this process is killed: nobody would stop it.
func withParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// run starts the command and waits for it, on one thread: the kernel takes the end of the thread that forked for the
// parent's.
func run(cmd *exec.Cmd, started, ended chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	ended <- cmd.Wait()
}
