package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// become makes this process the command, with the rights of one and no more. It returns only where it cannot.
func become() (failed end) {
	o, _, err := readOrder()
	if err != nil {
		return end{Fault: err.Error()}
	}
	// What is set below holds for a thread; it is this one that becomes the command.
	runtime.LockOSThread()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"its place in the queue for memory and processors", yield},
		{"the files that it inherits", func() error { return unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }},
		{"its user", func() error { return dropTo(o.User) }},
		{"its end with the supervisor", func() error { return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0) }},
		{"its rights", func() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }},
		{"its folder", func() error { return os.Chdir(filepath.Join(o.Scratch, filesFolder)) }},
		{"where it may write", func() error { return writeOnlyBelow(o.Scratch) }},
	} {
		if err := step.do(); err != nil {
			return end{Fault: fmt.Sprintf("%s: %v", step.name, err)}
		}
	}
	program, environment := "", slices.Concat(o.Env, []string{"PWD=" + filepath.Join(o.Scratch, filesFolder)})
	if len(o.Args) > 0 {
		if program, err = find(o.Args[0], o.Env); err != nil {
			return end{Wrong: err.Error()}
		}
	}
	unix.Umask(0o022)
	if err := limit(o); err != nil {
		return end{Fault: "its limits: " + err.Error()}
	}
	if program == "" {
		os.Exit(0)
	}
	return end{Wrong: fmt.Sprintf("%q cannot be started: %v", o.Args[0], syscall.Exec(program, o.Args, environment))}
}

// yield lets the kernel take the command first when there is too little of something.
func yield() error {
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0); err != nil {
		return err
	}
	return unix.Setpriority(unix.PRIO_PROCESS, 0, 10)
}

// dropTo leaves root and its groups for good.
func dropTo(user uint32) error {
	if user == 0 {
		if os.Geteuid() == 0 {
			return errors.New("a command never runs as root")
		}
		return nil
	}
	id := int(user)
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setresgid(id, id, id); err != nil {
		return err
	}
	return syscall.Setresuid(id, id, id)
}

// find is where a program lies: by the command's PATH, by the command's rights.
func find(name string, environment []string) (string, error) {
	os.Clearenv()
	for _, variable := range environment {
		if name, value, is := strings.Cut(variable, "="); is {
			_ = os.Setenv(name, value)
		}
	}
	path, err := exec.LookPath(name)
	switch {
	case err == nil || errors.Is(err, exec.ErrDot):
		return path, nil
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("there is no program %q in PATH", name)
	}
	var reason syscall.Errno
	if errors.As(err, &reason) {
		return "", fmt.Errorf("%q cannot be started: %w", name, reason)
	}
	return "", fmt.Errorf("%q cannot be started: %w", name, err)
}

// limit sets the limits that the kernel holds.
func limit(o order) error {
	processes, err := processesOf(o)
	if err != nil {
		return err
	}
	for _, l := range []struct {
		of   int
		most uint64
	}{
		{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_MSGQUEUE, 0}, {unix.RLIMIT_CPU, o.CPU}, {unix.RLIMIT_FSIZE, o.Limits.File},
		{unix.RLIMIT_NOFILE, o.Limits.Open}, {unix.RLIMIT_NPROC, processes}, {unix.RLIMIT_AS, o.Limits.Address},
	} {
		var now syscall.Rlimit
		if err := syscall.Getrlimit(l.of, &now); err != nil {
			return err
		}
		most := min(l.most, now.Max)
		if err := syscall.Setrlimit(l.of, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return err
		}
	}
	return nil
}

// processesOf is what the kernel has to count to: with a user of its own it counts the command's alone.
func processesOf(o order) (uint64, error) {
	if o.User != 0 {
		return o.Limits.Processes, nil
	}
	others, err := threadsOf(uint32(os.Getuid()))
	return o.Limits.Processes + others, err
}

// start makes a child of this program become the command.
func start(o order) (pid int, failed end, err error) {
	packed, err := json.Marshal(o)
	if err != nil {
		return 0, end{}, err
	}
	orders, giveOrder, err := os.Pipe()
	if err != nil {
		return 0, end{}, err
	}
	defer orders.Close()
	ends, giveEnd, err := os.Pipe()
	if err != nil {
		giveOrder.Close()
		return 0, end{}, err
	}
	defer ends.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		giveOrder.Close()
		giveEnd.Close()
		return 0, end{}, err
	}
	defer nothing.Close()
	pid, err = syscall.ForkExec(self, []string{self, Job, becomeArg}, &syscall.ProcAttr{
		Env: []string{}, Files: []uintptr{nothing.Fd(), 1, 2, orders.Fd(), giveEnd.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	giveEnd.Close()
	if err != nil {
		giveOrder.Close()
		return 0, end{}, err
	}
	orders.Close() // so that writing does not wait for a child that is gone
	_, err = giveOrder.Write(packed)
	giveOrder.Close()
	if err != nil {
		return pid, end{}, err
	}
	if json.NewDecoder(ends).Decode(&failed) != nil { // closed without a word: it is the command now
		return pid, end{}, nil
	}
	return pid, failed, nil
}
