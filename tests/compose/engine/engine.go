// Package engine finds the Docker engine of a machine, or starts one, and brings Docker Compose.
package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// ErrNone says that no engine answers and that none may be started here.
var ErrNone = errors.New("no Docker engine answers")

const startLimit = time.Minute

// boundedCache has an engine of ours forget of builds what is more than the caches of Go and a few commits' programs.
const boundedCache = `{"builder": {"gc": {"enabled": true, "defaultKeepStorage": "10GB"}}}
`

// room is what a run takes on the engine's disk, in bytes: half of it for images and the caches of builds, the rest for volumes and what is on its way.
const room = 20 << 30

// Ensure returns when an engine answers. Where none did, and this is root on Linux, it starts one whose data lie in the folder, and stop ends that one
// again; the engine of somebody else is left alone.
func Ensure(ctx context.Context, folder string, say func(string, ...any)) (stop func(), err error) {
	if answers(ctx) == nil {
		return func() {}, nil
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w, and only root on Linux may start one", ErrNone)
	}
	if err := Install(ctx, say, "dockerd", "docker.io"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return start(ctx, folder, say)
}

// Room fails where the engine has less space on its disk than a run takes: a full one fails later, and in the words of whatever wrote last.
func Room(ctx context.Context) error {
	root, err := Output(ctx, ".", nil, "docker", "info", "--format", "{{.DockerRootDir}}")
	if err != nil {
		return err
	}
	root = strings.TrimSpace(root)
	var disk syscall.Statfs_t
	if err := syscall.Statfs(root, &disk); err != nil {
		return fmt.Errorf("the engine's disk: %w", err)
	}
	if free := disk.Bavail * uint64(disk.Bsize); free < room { //nolint:gosec // a block's size is no negative number
		return fmt.Errorf("%s has %d GB free, and a run takes up to %d: what builds left goes by `docker builder prune`, images that nobody uses by `docker image prune --all`", root, free>>30, room>>30)
	}
	return nil
}

func answers(ctx context.Context) error {
	return Run(ctx, ".", nil, "docker", "version", "--format", "{{.Server.Version}}")
}

// start runs dockerd. Its limits are a container's defaults; of open files it would give as many as the system has, over which programs that close all at
// their start take minutes.
func start(ctx context.Context, folder string, say func(string, ...any)) (stop func(), err error) {
	folder, err = filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(folder, "dockerd.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	settings := filepath.Join(folder, "daemon.json")
	if err := os.WriteFile(settings, []byte(boundedCache), 0o600); err != nil {
		return nil, err
	}
	say("starting a Docker engine, its data in %s", folder)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "dockerd", "--config-file", settings, "--data-root", filepath.Join(folder, "data"), "--pidfile", filepath.Join(folder, "dockerd.pid"),
		"--default-ulimit", "nofile=1024:1024", "--default-ulimit", "nproc=4000:4000")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interruption is the test's, which cleans up by this engine
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the log says why
		close(ended)
	}()
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	}
	deadline, poll := time.After(startLimit), time.NewTicker(200*time.Millisecond)
	defer poll.Stop()
	for {
		if err = answers(ctx); err == nil {
			return stop, nil
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("%w: dockerd ended, see %s", ErrNone, log.Name())
		case <-deadline:
			stop()
			return nil, fmt.Errorf("%w: dockerd is not ready after %s, see %s", ErrNone, startLimit, log.Name())
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		case <-poll.C:
		}
	}
}

// Install brings a program by its package where it is missing, on Debian as root.
func Install(ctx context.Context, say func(string, ...any), program, pack string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil || os.Geteuid() != 0 || !strings.Contains(string(release), "ID=debian") {
		return fmt.Errorf("%s is not installed", program)
	}
	say("installing %s", pack)
	return Run(ctx, ".", []string{"DEBIAN_FRONTEND=noninteractive"}, "sh", "-c", "apt-get update && apt-get install --yes --no-install-recommends "+pack)
}
