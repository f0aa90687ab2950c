//go:build !linux

package router

import (
	"os/exec"
	"syscall"
)

func withParent() *syscall.SysProcAttr { return nil }

// run starts the command and waits for it.
func run(cmd *exec.Cmd, started, ended chan<- error) {
	if err := cmd.Start(); err != nil {
		started <- err
		return
	}
	started <- nil
	ended <- cmd.Wait()
}
