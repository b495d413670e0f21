package postgrestest

import "syscall"

// processAttributes let the server die with the test program.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
}
