package cli

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/deploy/agent"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/settings"
)

func (a *app) agentCommand() *cobra.Command {
	var cfg agent.Config
	var by, network string
	c := &cobra.Command{
		Use: "agent", Short: "Run the local deployment agent, which owns the predictors (loanops up starts it)", Args: between(0, 0),
		Long: `agent runs the predictors of every environment on this machine and tells gateways where traffic
goes. With --runtime docker each is a container of its image, and the kernel holds it to what its
plan grants; with --runtime process it is a process of this user. Without the flag it is a container
where a Docker engine answers.

An agent that is told to end (SIGTERM) ends its predictors. One that is killed leaves its containers
running, and the next one on the same network goes on with those that it knows and ends the others.`,
		Example: "  env $(cat .loanops/platform.env) loanops agent --address 127.0.0.1:7070 --dir .loanops/agent\n" +
			"  LOANOPS_GATEWAY_TOKEN_FILE=gateway.token loanops agent --address 0.0.0.0:7070 \\\n" +
			"    --runtime docker --network loanops_predictors",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := settings.ForAgent()
			if err != nil {
				return err
			}
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
			if cfg.Runtime, err = openRuntime(c.Context(), s, by, network, cfg.Dir); err != nil {
				return err
			}
			return agent.Run(c.Context(), cfg)
		},
	}
	c.Flags().StringVar(&cfg.Address, "address", "127.0.0.1:7070", "host:port to listen on; beyond loopback\nonly with LOANOPS_GATEWAY_TOKEN_FILE")
	c.Flags().StringVar(&cfg.Dir, "dir", "agent", "`folder` of the agent's state")
	c.Flags().StringVar(&by, "runtime", "", runtimeUsage)
	c.Flags().StringVar(&network, "network", "", "internal `network` of the predictors' containers (default: one of\nits own, called by --dir)")
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
