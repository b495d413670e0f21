package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/file"
	"github.com/loanops/loanops/internal/sandbox"
)

// TestMain makes this test program the supervisor of commands, as the worker is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Job {
		os.Exit(sandbox.Supervise(context.Background(), os.Args[2:]))
	}
	if len(os.Args) > 2 && os.Args[1] == runAndHang {
		os.Exit(runForever(os.Args[2]))
	}
	os.Exit(m.Run())
}

// folder is one that every user can enter and write into, as the system's for temporary files is and the tests' own are not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sandbox-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o777|os.ModeSticky))
	return dir
}

// config is one that runs here, as root or not.
func config(t *testing.T, users sandbox.Users) sandbox.Config {
	t.Helper()
	return sandbox.Config{Dir: folder(t), Users: users, SameUser: true, Environment: []string{"PATH=" + os.Getenv("PATH")}}
}

// room is a sandbox in a folder of its own; each test has users of its own, so that none waits for another.
func room(t *testing.T, first uint32, limits sandbox.Limits) (*sandbox.Sandbox, string) {
	t.Helper()
	c := config(t, sandbox.Users{First: first, Last: first + 1})
	c.Limits = limits
	s, err := sandbox.New(t.Context(), c)
	require.NoError(t, err)
	return s, c.Dir
}

// shell is a command of a shell's.
func shell(script string) sandbox.Command {
	return sandbox.Command{Args: []string{"sh", "-c", script}, Timeout: time.Minute, Output: 64 << 10}
}

// run runs it, and holds that nothing is left of it: no folder, no process.
func run(t *testing.T, s *sandbox.Sandbox, dir string, c sandbox.Command) sandbox.Result {
	t.Helper()
	r, err := s.Run(t.Context(), c)
	require.NoError(t, err)
	nothingLeft(t, dir)
	return r
}

func nothingLeft(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries, "scratch folders")
	require.Empty(t, within(dir), "processes whose folder was in it")
}

// within are the processes that run in a folder, or in one that was there.
func within(dir string) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && strings.HasPrefix(at, dir) {
			found = append(found, link)
		}
	}
	return found
}

func asRoot(t *testing.T) bool {
	t.Helper()
	return os.Geteuid() == 0
}

// What is said of each way to end.
func TestHowACommandEnds(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64000, sandbox.Limits{File: 1 << 20})
	for _, test := range []struct {
		name, script, why string
		lines             []string
	}{
		{"well", "echo one; echo two >&2", "", []string{"one", "two"}},
		{"with a code", "echo no; exit 7", "ended with 7", []string{"no"}},
		{"by a signal", "kill -SEGV $$", "killed by SIGSEGV", nil},
		{"in a folder of its own, empty", "ls -A; pwd | sed 's/.*command-[0-9]*//'", "", []string{"/files"}},
		{"without input", "cat; echo end", "", []string{"end"}},
		{"a file too large", "exec dd if=/dev/zero of=huge bs=65536 count=64 2>/dev/null", "killed by SIGXFSZ: a file grew beyond 1 MiB", nil},
		{"leaving a process behind", "sleep 1000 & echo gone", "", []string{"gone", "[1 processes were left running, and killed]"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := run(t, s, dir, shell(test.script))
			require.Equal(t, sandbox.Result{Lines: test.lines, Why: test.why}, r)
		})
	}
	for why, args := range map[string][]string{
		`there is no program "nosuch" in PATH`:                    {"nosuch"},
		`"./nosuch" cannot be started: no such file or directory`: {"./nosuch"},
		`"/etc/passwd" cannot be started: permission denied`:      {"/etc/passwd"},
		`"/etc" cannot be started: is a directory`:                {"/etc"},
	} {
		require.Equal(t, sandbox.Result{Why: why}, run(t, s, dir, sandbox.Command{Args: args, Timeout: time.Minute, Output: 1024}))
	}
}

func TestTheFilesOfACommand(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64010, sandbox.Limits{})
	c := shell("cat a/b; ./run; echo more > a/b; cat a/b")
	c.Unpack = func(dir string) error {
		return errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o755), os.WriteFile(filepath.Join(dir, "a", "b"), []byte("text\n"), 0o644),
			file.Write(filepath.Join(dir, "run"), []byte("#!/bin/sh\necho ran\n"), 0o755))
	}
	require.Equal(t, []string{"text", "ran", "more"}, run(t, s, dir, c).Lines)

	c.Unpack = func(string) error { return fault.New(fault.Unavailable, "no room") }
	_, err := s.Run(t.Context(), c)
	require.ErrorContains(t, err, "no room")
	nothingLeft(t, dir)
}

// The command sees what the operator names and what it needs, and none of what the worker has.
func TestNoCredentialsReachACommand(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
	t.Setenv("LOANOPS_DATABASE", "postgres://planted-secret")
	t.Setenv("TEMPORAL_API_KEY", "planted-secret")
	s, dir := room(t, 64020, sandbox.Limits{})
	r := run(t, s, dir, shell("env | cut -d= -f1 | sort; env"))
	require.NotContains(t, strings.Join(r.Lines, "\n"), "planted-secret")
	require.Equal(t, []string{"CI", "HOME", "LANG", "PATH", "PWD", "TMPDIR"}, r.Lines[:6])

	// Neither do its parents have any to be read.
	r = run(t, s, dir, shell("cat /proc/$PPID/environ /proc/1/environ 2>/dev/null | tr '\\0' '\\n'; ls /proc/self/fd"))
	require.NotContains(t, strings.Join(r.Lines, "\n"), "planted-secret")
	require.Equal(t, []string{"0", "1", "2", "3"}, r.Lines[max(0, len(r.Lines)-4):], "3 is that of ls; nothing else is inherited")
}

func TestAUserOfItsOwn(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		c := config(t, sandbox.Users{First: 64032, Last: 64033})
		c.SameUser = false
		_, err := sandbox.New(t.Context(), c)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
		require.ErrorContains(t, err, "LOANOPS_CI_COMMANDS=allow-same-user")
		return
	}
	s, dir := room(t, 64030, sandbox.Limits{})
	secret := filepath.Join(folder(t), "token")
	require.NoError(t, os.WriteFile(secret, []byte("planted-secret"), 0o600))
	r := run(t, s, dir, shell("id -u; id -G; cat "+secret+"; kill -0 "+strconv.Itoa(os.Getpid())+"; kill -0 $PPID; grep -E '^(NoNewPrivs|CapEff|CapBnd)' /proc/self/status"))
	said := strings.Join(r.Lines, "\n")
	require.NotContains(t, said, "planted-secret")
	require.Equal(t, []string{"64030", "64030"}, r.Lines[:2])
	require.Equal(t, 1, strings.Count(said, "Permission denied"))
	require.Equal(t, 2, strings.Count(said, "ermitted"), said)
	require.Contains(t, said, "NoNewPrivs:\t1")
	require.Contains(t, said, "CapEff:\t0000000000000000")
}

// Two at once have two users, a third waits for one of them; the one cannot reach the other's files.
func TestCommandsAtTheSameTime(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return // they have one user: said in docs/runbook.md
	}
	s, dir := room(t, 64040, sandbox.Limits{})
	type outcome struct {
		sandbox.Result
		err error
	}
	outcomes := make(chan outcome)
	for range 3 {
		go func() {
			r, err := s.Run(t.Context(), shell("echo mine > file; id -u; sleep 1; for d in "+dir+"/*/files; do [ $d = $PWD ] || ! ls $d 2>/dev/null || echo open; done; ls"))
			outcomes <- outcome{r, err}
		}()
	}
	for range 3 {
		o := <-outcomes
		require.NoError(t, o.err)
		require.Empty(t, o.Why)
		require.Contains(t, []string{"64040", "64041"}, o.Lines[0])
		require.NotContains(t, o.Lines, "open")
		require.Equal(t, "file", o.Lines[len(o.Lines)-1])
	}
	nothingLeft(t, dir)
	busy, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Run(busy, shell("true"))
	require.ErrorIs(t, err, context.Canceled)
}

// The limits that the kernel holds, as the shell tells them.
func TestLimitsAreSet(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64050, sandbox.Limits{Processes: 77, Address: 3 << 30, File: 5 << 20, Open: 99})
	r := run(t, s, dir, sandbox.Command{Args: []string{"cat", "/proc/self/limits", "/proc/self/oom_score_adj"}, Timeout: time.Minute, Output: 8192})
	limits := map[string]string{}
	for _, line := range r.Lines {
		if name, rest, found := strings.Cut(line, "  "); found {
			limits[name] = strings.Join(strings.Fields(rest)[:2], " ")
		}
	}
	if asRoot(t) {
		require.Equal(t, "77 77", limits["Max processes"])
	}
	require.Equal(t, fmt.Sprintf("%d %d", 3<<30, 3<<30), limits["Max address space"])
	require.Equal(t, fmt.Sprintf("%d %d", 5<<20, 5<<20), limits["Max file size"])
	require.Equal(t, "99 99", limits["Max open files"])
	require.Equal(t, "0 0", limits["Max core file size"])
	require.Equal(t, "0 0", limits["Max msgqueue size"])
	require.Equal(t, "3904 3904", limits["Max cpu time"], "61 s on 64 processors")
	require.Equal(t, "1000", r.Lines[len(r.Lines)-1])
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	for user, test := range map[uint32]struct{ name, script string }{
		64060: {"sleeping", "sleep 1000"},
		64062: {"ignoring SIGTERM", "trap '' TERM INT HUP; while :; do sleep 1; done"},
		64064: {"stopped", "kill -STOP $$"},
		64066: {"computing", "while :; do :; done"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, dir := room(t, user, sandbox.Limits{})
			c := shell("echo begun; " + test.script)
			c.Timeout = 5 * time.Second
			require.Equal(t, sandbox.Result{Lines: []string{"begun"}, Why: "killed after 5s: its time limit"}, run(t, s, dir, c))
		})
	}
}

func TestEndlessOutput(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64070, sandbox.Limits{Printed: 4 << 20})
	c := shell("echo first; exec yes")
	c.Output = 1000
	r := run(t, s, dir, c)
	require.Equal(t, "killed: it printed more than 4 MiB", r.Why)
	require.Equal(t, "first", r.Lines[0])
	require.Equal(t, 1, strings.Count(strings.Join(r.Lines, "\n"), "bytes are left out"))
	require.LessOrEqual(t, len(strings.Join(r.Lines, "\n")), 1000+40)

	c = shell("seq 1 100000; echo last") // much, and not too much: none of it holds the command up
	c.Output = 100
	r = run(t, s, dir, c)
	require.Empty(t, r.Why)
	require.Equal(t, "1", r.Lines[0])
	require.Equal(t, "last", r.Lines[len(r.Lines)-1])
	require.Contains(t, r.Lines, "[588868 bytes are left out]", "four lines of each end, of 588,900 bytes: a half of 50 bytes has room for no more")
}

// Its processes have a limit; none is left; another command goes on meanwhile, and afterwards.
func TestForkBomb(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return // the limit counts all of the user's processes; tried with a user of its own
	}
	for name, script := range map[string]string{
		"growing": "echo begun; b() { b | b & }; b 2>/dev/null; exec sleep 1000",    // what waits needs no further process
		"hopping": "echo 'echo; sh ./hop & exit' > hop; sh ./hop & exec sleep 1000", // each starts the next and ends, faster than one can look
	} {
		t.Run(name, func(t *testing.T) {
			s, dir := room(t, 64080, sandbox.Limits{Processes: 40})
			c := shell(script)
			c.Timeout = 2 * time.Second
			calm := make(chan sandbox.Result, 1)
			go func() {
				r, _ := s.Run(t.Context(), shell("sleep 1; (echo unhurt)"))
				calm <- r
			}()
			r, err := s.Run(t.Context(), c)
			require.NoError(t, err)
			require.Equal(t, "killed after 2s: its time limit", r.Why)
			require.Equal(t, sandbox.Result{Lines: []string{"unhurt"}}, <-calm)
			if name == "hopping" {
				require.Greater(t, len(r.Lines), 20)
			}
			nothingLeft(t, dir)
			require.Empty(t, run(t, s, dir, shell("true")).Why)
		})
	}
}

// Whatever detaches itself ends all the same.
func TestDaemonsEnd(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64090, sandbox.Limits{})
	r := run(t, s, dir, shell(`
		setsid sh -c 'trap "" TERM HUP; setsid sleep 1000 & sleep 1000' >/dev/null 2>&1 </dev/null &
		(setsid sleep 1000 >/dev/null 2>&1 &)
		(setsid sleep 1000 &)
		sleep 0.2; echo gone`))
	require.Empty(t, r.Why)
	require.Equal(t, "gone", r.Lines[0])
	require.Len(t, r.Lines, 2, "%v", r.Lines)
	require.Contains(t, r.Lines[1], "were left running, and killed")
}

const runAndHang = "run-and-hang"

// runForever plays a worker that is killed in the midst of a command.
func runForever(dir string) int {
	s, err := sandbox.New(context.Background(), sandbox.Config{
		Dir: dir, Users: sandbox.Users{First: 64100, Last: 64100}, SameUser: true, Environment: []string{"PATH=" + os.Getenv("PATH")},
	})
	if err == nil {
		_, err = s.Run(context.Background(), shell("touch "+dir+"/../nothing; echo > begun; setsid sleep 1000 & sleep 1000"))
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// A worker that is killed leaves neither the command nor its folder.
func TestTheWorkerDies(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	cmd := exec.Command("/proc/self/exe", runAndHang, dir)
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	eventually(t, func() bool {
		begun, _ := filepath.Glob(dir + "/*/files/begun")
		return len(begun) == 1
	})
	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	_ = cmd.Wait()
	eventually(t, func() bool {
		entries, err := os.ReadDir(dir)
		return err == nil && len(entries) == 0 && len(within(dir)) == 0
	})
	require.Empty(t, said.String())
}

// eventually polls for what is announced to nobody.
func eventually(t *testing.T, true func() bool) {
	t.Helper()
	require.Eventually(t, true, time.Minute, 20*time.Millisecond)
}

func TestTheRunIsEnded(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64110, sandbox.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(within(dir)) == 0 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	_, err := s.Run(ctx, shell("sleep 1000"))
	require.ErrorIs(t, err, context.Canceled)
	nothingLeft(t, dir)
}

// The folder is removed whatever is in it, and nothing else is.
func TestTheFolderIsRemoved(t *testing.T) {
	t.Parallel()
	s, dir := room(t, 64120, sandbox.Limits{})
	outside := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(outside, "kept"), []byte("kept"), 0o644))
	for name, script := range map[string]string{
		"links out of it":     "ln -s " + outside + " a; ln -s " + outside + "/kept b; ln -s / $HOME/c; mkdir d; ln -s " + outside + " d/e",
		"the folder itself":   "at=${HOME%/*}; cd ..; rm -rf files; ln -s " + outside + " files; mv $at $at-away; ln -s " + outside + " $at; mv files away; true",
		"closed folders":      "mkdir -p x/y/z; touch x/y/z/f; chmod 0 x/y/z x/y x; chmod 0 $HOME $TMPDIR; chmod 0 .",
		"strange names":       "touch -- '-rf' '...' 'a b' \"$(printf 'line\\nbreak')\" '*'; mkdir removing-0 removing-1; mkdir -p removing-1/removing-0/removing-0",
		"pipes":               "mkfifo p",
		"a file with a hole":  "truncate -s 1G hole",
		"a folder under work": "(cd $TMPDIR; while :; do mkdir -p q/q/q; touch q/q/q/f; done) & sleep 0.3",
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, run(t, s, dir, shell(script)).Why)
			kept, err := os.ReadFile(filepath.Join(outside, "kept"))
			require.NoError(t, err)
			require.Equal(t, "kept", string(kept))
		})
	}
}

// Out of its folder it changes nothing that others may change, where the kernel has Landlock: what it may do without is said in docs/runbook.md.
func TestNothingIsWrittenElsewhere(t *testing.T) {
	t.Parallel()
	if _, _, errno := syscall.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); errno != 0 {
		return
	}
	s, dir := room(t, 64130, sandbox.Limits{})
	open := folder(t)
	require.NoError(t, os.WriteFile(filepath.Join(open, "there"), []byte("as it was"), 0o666))
	require.NoError(t, os.Chmod(filepath.Join(open, "there"), 0o666))
	r := run(t, s, dir, shell("ln -s "+open+" out; for f in "+open+"/new out/new ../../new /dev/shm/sandbox-new "+open+"/there out/there; do echo x > $f && echo written $f; done; "+
		"rm "+open+"/there; echo x > /dev/null; echo end"))
	said := strings.Join(r.Lines, "\n")
	require.NotContains(t, said, "written")
	require.Equal(t, "end", r.Lines[len(r.Lines)-1])
	entries, err := os.ReadDir(open)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	there, err := os.ReadFile(filepath.Join(open, "there"))
	require.NoError(t, err)
	require.Equal(t, "as it was", string(there))
}

func TestWhatAFolderAndMemoryMayHold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limits      sandbox.Limits
		script, why string
	}{
		"bytes":  {sandbox.Limits{Scratch: 8 << 20}, "for i in 1 2 3 4 5 6; do dd if=/dev/zero of=$TMPDIR/$i bs=1M count=2 2>/dev/null; done", "killed: its folder held more than 8 MiB"},
		"files":  {sandbox.Limits{Entries: 50}, "for i in $(seq 60); do : > f$i; done", "killed: its folder held more than 50 files"},
		"depth":  {sandbox.Limits{}, "i=0; while [ $i -lt 3000 ]; do mkdir dddddddddd; cd -P dddddddddd || break; i=$((i+1)); done", "killed: its folders lay more than 100 deep"},
		"memory": {sandbox.Limits{Memory: 32 << 20}, "tail -c 64M /dev/zero | tail -c 64M | sleep 1000 & tail -c 64M /dev/zero", "killed: its processes had more than 32 MiB in memory"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "memory" && !asRoot(t) {
				return // it is that of a user
			}
			test.limits.Look = 50 * time.Millisecond
			s, dir := room(t, 64140, test.limits)
			require.Equal(t, test.why, run(t, s, dir, shell(test.script+"; exec sleep 1000")).Why)
		})
	}
}

// As root a command is alone in its network.
func TestNetwork(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	interfaces := shell("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")
	s, dir := room(t, 64150, sandbox.Limits{})
	require.Equal(t, []string{"lo"}, run(t, s, dir, interfaces).Lines)
	own, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	require.NotEqual(t, []string{own}, run(t, s, dir, shell("readlink /proc/self/ns/net")).Lines)

	c := config(t, sandbox.Users{First: 64152, Last: 64152})
	c.Network = true
	s, err = sandbox.New(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, []string{own}, run(t, s, c.Dir, shell("readlink /proc/self/ns/net")).Lines)
}

func TestWhereCommandsCannotRun(t *testing.T) {
	t.Parallel()
	c := config(t, sandbox.Users{First: 64160, Last: 64160})
	c.Dir = filepath.Join(c.Dir, "none")
	_, err := sandbox.New(t.Context(), c)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_CI_DIR")
	if !asRoot(t) {
		return
	}
	require.NoError(t, os.Mkdir(c.Dir, 0o700)) // no other user can enter it
	other, dir := room(t, 64162, sandbox.Limits{})
	calm := make(chan sandbox.Result, 1)
	go func() {
		r, _ := other.Run(t.Context(), shell("touch begun; sleep 1; (echo unhurt)"))
		calm <- r
	}()
	eventually(t, func() bool { return len(within(dir)) > 0 })
	_, err = sandbox.New(t.Context(), c)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "permission denied")
	require.Equal(t, sandbox.Result{Lines: []string{"unhurt"}}, <-calm, "a fault of one run is none of another")
}

// All processes of a user end at once; of a user that may be somebody else's, and of everybody, none do.
func TestAllOfAUserEnd(t *testing.T) {
	t.Parallel()
	if !asRoot(t) {
		return
	}
	endAll := func(user string) (string, error) {
		said, err := exec.Command("/proc/self/exe", sandbox.Job, "end", user).CombinedOutput()
		return string(said), err
	}
	sleeper := exec.Command("sleep", "1000")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 64170, Gid: 64170}}
	require.NoError(t, sleeper.Start())
	for _, user := range []string{"0", "999", "root", "-1", "4294967295"} {
		said, err := endAll(user)
		require.Error(t, err, said)
	}
	said, err := endAll("64171")
	require.NoError(t, err, said)
	require.NoError(t, sleeper.Process.Signal(syscall.Signal(0)))
	said, err = endAll("64170")
	require.NoError(t, err, said)
	require.EqualError(t, sleeper.Wait(), "signal: killed")
}

// A person who tries the job is told whose it is.
func TestTheJobIsNotForPeople(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{sandbox.Job}, {sandbox.Job, "become"}} {
		said, err := exec.Command("/proc/self/exe", args...).CombinedOutput()
		require.Error(t, err)
		require.True(t, len(args) == 2 || strings.Contains(string(said), "not by people"), "%s", said)
	}
}
