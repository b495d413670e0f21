package agent

import (
	"os"
	"os/exec"
	"path/filepath"
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

func (c *child) PID() int                { return c.cmd.Process.Pid }
func (c *child) Exited() <-chan struct{} { return c.exited }
func (c *child) Err() error              { return c.err }

func (c *child) Stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
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

// startAPI starts loanops-api for the slot.
func (a *agent) startAPI(k key, spec deploy.TrackSpec, bundle, addressFile string) (process, error) {
	log, err := os.OpenFile(a.logFile(k), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(a.cfg.BinDir, "loanops-api"), deploy.PredictorArgs(spec, bundle, addressFile)...)
	cmd.Env = deploy.PredictorEnv(spec)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, exited: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		close(c.exited)
	}()
	return c, nil
}
