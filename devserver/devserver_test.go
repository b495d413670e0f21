package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"--db-filename", "x.db", "--s3-dir", "s3", "--search-attribute", "A=Keyword", "--search-attribute", "B=Int", "--port", "1"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.port != 1 || o.attributes["A"] != enumspb.INDEXED_VALUE_TYPE_KEYWORD || o.attributes["B"] != enumspb.INDEXED_VALUE_TYPE_INT {
		t.Fatalf("%+v", o)
	}
	for _, bad := range [][]string{{}, {"--db-filename", "x.db"}, {"--search-attribute", "A=Nothing"}, {"--db-filename", "x", "--s3-dir", "y", "more"},
		{"--db-filename", "x", "--s3-dir", "y", "--registry-port", "1"}, {"--db-filename", "x", "--s3-dir", "y", "--registry-dir", "z"}} {
		if _, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestLockIsForOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock(path); err == nil || !strings.Contains(err.Error(), "another loanops-devserver") {
		t.Fatalf("second lock: %v", err)
	}
	unlock()
	if _, err := lock(path); err != nil {
		t.Fatalf("after unlock: %v", err)
	}
}

// TestMain runs the program itself when the test starts it again as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("DEVSERVER_UNDER_TEST") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// Between the choice of a port and Temporal's start others ask the system for ports.
func TestAFreePortIsGivenOnce(t *testing.T) {
	ports, err := freePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	asked := net.ListenConfig{Control: func(_, _ string, socket syscall.RawConn) error { // as one is bound whose port the system chooses
		return socket.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0) })
	}}
	if other, err := asked.Listen(t.Context(), "tcp4", address); err == nil {
		other.Close()
		t.Fatalf("%s is given to another program", address)
	}
	server, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal("Temporal does not get its port:", err)
	}
	server.Close()
}

// server is a running devserver process.
type server struct {
	cmd                          *exec.Cmd
	port, http, ui, s3, registry int
}

func start(t *testing.T, dir string, ports []int) *server {
	t.Helper()
	s := &server{port: ports[0], http: ports[1], ui: ports[2], s3: ports[3], registry: ports[4]}
	s.cmd = exec.Command(os.Args[0], "--db-filename", filepath.Join(dir, "temporal.db"), "--s3-dir", filepath.Join(dir, "s3"),
		"--port", fmt.Sprint(s.port), "--http-port", fmt.Sprint(s.http), "--ui-port", fmt.Sprint(s.ui), "--s3-port", fmt.Sprint(s.s3),
		"--registry-port", fmt.Sprint(s.registry), "--registry-dir", filepath.Join(dir, "registry"),
		"--search-attribute", "LoanOpsPipeline=Keyword")
	s.cmd.Env = append(os.Environ(), "DEVSERVER_UNDER_TEST=1", "AWS_ACCESS_KEY_ID=dev", "AWS_SECRET_ACCESS_KEY=development")
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "{") {
				fmt.Println("devserver:", lines.Text())
			}
		}
	}()
	for _, url := range []string{
		fmt.Sprintf("http://127.0.0.1:%d/api/v1/namespaces/default", s.http),
		fmt.Sprintf("http://127.0.0.1:%d/", s.ui), fmt.Sprintf("http://127.0.0.1:%d/healthz", s.s3), fmt.Sprintf("http://127.0.0.1:%d/v2/", s.registry),
	} {
		await(t, url)
	}
	return s
}

// await asks until the address answers 200.
func await(t *testing.T, url string) {
	t.Helper()
	deadline := time.After(60 * time.Second)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		response, err := http.Get(url)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-deadline:
			t.Fatalf("%s does not answer: %v", url, err)
		case <-poll.C:
		}
	}
}

// A workflow that was started survives the server's SIGKILL, and SIGTERM ends the server cleanly.
func TestServesAndSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	ports, err := freePorts(5)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, ports)
	ctx := context.Background()
	temporal, err := client.Dial(client.Options{HostPort: fmt.Sprintf("127.0.0.1:%d", s.port), Logger: nil})
	if err != nil {
		t.Fatal(err)
	}
	run, err := temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: "kept", TaskQueue: "nobody"}, "Anything")
	if err != nil {
		t.Fatal(err)
	}
	temporal.Close()
	if err := s.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = s.cmd.Wait()

	s = start(t, dir, ports)
	temporal, err = client.Dial(client.Options{HostPort: fmt.Sprintf("127.0.0.1:%d", s.port)})
	if err != nil {
		t.Fatal(err)
	}
	defer temporal.Close()
	described, err := temporal.DescribeWorkflowExecution(ctx, "kept", run.GetRunID())
	if err != nil || described.GetWorkflowExecutionInfo().GetStatus() != enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING {
		t.Fatalf("after the kill: %v, %v", described, err)
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("a clean stop: %v", err)
	}
}

// Work flows at once after a restart: no start waits for what an earlier one left behind.
func TestTasksAreDispatchedRightAfterARestart(t *testing.T) {
	dir := t.TempDir()
	ports, err := freePorts(5)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 4 {
		s := start(t, dir, ports)
		temporal, err := client.Dial(client.Options{HostPort: fmt.Sprintf("127.0.0.1:%d", s.port)})
		if err != nil {
			t.Fatal(err)
		}
		queue := fmt.Sprintf("round-%d", round)
		if _, err := temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: queue, TaskQueue: queue}, "Anything"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		task, err := temporal.WorkflowService().PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
			Namespace: "default", TaskQueue: &taskqueue.TaskQueue{Name: queue},
		})
		cancel()
		if err != nil || len(task.GetTaskToken()) == 0 {
			t.Fatalf("start %d: no task: %v", round+1, err)
		}
		temporal.Close()
		if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := s.cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}
