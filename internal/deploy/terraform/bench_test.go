package terraform_test

import (
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/terraform"
)

// bench is a running agent and one workspace that delivers to it.
type bench struct {
	*agenttest.Agent
	t         *testing.T
	workspace *terraform.Workspace
	config    terraform.Config
}

// newBench starts an agent of its own; it ends with the test.
func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchOf(t, deploytest.Programs(t))
}

// newBenchOf starts one that takes programs from there.
func newBenchOf(t *testing.T, programs agenttest.Programs) *bench {
	t.Helper()
	b := &bench{
		Agent: agenttest.Start(t, programs), t: t,
		config: terraform.Config{
			Dir:       terraform.Dir(t.TempDir(), agenttest.Pipeline, contract.Production),
			Terraform: executable(t), ProviderBinary: providerBinary, Configuration: local.FS, AgentTokenFile: filepath.Join(t.TempDir(), "token"),
			// Every test has a state of its own in the bucket that all of them share.
			Backend: terraform.Backend{Bucket: bucket, S3: store, Pipeline: "test-" + strings.ToLower(rand.Text()), Environment: contract.Production},
		},
	}
	require.NoError(t, os.WriteFile(b.config.AgentTokenFile, []byte(agenttest.ProviderToken+"\n"), 0o600))
	b.reach()
	require.NoError(t, b.Provider.Teach(t.Context(), contract.Production, agenttest.Pipeline, 1))
	return b
}

// reach points the workspace to where the agent answers now.
func (b *bench) reach() {
	b.config.AgentURL = b.URL
	b.workspace = terraform.NewWorkspace(b.config)
}

// restart starts the agent again, at a new address.
func (b *bench) restart() {
	b.t.Helper()
	b.Start()
	b.reach()
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

// desired is both slots with the weights blue and green, under generation 1.
func desired(blue, green *contract.TrackSpec, weights ...int) terraform.Desired {
	d := terraform.Desired{
		Pipeline: agenttest.Pipeline, Environment: contract.Production, Generation: 1,
		Tracks: map[string]contract.TrackSpec{}, Weights: map[string]int{},
	}
	for i, spec := range []*contract.TrackSpec{blue, green} {
		slot := contract.Slots()[i]
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

// await asks until ok holds: what is waited for is in another process and can only be asked for.
func (b *bench) await(what string, ok func() bool) {
	b.t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(agenttest.Limit)
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			b.t.Fatalf("%s: not within %s", what, agenttest.Limit)
		}
	}
}
