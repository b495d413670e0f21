package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// timed is the pipeline that these tests train by itself: no model passes its gate, so that a training ends in seconds and delivers nothing.
const timed = "timed"

func timedSpec(t *testing.T, timings string) string {
	t.Helper()
	file := quickSpec(t, timed)
	spec, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(spec)
	for _, change := range [][2]string{
		{"rows: 20000", "rows: 500"},
		{"{metric: auc, value: lower, min: 0.65}", "{metric: auc, value: lower, min: 0.999}"},
		{"schedule: {retrain: off, monitor: off}", "schedule: " + timings},
	} {
		require.Equal(t, 1, strings.Count(text, change[0]), change[0])
		text = strings.Replace(text, change[0], change[1], 1)
	}
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

// scheduled is one of `loanops schedule list --output json`.
type scheduled struct {
	Schedule, Pipeline, Run, Timing, Note string
	Paused                                bool
	Triggers                              int
	Last, Next                            *time.Time
}

// schedules are those of the pipeline, by what they start.
func (p *platform) schedules(t *testing.T) map[string]scheduled {
	t.Helper()
	var listed []scheduled
	p.runJSON(t, &listed, 0, "schedule", "list", timed)
	found := map[string]scheduled{}
	for _, s := range listed {
		found[s.Run] = s
	}
	return found
}

func (p *platform) schedule(t *testing.T, args ...string) {
	t.Helper()
	_, code := p.run(t, append([]string{"schedule"}, args...)...)
	require.Equal(t, 0, code)
}

// startedBySchedule counts the trainings that a schedule started, and have ended.
func (p *platform) startedBySchedule(t *testing.T) int {
	t.Helper()
	var runs []struct{ Type, Trigger, Status string }
	p.runJSON(t, &runs, 0, "runs", "list", "--pipeline", timed, "--limit", "1000")
	n := 0
	for _, run := range runs {
		if run.Type == "ContinuousTraining" && run.Trigger == "schedule" && run.Status == "completed" {
			n++
		}
	}
	return n
}

// quiet waits until nothing of the pipeline's trainings goes on, and no trigger is kept.
func (p *platform) quiet(t *testing.T) {
	t.Helper()
	eventually(t, "no run and no trigger", 2*time.Minute, func() bool {
		p.schedules(t) // a command takes its time: searches are limited to some per second
		return p.count(t, `LoanOpsPipeline="`+timed+`" AND ExecutionStatus="Running" AND WorkflowType IN ("Trigger", "ContinuousTraining")`) == 0
	})
}

// terminate ends a workflow that no worker knows.
func (p *platform) terminate(t *testing.T, id string) int {
	t.Helper()
	return p.ask(t, "/workflows/"+id+"/terminate", map[string]any{"reason": "the test goes on"}, nil)
}

// A spec makes schedules, a person changes them; triggers during a run are one more; what is paused stays so over a restart.
func TestSchedulesTrainByThemselves(t *testing.T) {
	const training, keeper = "training-" + timed, "kept-training-" + timed
	file := timedSpec(t, `{retrain: "0 3 1 1 *", monitor: off}`)
	var r result
	shared.runJSON(t, &r, 3, "ct", "start", "--pipeline", file, "--wait")
	made := shared.schedules(t)
	require.Len(t, made, 1, "the monitor is off")
	require.Equal(t, "retrain-"+timed, made["training"].Schedule)
	require.Equal(t, "0 3 1 1 *", made["training"].Timing)
	require.Contains(t, made["training"].Note, "set by the spec")
	require.Equal(t, time.January, made["training"].Next.Month())
	require.Nil(t, made["training"].Last)

	// While a run goes on, of which no worker knows, each trigger is kept, and all of them are one more.
	status := shared.ask(t, "/workflows/"+training, map[string]any{
		"workflowType": map[string]string{"name": "Nobody"}, "taskQueue": map[string]string{"name": "nobody"},
	}, nil)
	require.Equal(t, http.StatusOK, status)
	began := time.Now()
	eventually(t, "a trigger that is not of the moment at which the run began", time.Minute, func() bool { return time.Since(began) > 4*time.Second })
	for n := range 3 {
		shared.schedule(t, "trigger", timed)
		eventually(t, "the trigger taken", time.Minute, func() bool { return shared.schedules(t)["training"].Triggers == n+1 })
		second := time.Now().Unix()
		eventually(t, "the next second, of which Temporal names what a trigger starts", time.Minute, func() bool { return time.Now().Unix() > second })
	}
	eventually(t, "the keeper, alone", time.Minute, func() bool {
		return shared.schedules(t)["training"].Triggers == 3 && shared.waits(keeper) &&
			shared.count(t, `WorkflowType="Trigger" AND LoanOpsPipeline="`+timed+`" AND ExecutionStatus="Completed"`) == 3
	})
	require.Zero(t, shared.startedBySchedule(t))
	require.Equal(t, http.StatusOK, shared.terminate(t, training))
	eventually(t, "one more run", time.Minute, func() bool { return shared.startedBySchedule(t) == 1 })
	shared.quiet(t)
	require.Equal(t, 1, shared.startedBySchedule(t), "three triggers are one run")

	// Two at once are one run, also where the second came when the first's had begun.
	first, second := shared.begin(t, "schedule", "trigger", timed), shared.begin(t, "schedule", "trigger", timed)
	require.Equal(t, 0, first(t).Code)
	require.Equal(t, 0, second(t).Code)
	eventually(t, "a run", time.Minute, func() bool { return shared.startedBySchedule(t) > 1 })
	shared.quiet(t)
	require.Equal(t, 2, shared.startedBySchedule(t))

	before := shared.startedBySchedule(t)
	shared.schedule(t, "set", timed, "--every", "10s")
	eventually(t, "two runs by themselves", 3*time.Minute, func() bool { return shared.startedBySchedule(t) >= before+2 })
	require.NotNil(t, shared.schedules(t)["training"].Last)
	require.NotNil(t, shared.schedules(t)["training"].Next)

	// Paused, the schedule is left alone by a spec that says what it said.
	shared.schedule(t, "pause", timed, "--reason", complaints)
	eventually(t, "paused", time.Minute, func() bool { return shared.schedules(t)["training"].Paused })
	shared.quiet(t)
	shared.runJSON(t, &r, 3, "ct", "start", "--pipeline", file, "--wait")
	paused := shared.schedules(t)["training"]
	require.Equal(t, "10s", paused.Timing)
	require.Contains(t, paused.Note, complaints)
	require.Nil(t, paused.Next)

	// One that is made meanwhile is paused as well, and both stand still.
	shared.schedule(t, "set", timed, "--every", "4s", "--monitor")
	look := shared.schedules(t)["monitor"]
	require.True(t, look.Paused)
	require.Contains(t, look.Note, complaints)
	since := time.Now()
	eventually(t, "more than ten seconds", 2*time.Minute, func() bool { return time.Since(since) > 11*time.Second })
	require.Equal(t, map[string]scheduled{"training": paused, "monitor": look}, shared.schedules(t))
	shared.schedule(t, "delete", timed, "--monitor")

	require.NoError(t, shared.Stop())
	require.NoError(t, shared.Start("--no-run"))
	require.Equal(t, map[string]scheduled{"training": paused}, shared.schedules(t), "a restart loses no schedule")

	before = shared.startedBySchedule(t)
	shared.schedule(t, "resume", timed)
	eventually(t, "a run by itself, again", 2*time.Minute, func() bool { return shared.startedBySchedule(t) > before })
	shared.schedule(t, "delete", timed)
	require.Empty(t, shared.schedules(t))
	_, code := shared.run(t, "schedule", "trigger", timed)
	require.Equal(t, 5, code)
	shared.quiet(t)
}

// waits reports whether a keeper's step is tried again and again.
func (p *platform) waits(id string) bool {
	x, err := p.Describe(id)
	return err == nil && !x.Closed() && len(x.Pending) == 1 && x.Pending[0].Type.Name == "AwaitRun"
}
