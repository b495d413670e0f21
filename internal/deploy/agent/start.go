package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/loanops/loanops/internal/deploy"
)

// drainGrace is how long a predictor may answer what it has begun before it is killed.
const drainGrace = 10 * time.Second

// child is a started loanops-api.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// PID is the process ID.
func (c *child) PID() int { return c.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (c *child) Exited() <-chan struct{} { return c.exited }

// Err says how the process ended.
func (c *child) Err() error { return c.err }

// Stop drains the process, kills it after drainGrace, and returns when it has ended.
func (c *child) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	timer := time.NewTimer(drainGrace)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
}

// logFile is where the slot's predictors write.
func (a *agent) logFile(k key) string {
	return filepath.Join(a.cfg.Dir, "logs", k.environment+"-"+k.pipeline+"-"+k.slot+".log")
}

// maxLog is the size above which a log is put aside at the next start, replacing the one before.
const maxLog = 8 << 20

// openLog opens the file at path to append to it.
func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// startAPI starts loanops-api for the slot.
func (a *agent) startAPI(k key, spec deploy.TrackSpec, bundle, addressFile string) (process, error) {
	log, err := openLog(a.logFile(k))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(a.cfg.BinDir, "loanops-api"), deploy.PredictorArgs(spec, bundle, addressFile)...)
	cmd.Env = deploy.PredictorEnv(spec)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = withThisProcess()
	if err := startOnLastingThread(cmd); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, exited: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}

// startRequests reach the goroutine that starts every predictor.
var startRequests = sync.OnceValue(func() chan<- func() {
	requests := make(chan func())
	go func() {
		runtime.LockOSThread() // for ever
		for request := range requests {
			request()
		}
	}()
	return requests
})

// startOnLastingThread starts cmd on a thread that lives as long as this process. Linux ends a child with the thread that started it, and Go
// ends threads of its own accord.
func startOnLastingThread(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	startRequests() <- func() { done <- cmd.Start() }
	return <-done
}
