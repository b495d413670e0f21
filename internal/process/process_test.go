package process_test

import (
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/process"
)

func TestStopLetsAProcessEndByItself(t *testing.T) {
	t.Parallel()
	r := start(t, command("polite"), process.Start)
	process.Stop(r.cmd, r.exited, limit)
	require.Equal(t, "bye", r.line(t))
	require.True(t, r.cmd.ProcessState.Success(), "%s", r.cmd.ProcessState)
}

func TestStopKillsAfterTheGrace(t *testing.T) {
	t.Parallel()
	const grace = 300 * time.Millisecond
	r := start(t, command("stubborn"), process.Start)
	began := time.Now()
	process.Stop(r.cmd, r.exited, grace)
	require.GreaterOrEqual(t, time.Since(began), grace, "killed before its grace was over")
	require.Equal(t, "no", r.line(t), "it was asked first")
	status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGKILL, status.Signal())
}

func TestStopOfAnEndedProcessReturnsAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, command("echo"), process.Start) // without input it ends by itself
	<-r.exited
	stopped := make(chan struct{})
	go func() {
		process.Stop(r.cmd, r.exited, time.Hour)
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(limit):
		t.Fatal("Stop waits for a process that has ended")
	}
}

func TestAProgramThatIsNotThereIsAnErrorAndTheNextOneStarts(t *testing.T) {
	t.Parallel()
	require.Error(t, process.Start(exec.Command(filepath.Join(t.TempDir(), "nothing"))))
	r := start(t, command("polite"), process.Start)
	process.Stop(r.cmd, r.exited, limit)
	require.True(t, r.cmd.ProcessState.Success())
}

// Ctrl-C at a terminal goes to the whole foreground group: the platform's parts must not be in it.
func TestAChildHasAProcessGroupOfItsOwn(t *testing.T) {
	t.Parallel()
	r := start(t, command("polite"), process.Start)
	group, err := syscall.Getpgid(r.cmd.Process.Pid)
	require.NoError(t, err)
	require.Equal(t, r.cmd.Process.Pid, group)
}

func TestStartFromManyGoroutines(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() {
			cmd := command("echo")
			if errs[i] = process.Start(cmd); errs[i] == nil {
				errs[i] = cmd.Wait()
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
}
