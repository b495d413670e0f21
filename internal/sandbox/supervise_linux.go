package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// self is this program, also after its file was replaced.
const self = "/proc/self/exe"

// What a program may be asked besides to supervise.
const (
	becomeArg = "become" // the command of the order
	endArg    = "end"    // the processes of the user that follows
)

// Patience of a supervisor with processes that do not end.
const (
	patience   = 30 * time.Second
	endRounds  = 50 * time.Millisecond
	beforeUser = 4 // rounds before all of the user are killed at once
)

// Supervise is the Job of a program: it runs the command of its order to the end, then ends all that came of it and removes its scratch folder. It does so
// too when the worker closes the order, or dies.
func Supervise(ctx context.Context, args []string) (exitCode int) {
	var err error
	switch {
	case len(args) == 1 && args[0] == becomeArg:
		_ = json.NewEncoder(os.NewFile(endsFile, "end")).Encode(become())
		return 1
	case len(args) == 2 && args[0] == endArg:
		var user uint64
		if user, err = strconv.ParseUint(args[1], 10, 32); err == nil {
			err = endUser(uint32(user))
		}
	default:
		err = supervise(ctx)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "loanops-worker sandbox: %v\n", err)
		return 1
	}
	return 0
}

func supervise(ctx context.Context) error {
	o, lifeline, err := readOrder()
	if err != nil {
		return err
	}
	ends := os.NewFile(endsFile, "end")
	for fd := ordersFile; fd <= usersFile; fd++ {
		unix.CloseOnExec(fd)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return json.NewEncoder(ends).Encode(end{Fault: "becoming the parent of orphans: " + err.Error()})
	}
	if o.Loopback {
		if err := loopback(); err != nil {
			return json.NewEncoder(ends).Encode(end{Fault: "its own network: " + err.Error()})
		}
	}
	runtime.LockOSThread() // the command ends with the thread that starts it
	pid, out, err := start(o)
	if err != nil {
		_ = remove(o.Scratch)
		return json.NewEncoder(ends).Encode(end{Fault: err.Error()})
	}
	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, lifeline)
		close(stop)
	}()
	first, all := make(chan syscall.WaitStatus, 1), make(chan struct{})
	go reap(pid, first, all)
	select {
	case status := <-first:
		if status.Signaled() {
			out.Signal = int(status.Signal())
		}
		out.Code = status.ExitStatus()
	case <-stop:
	case <-ctx.Done():
		out.Fault = "its supervisor was told to stop"
	}
	left, err := endEverything(o.User, all)
	switch out.Left = left; {
	case errors.Is(err, errRemain):
		out.Wrong = errRemain.Error()
	case err != nil && out.Fault == "":
		out.Fault = err.Error()
	}
	if err := remove(o.Scratch); err != nil && out.Fault == "" && out.Wrong == "" {
		out.Fault = "removing its folder: " + err.Error()
	}
	return json.NewEncoder(ends).Encode(out)
}

// reap takes notice of every process that ends, orphans among them, until there is none.
func reap(pid int, first chan<- syscall.WaitStatus, all chan<- struct{}) {
	for {
		var status syscall.WaitStatus
		ended, err := syscall.Wait4(-1, &status, 0, nil)
		switch err {
		case nil:
			if ended == pid {
				first <- status
			}
		case syscall.EINTR:
		default:
			close(all)
			return
		}
	}
}

// errRemain is a command's doing: some of its processes start the next ones faster than they can be ended.
var errRemain = errors.New("its processes do not end")

// endEverything ends all that came of the command, and says how many processes those were. gone is closed when there is none left.
func endEverything(user uint32, gone <-chan struct{}) (left int, err error) {
	rounds := time.NewTicker(endRounds)
	defer rounds.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for round := 0; ; round++ {
		select {
		case <-gone:
			return left, nil
		default:
		}
		running, err := endAll(os.Getpid(), user)
		if err != nil {
			return left, err
		}
		if round == 0 {
			left = running
		}
		if user != 0 && round >= beforeUser {
			// Its end is noticed where all ends are.
			_, _ = syscall.ForkExec(self, []string{self, Job, endArg, strconv.Itoa(int(user))}, &syscall.ProcAttr{Env: []string{}, Files: []uintptr{0, 1, 2}})
		}
		select {
		case <-gone:
			return left, nil
		case <-late.C:
			return left, errRemain
		case <-rounds.C:
		}
	}
}

// loopback makes a network of its own lead to itself.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
