package ci

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// passed are outcomes in which all but the given tests have passed.
func passed(others map[Step]Status) map[Step]Status {
	ended := map[Step]Status{}
	for _, test := range Tests() {
		ended[test.Step] = Passed
	}
	for step, status := range others {
		ended[step] = status
	}
	return ended
}

// Every test comes after those that it waits for, which are tests, so that the order in which they are told is one in which they can run.
func TestTheOrderOfTests(t *testing.T) {
	t.Parallel()
	told := map[Step]bool{}
	for _, test := range Tests() {
		for _, before := range test.After {
			require.True(t, told[before], "%s before %s", before, test.Step)
		}
		require.False(t, told[test.Step])
		told[test.Step] = true
	}
	require.Len(t, told, 9)
}

func TestReady(t *testing.T) {
	t.Parallel()
	require.Equal(t, []Step{CheckSpec}, Ready(nil))
	require.Equal(t, []Step{ReplayHistories, ValidateSample}, Ready(map[Step]Status{CheckSpec: Passed, RunCommands: NotApplicable}))
	require.Equal(t, []Step{TestArtifacts}, Ready(map[Step]Status{CheckSpec: Passed, RunCommands: Refused, ValidateSample: Passed}))
	require.Equal(t, []Step{TestPredictions, TestQuality, TestIntegration},
		Ready(map[Step]Status{CheckSpec: Passed, RunCommands: Passed, ReplayHistories: Passed, ValidateSample: Passed, TestFeatures: Refused, TestArtifacts: Passed}))
	require.Empty(t, Ready(map[Step]Status{CheckSpec: Refused, RunCommands: NotRun}))
	require.Empty(t, Ready(map[Step]Status{CheckSpec: NotApplicable, RunCommands: "skipped"}), "a step that must test something lets nothing run without")
	require.Empty(t, Ready(passed(nil)))
}

// Commands belong to tests, and each of these is run as one of the list.
func TestStepsThatHaveCommands(t *testing.T) {
	t.Parallel()
	for _, test := range Tests() {
		require.Equal(t, test.Step == RunCommands || test.Step == ReplayHistories || test.Step == TestArtifacts, test.Step.HasCommands(), test.Step)
	}
	require.False(t, Step("").HasCommands())
}

// A step that was skipped is not one that passed, however that is said.
func TestWhatLetsACommitPass(t *testing.T) {
	t.Parallel()
	optional := map[Step]bool{RunCommands: true, ReplayHistories: true, TestFeatures: true, TestQuality: true}
	for _, test := range Tests() {
		require.True(t, Lets(test.Step, Passed), test.Step)
		require.Equal(t, optional[test.Step], Lets(test.Step, NotApplicable), test.Step)
		for _, status := range []Status{Refused, NotRun, "", "skipped"} {
			require.False(t, Lets(test.Step, status), "%s %s", test.Step, status)
		}
	}
	require.False(t, Lets("no step", NotApplicable))
}
