package containers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/runtime"
)

// instance is a container.
type instance struct {
	of       *Runtime
	id, port string
	limitMiB int64
	metered  bool
	log      io.WriteCloser

	pid      int
	url      string
	ended    chan struct{}
	err      error // how, once ended
	watching context.CancelFunc
	stopping sync.Once
	mu       sync.Mutex
	logged   chan struct{} // closed when all that it printed is in its log; nil without one
	meter    meter
}

func (r *Runtime) instance(id, port string, what runtime.Launch) *instance {
	return &instance{of: r, id: id, port: port, limitMiB: what.Spec.MemoryMiB, metered: what.Metered, log: what.Log, ended: make(chan struct{})}
}

// begin puts the files in and starts the container.
func (i *instance) begin(ctx context.Context, files io.Reader) error {
	engine := i.of.engine
	if _, err := engine.CopyToContainer(ctx, i.id, client.CopyToContainerOptions{DestinationPath: folder, Content: files}); err != nil {
		return i.of.fault(err, "putting the model into its container")
	}
	if _, err := engine.ContainerStart(ctx, i.id, client.ContainerStartOptions{}); err != nil {
		return i.of.fault(err, "starting the predictor's container")
	}
	return i.follow(ctx)
}

// follow learns where the running container is, and watches it from then on.
func (i *instance) follow(ctx context.Context) error {
	found, err := i.of.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	if err != nil {
		return i.of.fault(err, "the predictor's container")
	}
	if found.Container.State != nil {
		i.pid = found.Container.State.Pid
	}
	if at := found.Container.NetworkSettings; at != nil && at.Networks[i.of.network] != nil && at.Networks[i.of.network].IPAddress.IsValid() {
		i.url = "http://" + at.Networks[i.of.network].IPAddress.String() + ":" + i.port
	}
	watched, cancel := context.WithCancel(context.Background())
	i.watching = cancel
	if i.log != nil {
		i.logTo(i.log, time.Time{})
	}
	go i.watch(watched)
	if i.metered {
		go i.meter.run(watched, i)
	}
	return nil
}

// watch waits until the container runs no more. An engine that is away for a while says nothing of it.
func (i *instance) watch(ctx context.Context) {
	defer close(i.ended)
	for {
		waited := i.of.engine.ContainerWait(ctx, i.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		select {
		case <-waited.Result:
		case <-waited.Error: //nolint:errcheck // an engine that is away; it is asked again below
		}
		if over, how := i.how(ctx); over {
			i.err = how
			i.awaitLogged()
			return
		}
		select {
		case <-ctx.Done():
			i.err = ctx.Err()
			return
		case <-time.After(notice):
		}
	}
}

// notice is how long what an engine tells may come after what it is about.
const notice = time.Second

// killed is the exit code of a process that SIGKILL ended.
const killed = 128 + 9

// how says whether the container has ended, and how.
func (i *instance) how(ctx context.Context) (over bool, how error) {
	found, err := i.of.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
	switch {
	case errdefs.IsNotFound(err):
		return true, errors.New("its container was removed")
	case err != nil || found.Container.State == nil || found.Container.State.Running:
		return false, nil //nolint:nilerr // what the engine does not tell now is asked again
	case found.Container.State.OOMKilled || found.Container.State.ExitCode == killed && i.learnsOutOfMemory(ctx):
		return true, &runtime.OutOfMemory{LimitMiB: i.limitMiB}
	case found.Container.State.Error != "":
		return true, fmt.Errorf("its container ended: %s", found.Container.State.Error)
	default:
		return true, fmt.Errorf("its container ended with exit code %d", found.Container.State.ExitCode)
	}
}

// learnsOutOfMemory waits a moment for the engine to say why the container was killed: it learns of the end and of its reason by different ways.
func (i *instance) learnsOutOfMemory(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, notice)
	defer cancel()
	ticker := time.NewTicker(notice / 10)
	defer ticker.Stop()
	for {
		found, err := i.of.engine.ContainerInspect(ctx, i.id, client.ContainerInspectOptions{})
		if err != nil || found.Container.State == nil || found.Container.State.OOMKilled {
			return err == nil && found.Container.State != nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-ticker.C:
		}
	}
}

// logTo has what the predictor has printed since then, and will, be written to a log.
func (i *instance) logTo(to io.WriteCloser, since time.Time) {
	logged := make(chan struct{})
	i.mu.Lock()
	i.logged = logged
	i.mu.Unlock()
	go func() {
		defer close(logged)
		i.copyLog(to, since)
	}()
}

// awaitLogged gives what the predictor printed last the time to get into its log.
func (i *instance) awaitLogged() {
	i.mu.Lock()
	logged := i.logged
	i.mu.Unlock()
	if logged == nil {
		return
	}
	select {
	case <-logged:
	case <-time.After(notice):
	}
}

// copyLog writes what the predictor prints since then to a log, until it has ended. An engine that is away for a while is asked again.
func (i *instance) copyLog(to io.WriteCloser, since time.Time) {
	defer to.Close()
	for {
		wanted := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true}
		if !since.IsZero() {
			wanted.Since = since.Format(time.RFC3339Nano)
		}
		lines, err := i.of.engine.ContainerLogs(context.Background(), i.id, wanted)
		if err == nil {
			_, err = stdcopy.StdCopy(to, to, lines)
			since = time.Now()
			_ = lines.Close()
		}
		if err == nil || errdefs.IsNotFound(err) {
			return // it has ended
		}
		select {
		case <-i.ended:
			return
		case <-time.After(notice):
		}
	}
}

func (i *instance) PID() int { return i.pid }

func (i *instance) URL() string { return i.url }

func (i *instance) Ended() <-chan struct{} { return i.ended }

func (i *instance) Err() error { return i.err }

func (i *instance) Stop() { i.stopping.Do(i.stop) }

func (i *instance) stop() {
	if i.metered {
		i.meter.last(i)
	}
	seconds := int(runtime.DrainGrace / time.Second)
	ctx, cancel := context.WithTimeout(context.Background(), 2*runtime.DrainGrace)
	defer cancel()
	if _, err := i.of.engine.ContainerStop(ctx, i.id, client.ContainerStopOptions{Timeout: &seconds}); err != nil && !errdefs.IsNotFound(err) {
		i.of.log.Warn("stopping a predictor's container", "container", i.id, "error", err)
	}
	select {
	case <-i.ended:
	case <-ctx.Done():
	}
	i.awaitLogged()
	i.remove()
}

// remove removes what is left of the container. What the engine does not do now, since it is away, the next agent does.
func (i *instance) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), runtime.DrainGrace)
	defer cancel()
	_, err := i.of.engine.ContainerRemove(ctx, i.id, client.ContainerRemoveOptions{RemoveVolumes: true, Force: true})
	if err != nil && !errdefs.IsNotFound(err) {
		i.of.log.Warn("removing a predictor's container", "container", i.id, "error", err)
	}
	if i.watching != nil {
		i.watching()
	}
}

func (i *instance) Usage() runtime.Usage { return i.meter.usage() }
