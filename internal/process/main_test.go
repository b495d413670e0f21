package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/process"
)

// limit is how long a test waits for what must come at once.
const limit = 20 * time.Second

// roleVariable makes this test program play a child.
const roleVariable = "LOANOPS_TEST_PROCESS_ROLE"

func TestMain(m *testing.M) {
	role, isChild := os.LookupEnv(roleVariable)
	if !isChild {
		os.Exit(m.Run())
	}
	if err := play(role); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// play says "ready" when the role's signal handling is in place, so that no test has to guess.
func play(role string) error {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, syscall.SIGTERM)
	switch role {
	case "polite": // ends at SIGTERM
		fmt.Println("ready")
		<-terminate
		fmt.Println("bye")
	case "stubborn": // says that it heard SIGTERM and goes on
		fmt.Println("ready")
		for range terminate {
			fmt.Println("no")
		}
	case "echo": // answers lines until its input ends
		fmt.Println("ready")
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(lines.Text())
		}
	case "parent": // starts a stubborn child that shares its output
		cmd := command("stubborn")
		cmd.Stdout = os.Stdout
		if err := process.Start(cmd); err != nil {
			return err
		}
		return cmd.Wait()
	default:
		return fmt.Errorf("no role %q", role)
	}
	return nil
}

func command(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

// running is a child with its output line by line; lines is closed when every process that holds the output has ended.
type running struct {
	cmd    *exec.Cmd
	lines  chan string
	exited chan struct{}
}

// start starts the role through begin and waits until it is ready.
func start(t *testing.T, cmd *exec.Cmd, begin func(*exec.Cmd) error) *running {
	t.Helper()
	output, input, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdout = input
	require.NoError(t, begin(cmd))
	require.NoError(t, input.Close())
	r := &running{cmd: cmd, lines: make(chan string, 100), exited: make(chan struct{})}
	go func() {
		defer close(r.lines)
		defer output.Close()
		for lines := bufio.NewScanner(output); lines.Scan(); {
			r.lines <- lines.Text()
		}
	}()
	go func() {
		_ = cmd.Wait() // its state is read from ProcessState
		close(r.exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-r.exited
	})
	require.Equal(t, "ready", r.line(t))
	return r
}

// line is the next line of the output; the empty string when it has ended.
func (r *running) line(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.lines:
		return line
	case <-time.After(limit):
		t.Fatal("the child says nothing and does not end")
		return ""
	}
}
