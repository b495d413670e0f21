package agent

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/fault"
)

func TestRunServesUntilItsContextEndsAndStopsThePredictors(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	cfg.Address = "127.0.0.1:0"
	url := make(chan string, 1)
	cfg.Ready = func(base string) { url <- base }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, cfg) }()
	var base string
	select {
	case base = <-url:
	case err := <-done:
		t.Fatal(err)
	}
	b := &bench{t: t, bundleDir: t.TempDir(), provider: contract.NewAgentClient(base, providerToken)}
	require.NoError(t, b.provider.Teach(t.Context(), environment, product, 1))
	track := b.put(contract.Blue, b.spec(1, deploytest.Behaviour{}))

	_, err := open(cfg)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "a second agent on the same folder: %v", err)

	// A long poll is going on while the agent ends.
	b.agent = nil
	cancel()
	require.NoError(t, <-done)
	require.False(t, alive(track.PID))
	_, err = b.provider.Actual(t.Context(), environment, product)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

func TestRunRefusesAnAddressThatOthersReach(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t, t.TempDir())
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	require.NoError(t, err)
	cfg.Listener = listener
	err = Run(t.Context(), cfg)
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "LOANOPS_GATEWAY_TOKEN_FILE")
}

// With a token for reading it listens wherever it is told to, and nobody without one reads.
func TestRunListensWhereOthersReachItWhenReadsNeedAToken(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", "[::]:0"} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t, t.TempDir())
			cfg.Address, cfg.GatewayToken = address, gatewayToken
			url, done := make(chan string, 1), make(chan error, 1)
			cfg.Ready = func(base string) { url <- base }
			ctx, cancel := context.WithCancel(t.Context())
			go func() { done <- Run(ctx, cfg) }()
			var base string
			select {
			case base = <-url:
			case err := <-done:
				t.Fatal(err)
			}
			_, err := contract.NewAgentClient(base, gatewayToken).Actual(t.Context(), environment, product)
			require.NoError(t, err)
			_, err = contract.NewAgentClient(base, "").Actual(t.Context(), environment, product)
			require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
			cancel()
			require.NoError(t, <-done)
		})
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*Config){
		"no folder":                        func(c *Config) { c.Dir = "" },
		"no runtime":                       func(c *Config) { c.Runtime = nil },
		"short token":                      func(c *Config) { c.ProviderToken = "short" },
		"same tokens":                      func(c *Config) { c.RollbackToken = c.ProviderToken },
		"short token of gateways":          func(c *Config) { c.GatewayToken = "fifteen-letters" },
		"gateways have the provider's own": func(c *Config) { c.GatewayToken = c.ProviderToken },
		"gateways have the rollback's own": func(c *Config) { c.GatewayToken = c.RollbackToken },
		"nothing fetches":                  func(c *Config) { c.Fetch = nil },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			spoil(&cfg)
			_, err := open(cfg)
			require.Equal(t, fault.Invalid, fault.CodeOf(err), "%v", err)
		})
	}
}

func TestDamagedStateIsAnErrorAndNotForgotten(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"cut off": `{"revision": 3, "env`, "not a number": `{"revision": "3"}`} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "state.json")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			a, err := open(testConfig(t, dir))
			require.NoError(t, err)
			require.ErrorContains(t, a.restore(t.Context()), "state.json is damaged")
			kept, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, string(kept))
		})
	}
}

func TestBundleFetchFailureIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(a *agent) {
		a.bundles.fetch = func(context.Context, string, string) (string, error) { return "", errors.New("connection refused") }
	})
	_, err := b.provider.PutTrack(t.Context(), environment, product, contract.Blue, b.spec(1, deploytest.Behaviour{}), 1)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "connection refused")
}
