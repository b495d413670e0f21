package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/agent"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/image"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/settings"
)

func (a *app) agentCommand() *cobra.Command {
	var cfg agent.Config
	c := &cobra.Command{
		Use: "agent", Short: "Run the local deployment agent, which owns the predictors (loanops up starts it)", Args: between(0, 0),
		Example: "  env $(cat .loanops/platform.env) loanops agent --address 127.0.0.1:7070 --dir .loanops/agent\n" +
			"  LOANOPS_GATEWAY_TOKEN_FILE=gateway.token loanops agent --address 0.0.0.0:7070 --dir agent",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := settings.ForAgent()
			if err != nil {
				return err
			}
			images := image.Store{Dir: filepath.Join(cfg.Dir, "images"), Registry: image.RegistryOf(s)}
			if err := images.Registry.Check(); err != nil {
				return err
			}
			cfg.Program, cfg.Features = images.Program, contract.FeatureStore{URL: s.Features, KeyFile: s.FeaturesKeyFile}
			cfg.Needs = func(of func() []string) { images.Needed = of }
			if cfg.ProviderToken, err = token(s.AgentTokenFile); err != nil {
				return err
			}
			if cfg.RollbackToken, err = token(s.RollbackTokenFile); err != nil {
				return err
			}
			if s.GatewayTokenFile != "" {
				if cfg.GatewayToken, err = token(s.GatewayTokenFile); err != nil {
					return err
				}
			}
			cfg.Fetch = (&bundles{settings: s}).fetch
			return agent.Run(c.Context(), cfg)
		},
	}
	c.Flags().StringVar(&cfg.Address, "address", "127.0.0.1:7070", "host:port to listen on; beyond loopback\nonly with LOANOPS_GATEWAY_TOKEN_FILE")
	c.Flags().StringVar(&cfg.Dir, "dir", "agent", "`folder` of the agent's state")
	return c
}

func token(file string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, err, "token")
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fault.New(fault.Invalid, "token: %s is empty", file)
	}
	return secret, nil
}

// bundles fetches from the artifact store, which is opened when it is first needed: an agent serves what it has even
// while the store is away.
type bundles struct {
	settings settings.Settings
	mu       sync.Mutex
	store    *artifact.Store
}

func (b *bundles) fetch(ctx context.Context, uri, _ string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.store == nil {
		opened, err := objects(ctx, b.settings)
		if err != nil {
			return "", err
		}
		b.store = opened
	}
	path, _, err := b.store.Fetch(ctx, uri, model.MaxBundleBytes)
	return path, err
}
