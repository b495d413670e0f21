// Package process starts programs that end with the one that started them.
package process

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Start starts cmd so that the system ends it when this process ends, however it ends (on Linux; elsewhere it starts it plainly).
func Start(cmd *exec.Cmd) error {
	startOnce.Do(func() { go starter() })
	done := make(chan error)
	requests <- request{cmd, done}
	return <-done
}

type request struct {
	cmd  *exec.Cmd
	done chan error
}

var (
	startOnce sync.Once
	requests  = make(chan request)
)

// starter owns one system thread for good: Linux signals a child when the thread that started it ends, and Go ends threads.
func starter() {
	runtime.LockOSThread()
	for r := range requests {
		dieWithParent(r.cmd)
		r.done <- r.cmd.Start()
	}
}

// Stop asks the process to end and ends it after the grace. exited is closed when it has been waited for.
func Stop(cmd *exec.Cmd, exited <-chan struct{}, grace time.Duration) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-exited:
	case <-timer.C:
		_ = cmd.Process.Kill()
		<-exited
	}
}
