package terraform_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/deploy/agent"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

const (
	product       = "loan-eligibility"
	providerToken = "provider-token-for-tests"
	rollbackToken = "rollback-token-for-tests"
	// limit bounds every wait: far longer than anything takes, so that only a defect reaches it.
	limit = time.Minute
)

// bench is a running agent and one workspace that delivers to it.
type bench struct {
	t                  *testing.T
	workspace          *terraform.Workspace
	config             terraform.Config
	provider, rollback *contract.AgentClient
	binDir, bundleDir  string
	agentDir           string
	stopAgent          func()
}

// newBench starts an agent of its own; it ends with the test.
func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchOf(t, deploytest.BinDir(t))
}

// newBenchOf starts one that takes loanops-api from binDir.
func newBenchOf(t *testing.T, binDir string) *bench {
	t.Helper()
	b := &bench{
		t: t, binDir: binDir, bundleDir: t.TempDir(), agentDir: t.TempDir(),
		config: terraform.Config{
			Dir:       terraform.Dir(t.TempDir(), product, contract.Production),
			Terraform: executable(t), ProviderBinary: providerBinary, Configuration: local.FS, AgentTokenFile: filepath.Join(t.TempDir(), "token"),
			// Every test has a state of its own in the bucket that all of them share.
			Backend: terraform.Backend{Bucket: bucket, S3: store, Pipeline: "test-" + strings.ToLower(rand.Text()), Environment: contract.Production},
		},
	}
	require.NoError(t, os.WriteFile(b.config.AgentTokenFile, []byte(providerToken+"\n"), 0o600))
	b.startAgent()
	t.Cleanup(func() { b.stopAgent() })
	require.NoError(t, b.provider.Teach(t.Context(), contract.Production, product, 1))
	return b
}

// startAgent starts the agent on its folder, at a new address.
func (b *bench) startAgent() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	url := make(chan string, 1)
	ended := make(chan error, 1)
	cfg := agent.Config{
		Address: "127.0.0.1:0", Dir: b.agentDir, BinDir: b.binDir,
		ProviderToken: providerToken, RollbackToken: rollbackToken,
		Log:   slog.New(slog.DiscardHandler),
		Ready: func(base string) { url <- base },
		Fetch: func(_ context.Context, uri, _ string) (string, error) {
			path, ok := strings.CutPrefix(uri, "file://")
			if !ok {
				return "", fault.New(fault.NotFound, "there is no bundle %s", uri)
			}
			return path, nil
		},
	}
	go func() { ended <- agent.Run(ctx, cfg) }()
	b.stopAgent = func() {
		cancel()
		require.NoError(b.t, <-ended)
		b.stopAgent = func() {}
	}
	select {
	case b.config.AgentURL = <-url:
	case err := <-ended:
		b.t.Fatalf("agent ended: %v", err)
	}
	b.provider = contract.NewAgentClient(b.config.AgentURL, providerToken)
	b.rollback = contract.NewAgentClient(b.config.AgentURL, rollbackToken)
	b.workspace = terraform.NewWorkspace(b.config)
}

// executable is Terraform on PATH.
func executable(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("neither terraform nor tofu is on PATH")
	return ""
}

// spec is a track that serves version.
func (b *bench) spec(version int, does deploytest.Behaviour) contract.TrackSpec {
	b.t.Helper()
	return deploytest.Spec(b.t, b.bundleDir, version, does)
}

// desired is both slots with the weights blue and green, under generation 1.
func desired(blue, green *contract.TrackSpec, weights ...int) terraform.Desired {
	d := terraform.Desired{
		Pipeline: product, Environment: contract.Production, Generation: 1,
		Tracks: map[string]contract.TrackSpec{}, Weights: map[string]int{},
	}
	for i, spec := range []*contract.TrackSpec{blue, green} {
		slot := []string{contract.Blue, contract.Green}[i]
		if spec != nil {
			d.Tracks[slot] = *spec
		}
		if i < len(weights) {
			d.Weights[slot] = weights[i]
		}
	}
	return d
}

// under is d under another generation.
func under(generation int64, d terraform.Desired) terraform.Desired {
	d.Generation = generation
	return d
}

// apply applies and requires that a person's plan is then clean.
func (b *bench) apply(d terraform.Desired) {
	b.t.Helper()
	require.NoError(b.t, b.workspace.Apply(b.t.Context(), d))
	require.Equal(b.t, 0, b.personsPlan(), "the plan after an apply")
}

// personsPlan runs terraform as a person does: in the workspace, without our CLI configuration and with no variable set.
func (b *bench) personsPlan(environment ...string) int {
	b.t.Helper()
	cmd := exec.Command(b.config.Terraform, "-chdir="+b.config.Dir, "plan", "-detailed-exitcode", "-input=false", "-no-color")
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, environment...)
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		b.t.Logf("%s", out)
		return code
	}
	return 0
}

// actual is what the agent says.
func (b *bench) actual() contract.Actual {
	b.t.Helper()
	actual, err := b.provider.Actual(b.t.Context(), contract.Production, product)
	require.NoError(b.t, err)
	return actual
}

// killForGood kills the slot's predictor as often as the agent starts it, until it is given up.
func (b *bench) killForGood(slot string) {
	b.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		track, err := b.provider.SettledTrack(b.t.Context(), contract.Production, product, slot)
		require.NoError(b.t, err)
		if track.State == contract.TrackFailed {
			return
		}
		require.True(b.t, time.Now().Before(deadline), "not given up within %s", limit)
		_ = syscall.Kill(track.PID, syscall.SIGKILL) // it may be dead already
	}
}

// await asks until ok holds: what is waited for is in another process and can only be asked for.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(limit)
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			b.t.Fatalf("%s: not within %s", what, limit)
		}
	}
}
