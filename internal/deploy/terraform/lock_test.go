package terraform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/infra/environments/local"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

// workVariable makes this test program a worker; its value is a file with its work.
const workVariable = "LOANOPS_TEST_WORK"

// work is what a worker applies, and where.
type work struct {
	Config  terraform.Config
	Desired terraform.Desired
}

// playWorker does its work and ends the program, when it was started for that.
func playWorker() {
	path := os.Getenv(workVariable)
	if path == "" {
		return
	}
	var w work
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &w)
	}
	if err == nil {
		w.Config.Configuration = local.FS
		err = terraform.NewWorkspace(w.Config).Apply(context.Background(), w.Desired)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// elsewhere is the workspace as another worker has it: in another folder, for the same state.
func (b *bench) elsewhere(step terraform.Step) terraform.Config {
	b.t.Helper()
	config := b.config
	config.Dir, config.Step = terraform.Dir(b.t.TempDir(), agenttest.Pipeline, contract.Production), step
	return config
}

// deadWorker leaves behind what a worker does that is killed while it applies d, which brings up a blue track behind a gate.
func (b *bench) deadWorker(step terraform.Step, d terraform.Desired) {
	b.t.Helper()
	config := b.elsewhere(step)
	config.Configuration = nil // it is embedded there as well
	data, err := json.Marshal(work{config, d})
	require.NoError(b.t, err)
	path := filepath.Join(b.t.TempDir(), "work.json")
	require.NoError(b.t, os.WriteFile(path, data, 0o600))
	worker := exec.Command(os.Args[0])
	worker.Env, worker.Stderr = append(os.Environ(), workVariable+"="+path), os.Stderr
	require.NoError(b.t, worker.Start())
	b.await("the predictor starting", func() bool { return b.Actual().Tracks["blue"].State == contract.TrackStarting })
	require.NoError(b.t, worker.Process.Kill())
	_ = worker.Wait() // killed
}

// locked is the lock that is in the way of applying d.
func (b *bench) locked(d terraform.Desired) terraform.Lock {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), agenttest.Limit) // behind a gate an apply that is let in does not end
	defer cancel()
	err := b.workspace.Apply(ctx, d)
	var locked *terraform.LockedError
	require.ErrorAs(b.t, err, &locked)
	require.Equal(b.t, fault.Conflict, fault.CodeOf(err))
	require.ErrorContains(b.t, err, locked.Lock.Who)
	return locked.Lock
}

// isLocked asks the store itself.
func (b *bench) isLocked() bool {
	b.t.Helper()
	client, err := store.Client(b.t.Context())
	require.NoError(b.t, err)
	name, key := bucket, "terraform/"+b.config.Backend.Pipeline+"/"+b.config.Backend.Environment+".tfstate.tflock"
	_, err = client.HeadObject(b.t.Context(), &s3.HeadObjectInput{Bucket: &name, Key: &key})
	return err == nil
}

// person runs terraform in the workspace's folder.
func (b *bench) person(args ...string) *exec.Cmd {
	cmd := exec.Command(b.config.Terraform, append([]string{"-chdir=" + b.config.Dir}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	return cmd
}

var first = terraform.Step{Workflow: "delivery-loan-eligibility", Run: "run-1", Activity: "7", Attempt: 1}

func TestLockOfADeadWorkerStandsUntilItIsBroken(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	one := b.Spec(1, deploytest.Behaviour{Gate: gate})
	want := desired(&one, nil, 100)
	b.deadWorker(first, want)

	left := b.locked(under(2, want))
	require.Equal(t, &terraform.Holder{Step: first, Generation: 1}, left.Holder, "who held it is known")
	require.False(t, left.Created.IsZero())
	out, err := b.person("plan", "-input=false", "-no-color").CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "Error acquiring the state lock", "Terraform takes it for its own")
	require.Contains(t, string(out), left.ID)
	require.Contains(t, string(out), left.Who)

	require.NoError(t, b.workspace.BreakLock(t.Context(), left))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.apply(under(2, want))
	require.Equal(t, 100, b.Actual().Weight("blue"))
	require.NoError(t, b.workspace.BreakLock(t.Context(), left), "again is fine")
}

func TestPersonUnlocksWithTerraform(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	one := b.Spec(1, deploytest.Behaviour{Gate: gate})
	want := desired(&one, nil, 100)
	b.deadWorker(first, want)
	left := b.locked(want)
	out, err := b.person("force-unlock", "-force", left.ID).CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.apply(want)
}

// Two who found the same dead lock break it once: the later one leaves the lock alone that took its place.
func TestBreakingALockSparesTheNextOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	one := b.Spec(1, deploytest.Behaviour{Gate: gate})
	want := under(2, desired(&one, nil, 100))
	b.deadWorker(first, desired(&one, nil, 100))
	dead := b.locked(want)
	require.NoError(t, b.workspace.BreakLock(t.Context(), dead))

	second := first
	second.Attempt = 2
	other := terraform.NewWorkspace(b.elsewhere(second))
	done := make(chan error, 1)
	go func() { done <- other.Apply(t.Context(), want) }()
	b.await("the next one's lock", b.isLocked)
	living := b.locked(want)
	require.Equal(t, second, living.Holder.Step, "a living apply is a Conflict for the other worker")
	require.NoError(t, b.workspace.BreakLock(t.Context(), dead))
	require.True(t, b.isLocked())
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.NoError(t, <-done)
	b.apply(want)
}

func TestPersonsLockIsNobodysOfOurs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.apply(desired(nil, nil))
	gate := filepath.Join(t.TempDir(), "gate")
	one := b.Spec(1, deploytest.Behaviour{Gate: gate})
	want := desired(&one, nil, 100)
	variables, err := json.Marshal(want)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "persons.tfvars.json")
	require.NoError(t, os.WriteFile(path, variables, 0o600))
	person := b.person("apply", "-auto-approve", "-input=false", "-var-file="+path)
	require.NoError(t, person.Start())
	b.await("the predictor starting", func() bool { return b.Actual().Tracks["blue"].State == contract.TrackStarting })
	require.Nil(t, b.locked(want).Holder)
	_, err = b.workspace.Plan(t.Context(), want)
	require.NoError(t, err, "who only reads needs no lock")
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	require.NoError(t, person.Wait())
	b.apply(want)
}
