package workflows

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/pipeline"
)

// What the kinds of run differ in; the IDs and names are what operators and histories know.
func TestWhatSchedulesStart(t *testing.T) {
	t.Parallel()
	in := TriggerInput{Pipeline: "cards", Trigger: "schedule", Actor: "grace", Cause: "run-7", AsOf: "2026-06-30", Data: "rows.csv", Uploads: map[string][]string{"rows.csv": {"s3://b/rows"}}}
	declared := pipeline.Schedule{Retrain: "48h", Monitor: "24h"}
	require.Len(t, kinds, 2)
	for _, test := range []struct {
		run                    Scheduled
		workflow, id, schedule string
		summary                string
		input                  any
		subject                alert.Subject
		timing                 pipeline.Timing
	}{
		{
			"training", "ContinuousTraining", "training-cards", "retrain-cards", "train ",
			TrainingInput{Pipeline: "cards", Trigger: "schedule", Actor: "grace", Cause: "run-7", AsOf: "2026-06-30", Data: in.Data, Uploads: in.Uploads}, "training", "48h",
		},
		{"monitor", "Monitor", "monitor-cards", "monitor-cards", "look at ", MonitorInput{Pipeline: "cards", Trigger: "schedule", AsOf: "2026-06-30", Data: in.Data, Uploads: in.Uploads}, "monitor", "24h"},
	} {
		of := kinds[test.run]
		require.Equal(t, []string{test.workflow, test.id, test.schedule, test.summary}, []string{of.workflow, of.id("cards"), test.run.ScheduleID("cards"), of.summary})
		require.Equal(t, test.input, of.input(in))
		require.Equal(t, test.subject, of.subject)
		require.Equal(t, test.timing, test.run.Timing(declared))
	}
}
