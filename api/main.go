// Command loanops-api is the data plane: a predictor of one model version, or the gateway that shares traffic between versions.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/loanops/loanops/api/gateway"
	"github.com/loanops/loanops/api/listen"
	"github.com/loanops/loanops/api/predictor"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/healthy"
	"github.com/loanops/loanops/internal/pipeline"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{
		Use: "loanops-api", Short: "Serve decisions: one model version, or a gateway over several",
		SilenceUsage: true, SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return fault.New(fault.Invalid, "%s", err) })
	root.AddCommand(predictorCommand(), gatewayCommand(), healthy.Command("loanops-api", "http://127.0.0.1:8080/readyz"))
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "loanops-api:", err)
		return exitCode(err)
	}
	return 0
}

// exitCode follows the loanops command: 2 usage or bad input, 5 not found, 1 any other fault.
func exitCode(err error) int {
	switch {
	case fault.CodeOf(err) == fault.Invalid, strings.HasPrefix(err.Error(), "unknown command"), strings.HasPrefix(err.Error(), "required flag"):
		return 2
	case fault.CodeOf(err) == fault.NotFound:
		return 5
	}
	return 1
}

func predictorCommand() *cobra.Command {
	var cfg predictor.Config
	var meaning string
	var at listen.Address
	c := &cobra.Command{
		Use: "predictor", Short: "Serve one model version", Args: cobra.NoArgs,
		Example: "  loanops-api predictor --bundle model.bundle --digest $(sha256sum < model.bundle | cut -d' ' -f1) " +
			"--policy policy.json --policy-digest $(sha256sum < policy.json | cut -d' ' -f1) --version 1 --address 127.0.0.1:8081",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.Meaning, cfg.Drill, cfg.Features = pipeline.Meaning(meaning), os.Getenv("LOANOPS_DRILL"), contract.FeatureStoreOf(os.Getenv)
			p, err := predictor.New(cfg)
			if err != nil {
				return err
			}
			return at.Serve(cmd.Context(), p.Handler())
		},
	}
	c.Flags().StringVar(&cfg.Bundle, "bundle", "", "the model bundle's `file`")
	c.Flags().StringVar(&cfg.Digest, "digest", "", "the SHA-256 that the bundle must have")
	c.Flags().IntVar(&cfg.Version, "version", 0, "the model's version in the registry")
	c.Flags().StringVar(&cfg.Policy, "policy", "", "the policy document's `file`")
	c.Flags().StringVar(&cfg.PolicyDigest, "policy-digest", "", "the SHA-256 that the policy document must have, which every decision names")
	c.Flags().StringVar(&meaning, "meaning", "default", "what a high probability means: default or approval")
	at.Flags(c)
	_ = c.MarkFlagRequired("bundle")
	_ = c.MarkFlagRequired("digest")
	_ = c.MarkFlagRequired("policy")
	_ = c.MarkFlagRequired("policy-digest")
	return c
}

// gatewayID is this gateway's name to the agent, which waits for the acknowledgement of each: one of its own on every host, in every
// container (where process IDs repeat, and host names may) and after every start.
func gatewayID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "gateway"
	}
	return fmt.Sprintf("%.60s-%d-%.8s", host, os.Getpid(), rand.Text())
}

func gatewayCommand() *cobra.Command {
	var cfg gateway.Config
	var at listen.Address
	c := &cobra.Command{
		Use: "gateway", Short: "Share traffic between model versions by weight", Args: cobra.NoArgs,
		Example: "  loanops-api gateway --agent http://127.0.0.1:7070 --keys-file gateway-keys.json --address 127.0.0.1:8080",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg.ID = gatewayID()
			g, err := gateway.New(cfg)
			if err != nil {
				return err
			}
			// It goes by the newest routes for as long as it answers.
			following, stop := context.WithCancel(context.WithoutCancel(cmd.Context()))
			defer stop()
			go g.Follow(following)
			g.AwaitRoutes(cmd.Context())
			return at.Serve(cmd.Context(), g.Handler())
		},
	}
	c.Flags().StringVar(&cfg.Agent, "agent", "", "base `URL` of the deployment agent")
	c.Flags().StringVar(&cfg.AgentTokenFile, "agent-token-file", "", "`file` with the token that the agent knows gateways by (default: none, for an agent on loopback without one)")
	c.Flags().StringVar(&cfg.Environment, "environment", "production", "whose routes to follow")
	c.Flags().StringVar(&cfg.Pipeline, "pipeline", "loan-eligibility", "the pipeline of /v1/decisions")
	c.Flags().StringVar(&cfg.KeysFile, "keys-file", "", "JSON `file` of the institutions and the hashes of their keys")
	at.Flags(c)
	_ = c.MarkFlagRequired("agent")
	_ = c.MarkFlagRequired("keys-file")
	return c
}
