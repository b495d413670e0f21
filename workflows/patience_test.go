package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/ci"
)

// Commands that take all the time that ci.yaml may give them come to their end in one try of their step, with time for the files, and for what the step does itself:
// otherwise they would be begun again and again, for hours, and refuse nothing.
func TestATryOfAStepHasTimeForItsCommands(t *testing.T) {
	t.Parallel()
	for name, patience := range map[ci.Step]activities.Patience{
		ci.RunCommands: activities.RunCommands.Patience, ci.ReplayHistories: activities.ReplayHistories.Patience, ci.TestArtifacts: activities.TestArtifacts.Patience,
	} {
		require.Contains(t, ci.CommandSteps, name)
		o := options("queue", patience, "")
		require.GreaterOrEqual(t, o.StartToCloseTimeout, ci.CommandTime+15*time.Minute, name)
		require.Zero(t, o.ScheduleToCloseTimeout, "a worker's death costs a try, not the time of the next one")
	}
	require.Len(t, ci.CommandSteps, 3, "a step with commands is to be looked at here")
}
