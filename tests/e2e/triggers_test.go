package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// respec replaces texts of a spec's file, each of which is there once.
func respec(t *testing.T, file string, changes ...[2]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(data)
	for _, change := range changes {
		require.Equal(t, 1, strings.Count(text, change[0]), change[0])
		text = strings.Replace(text, change[0], change[1], 1)
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

// registered is what `loanops pipelines register` prints.
type registered struct {
	Pipeline, Digest, Triggered, Reason string
	Changed                             bool
}

// trainingOf is a training as `loanops runs list` shows it.
type trainingOf struct {
	Type, Trigger, Cause, Status, Verdict string
}

// trainedBy waits for trainings of a pipeline that have ended, and were started by a trigger.
func (p *platform) trainedBy(t *testing.T, pipeline, trigger string) (found []trainingOf) {
	t.Helper()
	eventually(t, "a training started by "+trigger, 2*time.Minute, func() bool {
		var runs []trainingOf
		p.runJSON(t, &runs, 0, "runs", "list", "--pipeline", pipeline)
		found = nil
		for _, run := range runs {
			if run.Type == "ContinuousTraining" && run.Trigger == trigger && run.Status == "completed" {
				found = append(found, run)
			}
		}
		return len(found) > 0
	})
	return found
}

// A spec that trains otherwise is trained when it is registered, one that does not is not, and rows with a final label train when they are enough.
func TestAChangedSpecAndNewRowsTrain(t *testing.T) {
	t.Parallel()
	const model = "loan-changed"
	file := quickSpec(t, model)
	var none registered
	shared.runJSON(t, &none, 0, "pipelines", "register", file)
	require.True(t, none.Changed)
	require.Empty(t, none.Triggered, "there is no champion yet")
	var r result
	shared.runJSON(t, &r, 0, "ct", "start", model, "--as-of", "2026-03-31", "--wait")
	require.Equal(t, "bootstrapped", r.Verdict)

	respec(t, file, [2]string{"min: 0.65", "min: 0.99"}) // refused by a gate: its end is soon
	incomes(t, shared, arriving(t, shared, file), 1, "--from", "2025-10-01")
	var changed registered
	shared.runJSON(t, &changed, 0, "pipelines", "register", file)
	require.True(t, changed.Changed)
	require.NotEmpty(t, changed.Triggered)
	require.Contains(t, changed.Reason, "gates")
	require.Equal(t, []trainingOf{{"ContinuousTraining", "spec", "spec " + changed.Digest[:12], "completed", "refused"}}, shared.trainedBy(t, model, "spec"))

	var again registered
	shared.runJSON(t, &again, 0, "pipelines", "register", file)
	require.Equal(t, registered{Pipeline: model, Digest: changed.Digest, Reason: again.Reason}, again)

	respec(t, file, [2]string{"  segment: institution_type", "  new_rows: 1000\n  segment: institution_type"})
	var watched registered
	shared.runJSON(t, &watched, 0, "pipelines", "register", file)
	require.True(t, watched.Changed)
	require.Empty(t, watched.Triggered, "a training makes the same of it")
	var looked lookResult
	shared.runJSON(t, &looked, 3, "monitor", "start", model, "--as-of", "2026-11-15", "--wait")
	require.Equal(t, "retrain", looked.Verdict)
	require.Len(t, looked.Findings, 1)
	require.True(t, looked.found("new_data", "", "rows"), "%+v", looked.Findings)
	var looks []look
	shared.runJSON(t, &looks, 0, "monitor", "list", model)
	require.Equal(t, []trainingOf{{"ContinuousTraining", "new_data", looks[0].RunID, "completed", "refused"}}, shared.trainedBy(t, model, "new_data"))
	require.Len(t, shared.trainedBy(t, model, "spec"), 1)
}
