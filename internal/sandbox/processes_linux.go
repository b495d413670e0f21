package sandbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/loanops/loanops/internal/fault"
)

// process is one that runs, as /proc tells of it.
type process struct {
	pid, parent int
	user        uint32
	threads     uint64
	resident    int64 // bytes in memory
	ended       bool  // and nobody has asked how
}

// processes are all that are to be seen.
func processes() (map[int]process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := map[int]process{}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			if p, there := look(pid); there {
				all[pid] = p
			}
		}
	}
	return all, nil
}

// look is at one process; false where it is gone.
func look(pid int) (process, bool) {
	p := process{pid: pid}
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	var folder unix.Stat_t
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return p, false
	}
	if unix.Stat(dir, &folder) != nil {
		return p, false
	}
	// proc(5): pid (name) state ppid …; the name may hold blanks and parentheses. Threads are the 20th, resident pages the 24th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return p, false
	}
	p.ended = fields[0][0] == 'Z' || fields[0][0] == 'X'
	p.parent, _ = strconv.Atoi(string(fields[1]))
	p.threads, _ = strconv.ParseUint(string(fields[17]), 10, 64)
	pages, _ := strconv.ParseInt(string(fields[21]), 10, 64)
	p.resident = pages * int64(os.Getpagesize())
	p.user = realUser(status)
	return p, true
}

// realUser is that of /proc/PID/status: whose process it is. The owner of the folder is root while a process may not be looked into.
func realUser(status []byte) uint32 {
	_, after, _ := bytes.Cut(status, []byte("\nUid:"))
	if ids := bytes.Fields(after); len(ids) > 0 {
		id, _ := strconv.ParseUint(string(ids[0]), 10, 32)
		return uint32(id)
	}
	return 0
}

// nobody is a process from which nothing comes.
const nobody = -1

// of are those that come of a process, it not among them, and those of a user; user 0 adds none.
func of(all map[int]process, root int, user uint32) (found []process) {
	for _, p := range all {
		if p.pid != root && (user != 0 && p.user == user || descends(all, p, root)) {
			found = append(found, p)
		}
	}
	return found
}

func descends(all map[int]process, p process, root int) bool {
	for range len(all) {
		if p.parent == root {
			return true
		}
		parent, there := all[p.parent]
		if !there {
			return false
		}
		p = parent
	}
	return false
}

// threadsOf counts those of a user.
func threadsOf(user uint32) (n uint64, err error) {
	all, err := processes()
	for _, p := range all {
		if p.user == user {
			n += p.threads
		}
	}
	return n, err
}

// sweeps are how often processes that go on appearing are stopped before those that are there are killed.
const sweeps = 50

// endAll stops and then kills all that come of a process, and a user's; it returns how many there were that still ran. Stopped ones hold their places among
// those that the limit allows: what starts others faster than they can be killed comes to its end by that.
func endAll(root int, user uint32) (running int, err error) {
	stopped := map[int]bool{}
	for range sweeps {
		all, err := processes()
		if err != nil {
			return len(stopped), err
		}
		news := 0
		for _, p := range of(all, root, user) {
			if !p.ended && !stopped[p.pid] {
				stopped[p.pid] = true
				news++
				signal(p, unix.SIGSTOP)
			}
		}
		if news == 0 {
			break
		}
	}
	all, err := processes()
	for _, p := range of(all, root, user) {
		signal(p, unix.SIGKILL)
	}
	return len(stopped), err
}

// endUser kills all processes of a user at once, this one left out: the kernel lets none of them start another meanwhile, so that none can run ahead of it.
func endUser(user uint32) error {
	if user < 1000 {
		return fault.New(fault.Internal, "%d is no user of commands", user)
	}
	if err := dropTo(user); err != nil {
		return err
	}
	if unix.Kill(1, 0) == nil { // whoever may signal the first process may signal all
		return fault.New(fault.Internal, "the rights of root are not gone")
	}
	if err := unix.Kill(-1, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	return nil
}

// signal reaches the process that was seen, never one that has its number by now.
func signal(seen process, what unix.Signal) {
	fd, err := unix.PidfdOpen(seen.pid, 0)
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(fd) }()
	if now, there := look(seen.pid); there && now.user == seen.user && now.parent == seen.parent {
		_ = unix.PidfdSendSignal(fd, what, nil, 0) // it may have ended
	}
}
