// Package s3test starts a real S3 store for tests: the one of loanops-devserver, built from this repository when bin/ does not
// hold it yet.
package s3test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/port"
)

// Start serves S3 until the test ends and points the AWS environment to it.
func Start(t *testing.T) {
	t.Helper()
	at, stop, err := Serve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL_S3", at.Endpoint)
	t.Setenv("AWS_ACCESS_KEY_ID", at.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", at.SecretAccessKey)
	t.Setenv("AWS_REGION", at.Region)
}

// Serve serves S3 from dir until it is stopped: one store for all tests of a package, which then may run in parallel.
func Serve(dir string) (at artifact.S3, stop func(), err error) {
	devserver, err := program()
	if err != nil {
		return at, nil, err
	}
	ports, err := port.Choose(0, 0, 0, 0)
	if err != nil {
		return at, nil, err
	}
	at = artifact.S3{
		Endpoint: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), Region: "us-east-1", AccessKeyID: "test", SecretAccessKey: "test-secret",
	}
	cmd := exec.Command(devserver, "--db-filename", filepath.Join(dir, "temporal.db"), "--s3-dir", filepath.Join(dir, "s3"),
		"--s3-port", fmt.Sprint(ports[0]), "--port", fmt.Sprint(ports[1]), "--http-port", fmt.Sprint(ports[2]), "--ui-port", fmt.Sprint(ports[3]))
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+at.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+at.SecretAccessKey)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return at, nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := awaitHealth(at.Endpoint, ended); err != nil {
		stop()
		return at, nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	return at, stop, nil
}

// awaitHealth returns when the store answers, and an error when its program has ended or takes too long.
func awaitHealth(endpoint string, ended <-chan struct{}) error {
	deadline := time.After(time.Minute)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		response, err := http.Get(endpoint + "/healthz")
		if err == nil {
			return response.Body.Close()
		}
		select {
		case <-ended:
			return errors.New("the program of the S3 store has ended")
		case <-deadline:
			return fmt.Errorf("the S3 store does not answer: %w", err)
		case <-poll.C:
		}
	}
}

// program is the path of loanops-devserver.
func program() (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(root, "bin", "loanops-devserver")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	build := exec.Command("make", "bin/loanops-devserver")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building loanops-devserver: %w\n%s", err, out)
	}
	return path, nil
}

// repository is the folder above the test's that holds the Makefile.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "Makefile")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no Makefile above the test's folder")
		}
		dir = filepath.Dir(dir)
	}
}
