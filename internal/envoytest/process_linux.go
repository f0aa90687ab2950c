package envoytest

import "syscall"

// attributes make the process end with the test's own, however that ends.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
