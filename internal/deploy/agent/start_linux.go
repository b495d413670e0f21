package agent

import "syscall"

// withThisProcess makes the kernel end the child when this process is gone, even by SIGKILL: an agent that is started again
// starts predictors of its own. A process group of its own keeps a terminal's Ctrl-C away: the agent drains its children.
func withThisProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
