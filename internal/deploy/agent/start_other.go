//go:build !linux

package agent

import "syscall"

// withThisProcess keeps a terminal's Ctrl-C away from the child. Only Linux can end a child with its parent: elsewhere an
// agent that is killed leaves its predictors behind, without traffic.
func withThisProcess() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
