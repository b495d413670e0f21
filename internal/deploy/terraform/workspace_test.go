package terraform_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/capacity"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	two.MemoryMiB, two.CPUMillis = 200, 750

	// Create: planned, then made; a plan alone changes nothing.
	first := desired(&one, nil, 100)
	plan, err := b.workspace.Plan(t.Context(), first)
	require.NoError(t, err)
	require.True(t, plan.HasChanges)
	require.Equal(t, []string{`create loanops_predictor_track.track["blue"]`, `create loanops_route.route[0]`}, plan.Changes)
	require.Equal(t, map[string]capacity.Grant{"blue": {MemoryMiB: 100, CPUMillis: 1500}}, plan.Planned)
	require.Empty(t, b.Actual().Tracks)
	b.apply(first)
	require.Equal(t, one, b.Actual().Tracks["blue"].Spec)
	require.Equal(t, map[string]int{"blue": 100}, b.Actual().Route.Weights)
	blue := b.Actual().Tracks["blue"].PID

	// No-op: planned capacity is told although nothing changes.
	plan, err = b.workspace.Plan(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, terraform.PlanSummary{
		Changes: []string{}, Drifted: []string{}, Planned: map[string]capacity.Grant{"blue": {MemoryMiB: 100, CPUMillis: 1500}},
	}, plan)
	revision := b.Actual().Route.Revision
	b.apply(first)
	require.Equal(t, revision, b.Actual().Route.Revision)

	// A challenger that is planned and vetoed leaves a person's plan clean.
	canary := desired(&one, &two, 90, 10)
	plan, err = b.workspace.Plan(t.Context(), canary)
	require.NoError(t, err)
	require.Equal(t, capacity.Grant{MemoryMiB: 200, CPUMillis: 750}, plan.Planned["green"])
	require.Equal(t, 0, b.personsPlan())

	// Weight changes touch no process.
	b.apply(canary)
	green := b.Actual().Tracks["green"].PID
	promoted := desired(&one, &two, 0, 100)
	plan, err = b.workspace.Plan(t.Context(), promoted)
	require.NoError(t, err)
	require.Equal(t, []string{"update loanops_route.route[0]"}, plan.Changes)
	b.apply(promoted)
	require.Equal(t, map[string]int{"blue": 0, "green": 100}, b.Actual().Route.Weights)
	require.Equal(t, blue, b.Actual().Tracks["blue"].PID)
	require.Equal(t, green, b.Actual().Tracks["green"].PID)

	// Another version in a slot replaces the process.
	three := b.Spec(3, deploytest.Behaviour{})
	b.apply(desired(&three, &two, 5, 95))
	require.Equal(t, 3, b.Actual().Tracks["blue"].Spec.ModelVersion)
	require.NotEqual(t, blue, b.Actual().Tracks["blue"].PID)

	// An abort takes the challenger away in one apply: the route first, as the agent keeps what has traffic.
	b.apply(desired(nil, &two, 0, 100))
	require.NotContains(t, b.Actual().Tracks, "blue")

	b.apply(desired(nil, nil))
	require.Equal(t, contract.Actual{Tracks: map[string]contract.Track{}, Generation: 1}, b.Actual())
}

func TestTrackWithoutTrafficNeedsNoRoute(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil))
	require.Nil(t, b.Actual().Route)
	require.Equal(t, contract.TrackReady, b.Actual().Tracks["blue"].State)
	b.apply(desired(&one, nil, 100))
	require.Equal(t, 100, b.Actual().Weight("blue"))
}

func TestDriftOfWeightsIsSeenAndPutRight(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	want := desired(&one, &two, 0, 100)
	b.apply(want)
	_, err := b.Rollback.Rollback(t.Context(), contract.Production, agenttest.Pipeline, map[string]int{"blue": 100, "green": 0}, 2)
	require.NoError(t, err)

	require.Equal(t, 2, b.personsPlan())
	adopting := under(2, desired(&one, &two, 100, 0))
	plan, err := b.workspace.Plan(t.Context(), adopting)
	require.NoError(t, err)
	require.Equal(t, []string{
		`loanops_route.route[0]: generation is 2 instead of 1, weights is {"blue":100,"green":0} instead of {"blue":0,"green":100}`,
	}, plan.Drifted)
	require.False(t, plan.HasChanges, "a delivery that wants what the rollback did adopts it")
	b.apply(adopting)

	b.apply(under(3, want))
	require.Equal(t, want.Weights, b.Actual().Route.Weights)
}

// A mirror is set and taken away without touching a process; a rollback that ended it behind Terraform's back is drift.
func TestMirrorIsAppliedAndItsDriftIsSeen(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	mirrored := desired(&one, &two, 100, 0)
	mirrored.Mirror = contract.Green
	b.apply(mirrored)
	require.Equal(t, contract.Green, b.Actual().Route.Mirror)

	_, err := b.Rollback.Rollback(t.Context(), contract.Production, agenttest.Pipeline, map[string]int{"blue": 100, "green": 0}, 1)
	require.NoError(t, err)
	require.Empty(t, b.Actual().Route.Mirror)
	require.Equal(t, 2, b.personsPlan())
	plan, err := b.workspace.Plan(t.Context(), mirrored)
	require.NoError(t, err)
	require.Equal(t, []string{"update loanops_route.route[0]"}, plan.Changes)
	require.Equal(t, []string{`loanops_route.route[0]: mirror is "" instead of "green"`}, plan.Drifted)
	b.apply(mirrored)
	require.Equal(t, contract.Green, b.Actual().Route.Mirror)

	// The mirror goes before the track behind it does.
	b.apply(desired(&one, nil, 100))
	require.Empty(t, b.Actual().Route.Mirror)
	require.NotContains(t, b.Actual().Tracks, contract.Green)
}

func TestBadMirrorsAreRefusedInThePlan(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	for name, d := range map[string]terraform.Desired{
		"has traffic":     desired(&one, &two, 95, 5),
		"has no track":    desired(&one, nil, 100, 0),
		"nothing to copy": desired(&one, &two),
	} {
		d.Mirror = contract.Green
		_, err := b.workspace.Plan(t.Context(), d)
		require.ErrorContains(t, err, "mirror: want a slot", name)
	}
}

func TestPredictorKilledForGoodIsDriftAndARestartIsNot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))

	// Killed once, it has another process and address, which is nothing to do for Terraform, even while it is starting.
	track := b.Actual().Tracks["blue"]
	process, err := os.FindProcess(track.PID)
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	require.Equal(t, 0, b.personsPlan())
	require.NotEqual(t, track.PID, b.Actual().Tracks["blue"].PID)

	b.KillForGood("blue")
	require.Equal(t, 2, b.personsPlan())
	plan, err := b.workspace.Plan(t.Context(), desired(&one, nil, 100))
	require.NoError(t, err)
	require.Equal(t, []string{`update loanops_predictor_track.track["blue"]`}, plan.Changes)
	require.Equal(t, []string{`loanops_predictor_track.track["blue"]: running is false instead of true`}, plan.Drifted)
	b.apply(desired(&one, nil, 100))
	require.Equal(t, contract.TrackReady, b.Actual().Tracks["blue"].State)
}

func TestTrackRemovedBehindTerraformsBackIsDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	b.apply(desired(&one, &two, 100, 0))
	require.NoError(t, b.Provider.DeleteTrack(t.Context(), contract.Production, agenttest.Pipeline, "green", 1))
	require.Equal(t, 2, b.personsPlan())
	b.apply(desired(&one, &two, 100, 0))
	require.Contains(t, b.Actual().Tracks, "green")
}

func TestGivenUpChallengerIsTakenAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	b.apply(desired(&one, &two, 90, 10))
	b.KillForGood("green")
	b.apply(desired(&one, nil, 100, 0))
	require.NotContains(t, b.Actual().Tracks, "green")
}

func TestCancelledApplyIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{Gate: gate})
	b.apply(desired(&one, nil, 100))
	want := desired(&one, &two, 90, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.workspace.Apply(ctx, want) }()
	b.await("the challenger starting", func() bool { return b.Actual().Tracks["green"].State == contract.TrackStarting })
	_, err := b.workspace.Plan(t.Context(), want)
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "one operation at a time in a folder: %v", err)
	cancel()
	err = <-done
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
	require.Equal(t, 100, b.Actual().Weight("blue"))

	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	b.apply(want)
	require.Equal(t, 10, b.Actual().Weight("green"))
	b.apply(desired(nil, nil))
	require.Empty(t, b.Actual().Tracks, "nothing was left outside the state")
}

func TestFaultsKeepTheirCodes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	for _, test := range []struct {
		name  string
		spoil func(*terraform.Desired)
		code  fault.Code
		says  string
	}{
		{"weights", func(d *terraform.Desired) { d.Weights["blue"] = 99 }, fault.Invalid, "weights must sum to 100"},
		{"slot", func(d *terraform.Desired) { d.Tracks["red"] = one }, fault.Invalid, "the slots are blue and green"},
		{"traffic to nothing", func(d *terraform.Desired) { d.Weights = map[string]int{"green": 100} }, fault.Invalid, "without a track"},
		{"no generation", func(d *terraform.Desired) { d.Generation = 0 }, fault.Invalid, "generation must be a whole number from 1"},
		{"policy", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; s.PolicyDigest = "strict"; return s }()
		}, fault.Invalid, "policy_digest must be the SHA-256"},
		{"cutoff 0", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; deploytest.Decide(&s, decision.Policy{Cutoff: 0}); return s }()
		}, fault.Invalid, "strictly between 0 and 1"},
		{"cutoff 1", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; deploytest.Decide(&s, decision.Policy{Cutoff: 1}); return s }()
		}, fault.Invalid, "strictly between 0 and 1"},
		{"bundle", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; s.BundleURI = "s3://absent"; return s }()
		}, fault.NotFound, "s3://absent"},
		{"image by a tag", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; s.Image = "loanops-api:latest"; return s }()
		}, fault.Invalid, "image must be a repository and a digest"},
		{"image that is nowhere", func(d *terraform.Desired) {
			d.Tracks["blue"] = func() contract.TrackSpec { s := one; s.Image = "other" + s.Image; return s }()
		}, fault.NotFound, "otherloanops-api@sha256:"},
		{"does not start", func(d *terraform.Desired) { d.Tracks["blue"] = b.Spec(9, deploytest.Behaviour{Exit: true}) }, fault.Refused, "exit status 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := desired(&one, nil, 100)
			test.spoil(&d)
			err := b.workspace.Apply(t.Context(), d)
			require.Equal(t, test.code, fault.CodeOf(err), "%v", err)
			require.ErrorContains(t, err, test.says)
		})
	}

	_, err := b.workspace.Plan(t.Context(), under(0, desired(&one, nil, 100)))
	require.Equal(t, fault.Invalid, fault.CodeOf(err), "the configuration itself asks for a generation: %v", err)
	require.ErrorContains(t, err, "generation must be a whole number from 1")

	config := b.config
	config.AgentURL = "http://127.0.0.1:1"
	require.NoError(t, b.workspace.Apply(t.Context(), desired(&one, nil, 100)))
	err = terraform.NewWorkspace(config).Apply(t.Context(), desired(&one, nil, 100))
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "the agent is not there: %v", err)

	config = b.config
	config.AgentTokenFile = filepath.Join(t.TempDir(), "wrong")
	require.NoError(t, os.WriteFile(config.AgentTokenFile, []byte("wrong"), 0o600))
	err = terraform.NewWorkspace(config).Apply(t.Context(), desired(nil, nil))
	require.Equal(t, fault.Unauthorized, fault.CodeOf(err), "%v", err)
	config.ProviderBinary = filepath.Join(t.TempDir(), "absent")
	err = terraform.NewWorkspace(config).Prepare(t.Context())
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
	config.Terraform = "no-such-terraform"
	config.ProviderBinary = providerBinary
	config.Dir = filepath.Join(t.TempDir(), "new")
	err = terraform.NewWorkspace(config).Prepare(t.Context())
	require.Equal(t, fault.NotFound, fault.CodeOf(err), "%v", err)
}
