package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/process"
)

// The main goroutine keeps the main thread, which never ends, so that no test's goroutine runs on it.
func init() { runtime.LockOSThread() }

// The grandchild ignores SIGTERM and shares the output: the output ends only when it has ended too.
func TestChildrenEndWithAKilledStarter(t *testing.T) {
	t.Parallel()
	parent := start(t, command("parent"), (*exec.Cmd).Start) // "ready" comes from the grandchild
	require.NoError(t, parent.cmd.Process.Kill())
	require.Empty(t, parent.line(t))
}

// Linux takes the end of the starting thread for the end of the parent. A thread that Go ends must not take the child along.
func TestAChildOutlivesTheThreadThatAskedForIt(t *testing.T) {
	t.Parallel()
	cmd := command("echo")
	input, err := cmd.StdinPipe()
	require.NoError(t, err)
	thread := 0
	r := start(t, cmd, func(cmd *exec.Cmd) error {
		done := make(chan error, 1)
		go func() {
			runtime.LockOSThread() // never unlocked: Go ends the thread with the goroutine
			thread = syscall.Gettid()
			done <- process.Start(cmd)
		}()
		return <-done
	})
	require.NotEqual(t, os.Getpid(), thread, "the main thread never ends")
	awaitEndOfThread(t, thread)
	_, err = fmt.Fprintln(input, "alive")
	require.NoError(t, err)
	require.Equal(t, "alive", r.line(t))
	require.NoError(t, input.Close())
	<-r.exited
	require.True(t, r.cmd.ProcessState.Success(), "%s", r.cmd.ProcessState)
}

// awaitEndOfThread polls, since the system announces the end of a thread to nobody.
func awaitEndOfThread(t *testing.T, thread int) {
	t.Helper()
	poll := time.NewTicker(time.Millisecond)
	defer poll.Stop()
	deadline := time.After(limit)
	for {
		if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); os.IsNotExist(err) {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("thread %d does not end", thread)
		}
	}
}
