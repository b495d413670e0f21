// Package containers runs predictors as containers of a Docker engine on this machine. What a plan grants is their cgroup's limit, which the kernel holds:
// memory without swap, and a share of the cores. They have no capabilities, a file system that cannot be written, the engine's default seccomp profile and
// a network that leads nowhere but to who shares it (the gateway, the feature store, the agent), and to what listens on every address of this machine.
package containers

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image/reference"
)

// Runtime runs containers. They are its own by the network that they are in: who opens one on the same network again finds them.
type Runtime struct {
	engine   *client.Client
	network  string
	cores    int // of the machine
	dir      string
	needed   func() []string
	features contract.FeatureStore
	archive  Archive
	log      *slog.Logger
	relay    *relay // nil: the feature store is reached without
}

// Archive writes the image as engines load it, under a name, see image.Registry.
type Archive func(ctx context.Context, image reference.Reference, as string, to io.Writer) error

// Config says where.
type Config struct {
	// Network is the name of the predictors' network, which is made when it is absent. One that is there must be internal.
	Network string
	// Dir is a folder for what is known of images, made when absent.
	Dir string
	// Features is the feature store that predictors ask. One that listens on loopback they reach by a relay of this process.
	Features contract.FeatureStore
	// Archive brings images.
	Archive Archive
	// Log defaults to slog.Default().
	Log *slog.Logger
}

// answerLimit is how long an engine may take to say that it is there.
const answerLimit = 3 * time.Second

// Answers reports whether a container engine answers on this machine: only there predictors can be reached by their own addresses.
func Answers(ctx context.Context) bool {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return false
	}
	defer func() { _ = engine.Close() }() // nothing was written
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	here, err := engine.Ping(ctx, client.PingOptions{})
	return err == nil && here.OSType == "linux" && strings.HasPrefix(engine.DaemonHost(), "unix://")
}

// Open takes the engine that DOCKER_HOST names, by default that of /var/run/docker.sock, and makes the network ready. It is Unavailable when the engine does not
// answer, and Refused when the network is not internal or the engine is not on this machine.
func Open(ctx context.Context, cfg Config) (*Runtime, error) {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "the container engine's address (DOCKER_HOST)")
	}
	if host := engine.DaemonHost(); !strings.HasPrefix(host, "unix://") {
		_ = engine.Close() // nothing was asked
		return nil, fault.New(fault.Refused, "DOCKER_HOST names an engine that is not reached by a socket of this machine (unix://…): predictors are asked at their own addresses, which lead nowhere from here")
	}
	r := &Runtime{engine: engine, network: cfg.Network, dir: cfg.Dir, features: cfg.Features, archive: cfg.Archive, log: cfg.Log}
	if r.log == nil {
		r.log = slog.Default()
	}
	asked, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	info, err := engine.Info(asked, client.InfoOptions{})
	if err != nil {
		return nil, r.fault(err, "the container engine does not answer")
	}
	r.cores = info.Info.NCPU
	host, err := r.openNetwork(ctx)
	if err != nil {
		return nil, err
	}
	if isLoopback(cfg.Features.URL) {
		if r.relay, err = openRelay(ctx, cfg.Features.URL, host); err != nil {
			return nil, err
		}
		r.features.URL = r.relay.url
	}
	return r, nil
}

// openNetwork makes the network, if it is not there, and returns this machine's address in it.
func (r *Runtime) openNetwork(ctx context.Context) (netip.Addr, error) {
	found, err := r.engine.NetworkInspect(ctx, r.network, client.NetworkInspectOptions{})
	if errdefs.IsNotFound(err) {
		_, err = r.engine.NetworkCreate(ctx, r.network, client.NetworkCreateOptions{Driver: "bridge", Internal: true, Labels: map[string]string{networkLabel: r.network}})
		if err != nil && !errdefs.IsConflict(err) { // somebody else made it at the same time
			return netip.Addr{}, r.fault(err, "making the network %s", r.network)
		}
		found, err = r.engine.NetworkInspect(ctx, r.network, client.NetworkInspectOptions{})
	}
	if err != nil {
		return netip.Addr{}, r.fault(err, "the network %s", r.network)
	}
	if !found.Network.Internal {
		return netip.Addr{}, fault.New(fault.Refused, "the network %s is not internal: predictors would reach what this machine reaches; make it with `docker network create --internal`", r.network)
	}
	return gateway(found.Network), nil
}

// gateway is the address of the machine in the network; the zero value where it has none.
func gateway(of network.Inspect) netip.Addr {
	for _, config := range of.IPAM.Config {
		if config.Gateway.Is4() {
			return config.Gateway
		}
	}
	return netip.Addr{}
}

// Name is contract.Docker.
func (r *Runtime) Name() contract.Runtime { return contract.Docker }

// Enforces is true.
func (r *Runtime) Enforces() bool { return true }

// Keep notes whom to ask.
func (r *Runtime) Keep(images func() []string) { r.needed = images }

// Close ends the relay, and removes the network if it was made here and nothing is in it any more.
func (r *Runtime) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	if r.relay != nil {
		r.relay.close()
	}
	found, err := r.engine.NetworkInspect(ctx, r.network, client.NetworkInspectOptions{})
	if err == nil && found.Network.Labels[networkLabel] != "" && len(found.Network.Containers) == 0 {
		_, _ = r.engine.NetworkRemove(ctx, r.network, client.NetworkRemoveOptions{}) // somebody else uses it now
	}
	_ = r.engine.Close()
}

// fault is an error of the engine's.
func (r *Runtime) fault(err error, format string, args ...any) error {
	code := fault.Unavailable
	switch {
	case errdefs.IsInvalidArgument(err):
		code = fault.Invalid
	case errdefs.IsNotFound(err):
		code = fault.NotFound
	case errdefs.IsPermissionDenied(err):
		code = fault.Unauthorized
	}
	return fault.Wrap(code, err, format, args...)
}
