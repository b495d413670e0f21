package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loanops/loanops/internal/fault"
)

// usersFile of a supervisor holds the user for as long as processes of it may run.
const usersFile = 5

// Sandbox runs commands.
type Sandbox struct{ config Config }

// New tries whether commands can be run as the config says, all but the command itself; where not, it is fault.Invalid with what would help.
func New(ctx context.Context, c Config) (*Sandbox, error) {
	if c.Dir == "" {
		c.Dir = os.TempDir()
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the folder for commands")
	}
	c.Dir, c.Limits = dir, c.Limits.withDefaults()
	if os.Geteuid() != 0 && !c.SameUser {
		return nil, fault.New(fault.Invalid, "commands of repositories need a worker that runs as root, which gives each a user ID of its own; LOANOPS_CI_COMMANDS=allow-same-user lets them run as the worker's user, "+
			"who can read the worker's files and secrets")
	}
	s := &Sandbox{c}
	r, err := s.run(ctx, Command{Timeout: time.Minute, Output: 4096})
	if err == nil && r.Why != "" {
		err = errors.New(r.Why)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "commands of repositories cannot be run here: %v (in the folder %s, LOANOPS_CI_DIR)", err, dir)
	}
	return s, nil
}

// Run runs a command to its end. That it failed is said by the result; an error is a fault of this machine, or the end of the context.
func (s *Sandbox) Run(ctx context.Context, c Command) (Result, error) {
	if len(c.Args) == 0 {
		return Result{}, fault.New(fault.Invalid, "no command")
	}
	return s.run(ctx, c)
}

func (s *Sandbox) run(ctx context.Context, c Command) (Result, error) {
	user, held, err := s.user(ctx)
	if err != nil {
		return Result{}, err
	}
	defer held.Close()
	scratch, err := newScratch(s.config.Dir, user, c.Unpack)
	if err != nil {
		return Result{}, err
	}
	defer func() { _ = remove(scratch) }() // the supervisor has done it, unless there was none
	o := order{
		Args: c.Args, Scratch: scratch, User: user, Limits: s.config.Limits, CPU: seconds(c.Timeout), Loopback: s.apart(),
		Env: append([]string{
			"HOME=" + filepath.Join(scratch, homeFolder), "TMPDIR=" + filepath.Join(scratch, tempFolder), "LANG=C.UTF-8", "CI=true",
		}, s.config.Environment...),
	}
	return s.supervised(ctx, c, o, held)
}

// seconds of a processor are enough for all processors during all of the time, in one process.
func seconds(timeout time.Duration) uint64 {
	return uint64(timeout/time.Second+1) * 64
}

// apart reports whether commands have a network of their own.
func (s *Sandbox) apart() bool { return os.Geteuid() == 0 && !s.config.Network }

// supervised starts a supervisor and watches.
func (s *Sandbox) supervised(ctx context.Context, c Command, o order, held *os.File) (Result, error) {
	orders, lifeline, err := os.Pipe()
	if err != nil {
		return Result{}, fault.Wrap(fault.Unavailable, err, "starting a command")
	}
	defer lifeline.Close()
	ends, giveEnd, err := os.Pipe()
	if err != nil {
		orders.Close()
		return Result{}, fault.Wrap(fault.Unavailable, err, "starting a command")
	}
	defer ends.Close()
	tooMuch := make(chan struct{})
	printed := &output{half: int(c.Output / 2), most: s.config.Limits.Printed, tooMuch: func() { close(tooMuch) }}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), self) // it is ended by its lifeline
	cmd.Args = []string{os.Args[0], Job}
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdout, cmd.Stderr = printed, printed
	cmd.ExtraFiles = []*os.File{orders, giveEnd, held}
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.apart() {
		cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNET | unix.CLONE_NEWIPC
	}
	err = cmd.Start()
	orders.Close()
	giveEnd.Close()
	if errors.Is(err, unix.EPERM) && s.apart() {
		return Result{}, fault.Wrap(fault.Unavailable, err, "a network of its own, which LOANOPS_CI_NETWORK=allow does without")
	}
	if err != nil {
		return Result{}, fault.Wrap(fault.Unavailable, err, "starting a command")
	}
	if err := json.NewEncoder(lifeline).Encode(o); err != nil {
		lifeline.Close()
		_ = cmd.Wait()
		return Result{}, fault.Wrap(fault.Unavailable, err, "starting a command")
	}
	ended := make(chan end, 1)
	go func() {
		var e end
		if json.NewDecoder(ends).Decode(&e) != nil {
			e.Fault = "its supervisor ended before the command"
		}
		_ = cmd.Wait()
		ended <- e
	}()
	killed := s.watch(ctx, c, o, tooMuch, ended, lifeline)
	lifeline.Close()
	var e end
	select {
	case e = <-ended:
	case <-time.After(2 * patience):
		_ = cmd.Process.Kill()
		e = <-ended
	}
	if (e.Fault != "" || e.Wrong != "") && o.User != 0 {
		_, _ = endAll(nobody, o.User)
	}
	return result(ctx, c, o, printed, e, killed)
}

// watch returns when the command has ended, or why it has to.
func (s *Sandbox) watch(ctx context.Context, c Command, o order, tooMuch <-chan struct{}, ended chan end, lifeline *os.File) (killed string) {
	late := time.NewTimer(c.Timeout)
	defer late.Stop()
	looks := time.NewTicker(s.config.Limits.Look)
	defer looks.Stop()
	folder := watched{limits: s.config.Limits}
	for {
		select {
		case e := <-ended:
			ended <- e
			return ""
		case <-ctx.Done():
			return "the run was ended"
		case <-late.C:
			return fmt.Sprintf("killed after %s: its time limit", spoken(c.Timeout))
		case <-tooMuch:
			return fmt.Sprintf("killed: it printed more than %s", said(s.config.Limits.Printed))
		case <-looks.C:
			if why := folder.beyond(o.Scratch); why != "" {
				return "killed: " + why
			}
			if inMemory(o.User) > s.config.Limits.Memory {
				return fmt.Sprintf("killed: its processes had more than %s in memory", said(s.config.Limits.Memory))
			}
		}
	}
}

// inMemory is what the processes of a user hold. Without a user of its own nothing is known.
func inMemory(user uint32) (bytes int64) {
	if user == 0 {
		return 0
	}
	all, err := processes()
	if err != nil {
		return 0
	}
	for _, p := range all {
		if p.user == user {
			bytes += p.resident
		}
	}
	return bytes
}

// result puts into words how it ended.
func result(ctx context.Context, c Command, o order, printed *output, e end, killed string) (Result, error) {
	r := Result{Lines: printed.lines(), Why: killed}
	switch {
	case ctx.Err() != nil:
		return r, ctx.Err()
	case killed != "": // once it had begun: what became of its supervisor is no reason to run it again
	case e.Fault != "":
		return r, fault.New(fault.Unavailable, "running a command: %s", e.Fault)
	case e.Wrong != "":
		r.Why = e.Wrong
	case e.Signal != 0:
		r.Why = bySignal(syscall.Signal(e.Signal), o.Limits)
	case e.Code != 0:
		r.Why = fmt.Sprintf("ended with %d", e.Code)
	}
	if killed == "" && e.Left > 0 {
		r.Lines = append(r.Lines, fmt.Sprintf("[%d processes were left running, and killed]", e.Left))
	}
	return r, nil
}

// bySignal says what a signal means here.
func bySignal(signal syscall.Signal, l Limits) string {
	name := unix.SignalName(signal)
	switch signal {
	case syscall.SIGXFSZ:
		return fmt.Sprintf("killed by %s: a file grew beyond %s", name, said(int64(l.File)))
	case syscall.SIGXCPU:
		return fmt.Sprintf("killed by %s: a process took too much time of processors", name)
	}
	return "killed by " + name
}

// spoken is a duration without the parts that are nothing: 10m, not 10m0s.
func spoken(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// user takes a user ID that no command has and no process runs under, and waits where there is none. Held is what keeps it: a name that the kernel gives
// to one process of this machine, and takes back when all that hold it have ended.
func (s *Sandbox) user(ctx context.Context) (user uint32, held *os.File, err error) {
	if os.Geteuid() != 0 {
		held, err = os.Open(os.DevNull)
		return 0, held, err
	}
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		all, err := processes()
		if err != nil {
			return 0, nil, fault.Wrap(fault.Unavailable, err, "looking for a free user ID")
		}
		for id := s.config.Users.First; id <= s.config.Users.Last; id++ {
			if slices.ContainsFunc(running(all), func(p process) bool { return p.user == id }) {
				continue
			}
			if held, err := hold(id); err == nil {
				return id, held, nil
			}
		}
		select {
		case <-ctx.Done():
			return 0, nil, fault.Wrap(fault.Unavailable, ctx.Err(), "all user IDs of %s are in use", s.config.Users)
		case <-again.C:
		}
	}
}

func running(all map[int]process) (list []process) {
	for _, p := range all {
		list = append(list, p)
	}
	return list
}

func hold(id uint32) (*os.File, error) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@loanops-command-%d", id)})
	if err != nil {
		return nil, err
	}
	defer func() { _ = listener.Close() }() // the name is the file's as well
	return listener.File()
}
