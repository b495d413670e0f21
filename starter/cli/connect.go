package cli

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"path/filepath"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/settings"
	"github.com/loanops/loanops/internal/store"
)

// registry opens the metadata database of the platform.
func (a *app) registry(ctx context.Context) (registry.Registry, settings.Settings, error) {
	s, err := settings.FromState(a.state)
	if err != nil {
		return nil, s, err
	}
	r, err := store.OpenExisting(ctx, s.Database)
	return r, s, err
}

// ledger opens the metadata database for what operators signed, which needs nothing else of the platform.
func (a *app) ledger(ctx context.Context) (registry.Registry, error) {
	s, err := settings.LedgerFromState(a.state)
	if err != nil {
		return nil, err
	}
	return store.OpenExisting(ctx, s.Database)
}

// objects opens the artifact store of the platform.
func objects(ctx context.Context, s settings.Settings) (*artifact.Store, error) {
	return artifact.Open(ctx, artifact.Config{
		Bucket: s.Bucket, CacheDir: filepath.Join(s.WorkDir, "cache"),
		S3: artifact.S3Of(s.Environment),
	})
}

// dial connects to the Temporal that the environment of the settings names.
func dial(ctx context.Context, s settings.Settings) (client.Client, error) {
	c, _, err := dialNamed(ctx, s)
	return c, err
}

// dialNamed does the same, and says how the namespace is called.
func dialNamed(ctx context.Context, s settings.Settings) (c client.Client, namespace string, err error) {
	options, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{EnvLookup: s.Environment})
	if err != nil {
		return nil, "", fault.Wrap(fault.Invalid, err, "Temporal's configuration")
	}
	options.Logger = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	options.Namespace = cmp.Or(options.Namespace, client.DefaultNamespace)
	c, err = client.DialContext(ctx, options)
	return c, options.Namespace, fault.Wrap(fault.Unavailable, err, "reaching Temporal at %s", options.HostPort)
}

// schedules are those of pipelines.
func schedules(temporal client.Client) schedule.Schedules {
	return schedule.Schedules{Client: temporal.ScheduleClient()}
}
