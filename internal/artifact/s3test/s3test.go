// Package s3test starts a real S3 store for tests: the one of loanops-devserver, built from this repository when bin/ does not
// hold it yet.
package s3test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Start serves S3 until the test ends and points the AWS environment to it.
func Start(t *testing.T) {
	t.Helper()
	port, other := freePort(t), []int{freePort(t), freePort(t), freePort(t)}
	dir := t.TempDir()
	t.Setenv("AWS_ENDPOINT_URL_S3", fmt.Sprintf("http://127.0.0.1:%d", port))
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
	t.Setenv("AWS_REGION", "us-east-1")
	cmd := exec.Command(program(t), "--db-filename", filepath.Join(dir, "temporal.db"), "--s3-dir", filepath.Join(dir, "s3"),
		"--s3-port", fmt.Sprint(port), "--port", fmt.Sprint(other[0]), "--http-port", fmt.Sprint(other[1]), "--ui-port", fmt.Sprint(other[2]))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	deadline := time.After(time.Minute)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", port))
		if err == nil {
			response.Body.Close()
			return
		}
		select {
		case <-deadline:
			t.Fatalf("the S3 store does not answer: %v", err)
		case <-poll.C:
		}
	}
}

// program is the path of loanops-devserver.
func program(t *testing.T) string {
	t.Helper()
	root := repository(t)
	path := filepath.Join(root, "bin", "loanops-devserver")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	build := exec.Command("make", "bin/loanops-devserver")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building loanops-devserver: %v\n%s", err, out)
	}
	return path
}

// repository is the folder above the test's that holds the Makefile.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "Makefile")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no Makefile above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
