package terraform_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/deploy/contract"
	"github.com/loanops/loanops/internal/deploy/deploytest"
	"github.com/loanops/loanops/internal/deploy/deploytest/agenttest"
	"github.com/loanops/loanops/internal/deploy/terraform"
	"github.com/loanops/loanops/internal/fault"
)

func TestNewerGenerationAloneConfirmsTheRouteAndTouchesNoTrack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	before := b.Actual()
	plan, err := b.workspace.Plan(t.Context(), under(2, desired(&one, nil, 100)))
	require.NoError(t, err)
	require.Equal(t, []string{"update loanops_route.route[0]"}, plan.Changes)
	require.Empty(t, plan.Drifted)
	b.apply(under(2, desired(&one, nil, 100)))
	before.Generation, before.Route.Generation = 2, 2
	require.Equal(t, before, b.Actual(), "the same process, the same revision of the route")
}

func TestRemovalCarriesTheNewerGeneration(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	b.apply(desired(&one, &two, 90, 10))
	require.NoError(t, b.Rollback.Teach(t.Context(), contract.Production, agenttest.Pipeline, 2))
	b.apply(under(2, desired(&one, nil, 100)))
	require.NotContains(t, b.Actual().Tracks, "green")
	b.apply(under(3, desired(nil, nil)))
	require.Equal(t, contract.Actual{Tracks: map[string]contract.Track{}, Generation: 3}, b.Actual())
}

func TestOvertakenApplyIsAConflictAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{})
	b.apply(desired(&one, nil, 100))
	require.NoError(t, b.Rollback.Teach(t.Context(), contract.Production, agenttest.Pipeline, 3))
	before := b.Actual()
	for _, test := range []struct {
		name string
		want terraform.Desired
	}{
		{"track", desired(&one, &two, 100)},
		{"route", desired(&one, nil, 100)},
		{"removal", desired(nil, nil)},
	} {
		err := b.workspace.Apply(t.Context(), under(2, test.want))
		require.Equal(t, fault.Conflict, fault.CodeOf(err), "%s: %v", test.name, err)
		require.ErrorContains(t, err, "generation 2 is overtaken: the newest is 3")
		require.Equal(t, before, b.Actual(), test.name)
	}
	b.apply(under(3, desired(&one, &two, 95, 5)))
}

// A person's plan in the folder follows what was delivered last, also when an older apply comes late.
func TestOlderApplyLeavesTheFolderOfANewerOneAsItIs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(under(3, desired(&one, nil, 100)))
	path := filepath.Join(b.config.Dir, "delivery.auto.tfvars.json")
	delivered, err := os.ReadFile(path)
	require.NoError(t, err)
	unchanged := func() {
		t.Helper()
		now, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(delivered), string(now))
		require.Equal(t, 0, b.personsPlan())
	}
	err = b.workspace.Apply(t.Context(), under(2, desired(nil, nil)))
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "generation 2 is overtaken: "+path+" already asks for generation 3")
	unchanged()
	require.Equal(t, fault.Invalid, fault.CodeOf(b.workspace.Apply(t.Context(), under(0, desired(nil, nil)))), "none is no newer one")
	unchanged()
	require.False(t, b.isLocked(), "the lock of the state was given back")
}

func TestDamagedFileOfADeliveryIsWrittenAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	want := under(3, desired(&one, nil, 100))
	b.apply(want)
	for _, text := range []string{"", `{"generation": 9`, `{"generation": "newest"}`} {
		require.NoError(t, os.WriteFile(filepath.Join(b.config.Dir, "delivery.auto.tfvars.json"), []byte(text), 0o600))
		_, err := b.workspace.Plan(t.Context(), want)
		require.NoError(t, err, text)
		b.apply(want)
	}
}

// A challenger that becomes ready after the traffic was shifted to safety does not get its slot, nor the route of its apply.
func TestApplyThatIsOvertakenWhileATrackStartsIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	gate := filepath.Join(t.TempDir(), "gate")
	one, two := b.Spec(1, deploytest.Behaviour{}), b.Spec(2, deploytest.Behaviour{Gate: gate})
	b.apply(desired(&one, nil, 100))
	done := make(chan error, 1)
	go func() { done <- b.workspace.Apply(t.Context(), under(2, desired(&one, &two, 90, 10))) }()
	b.await("the challenger starting", func() bool { return b.Actual().Tracks["green"].State == contract.TrackStarting })
	_, err := b.Rollback.Rollback(t.Context(), contract.Production, agenttest.Pipeline, map[string]int{"blue": 100}, 3)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(gate, nil, 0o600))
	err = <-done
	require.Equal(t, fault.Conflict, fault.CodeOf(err), "%v", err)
	require.Equal(t, map[string]int{"blue": 100}, b.Actual().Route.Weights)
	require.Equal(t, contract.TrackFailed, b.Actual().Tracks["green"].State)
	b.apply(under(3, desired(&one, nil, 100)))
	require.Equal(t, one, b.Actual().Tracks["blue"].Spec)
}

func TestAgentThatLostItsStateIsUnavailableUntilItIsTaught(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.Spec(1, deploytest.Behaviour{})
	b.apply(under(4, desired(&one, nil, 100)))
	b.Stop()
	require.NoError(t, os.RemoveAll(b.Dir))
	b.restart()
	err := b.workspace.Apply(t.Context(), under(4, desired(&one, nil, 100)))
	require.Equal(t, fault.Unavailable, fault.CodeOf(err), "%v", err)
	require.ErrorContains(t, err, "no generation is known")
	require.NoError(t, b.Provider.Teach(t.Context(), contract.Production, agenttest.Pipeline, 4))
	b.apply(under(4, desired(&one, nil, 100)))
	require.Equal(t, 100, b.Actual().Weight("blue"))
}

func TestTwoPoliciesOfOneVersionRunSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	lenient := b.Spec(1, deploytest.Behaviour{})
	strict := lenient
	deploytest.Decide(&strict, decision.Policy{Cutoff: 0.2})
	b.apply(desired(&lenient, &strict, 95, 5))
	actual := b.Actual()
	require.Equal(t, contract.Blue, actual.SlotOf(lenient.Identity()))
	require.Equal(t, contract.Green, actual.SlotOf(strict.Identity()))
}
