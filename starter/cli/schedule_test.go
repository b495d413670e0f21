package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schedule"
	"github.com/loanops/loanops/internal/schedule/scheduletest"
	"github.com/loanops/loanops/workflows"
)

// What is wrong with a timing is said before any platform is asked.
func TestTimingsOfTheCommandAreChecked(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		says string
	}{
		{nil, `when? give --every 24h, or --cron "0 3 * * 1"`},
		{[]string{"--every", "1h", "--cron", "0 3 * * 1"}, "when? give"},
		{[]string{"--every", "daily"}, `--every is "daily"; an interval such as 24h, 30m or 10s is wanted`},
		{[]string{"--every", "off"}, `--every is "off"`},
		{[]string{"--every", "0 3 * * 1"}, `--every is "0 3 * * 1"`},
		{[]string{"--every", "100ms"}, "an interval of whole seconds is wanted, from 1s to 8784h"},
		{[]string{"--cron", "24h"}, `--cron is "24h"; a cron expression of five fields`},
		{[]string{"--cron", "0 25 * * *"}, "is no cron expression"},
	} {
		_, stderr, code := run(t, append([]string{"schedule", "set", "cards", "--state", empty}, test.args...)...)
		require.Equal(t, exitUsage, code, stderr)
		require.Contains(t, stderr, test.says)
	}
	for _, args := range [][]string{{"pause"}, {"resume"}, {"trigger"}, {"delete"}, {"set"}, {"list", "a", "b"}} {
		_, stderr, code := run(t, append([]string{"schedule"}, args...)...)
		require.Equal(t, exitUsage, code, stderr)
	}
	timing, err := givenTiming("10s", "")
	require.NoError(t, err)
	require.Equal(t, pipeline.Timing("10s"), timing)
}

// pause, resume and delete are about both of a pipeline's schedules, of which there may be one.
func TestWhatThereIsIsChanged(t *testing.T) {
	t.Parallel()
	memory := scheduletest.New()
	s := schedule.Schedules{Client: memory}
	pause := func(run workflows.Scheduled) error { return s.Pause(t.Context(), "cards", run, "paused by grace") }

	_, err := changeEach("cards", schedule.Runs, pause)
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	require.ErrorContains(t, err, "there is no schedule retrain-cards")

	require.NoError(t, s.Set(t.Context(), "cards", workflows.MonitorRun, "24h", "grace"))
	changed, err := changeEach("cards", schedule.Runs, pause)
	require.NoError(t, err)
	require.Equal(t, []string{"monitor-cards"}, changed)

	require.NoError(t, s.Set(t.Context(), "cards", workflows.TrainingRun, "24h", "grace"))
	changed, err = changeEach("cards", schedule.Runs, pause)
	require.NoError(t, err)
	require.Equal(t, []string{"retrain-cards", "monitor-cards"}, changed)

	memory.Err = errors.New("away")
	_, err = changeEach("cards", schedule.Runs, pause)
	require.Equal(t, fault.Unavailable, fault.CodeOf(err))
}

func TestSchedulesOfAllPipelinesOrOfOne(t *testing.T) {
	p := newFakePlatform(t)
	r := p.registry(t)
	s := schedule.Schedules{Client: scheduletest.New()}
	states, err := scheduleStates(t.Context(), r, s, nil)
	require.NoError(t, err)
	require.NotNil(t, states, "an empty list as JSON, not null")
	require.Empty(t, states)

	require.NoError(t, s.Register(t.Context(), r, shipped(t)))
	for _, named := range [][]string{nil, {"loan-eligibility"}} {
		states, err = scheduleStates(t.Context(), r, s, named)
		require.NoError(t, err)
		require.Len(t, states, 2)
		require.Equal(t, "retrain-loan-eligibility", states[0].Schedule)
		require.Equal(t, workflows.TrainingRun, states[0].Run)
		require.Equal(t, "monitor-loan-eligibility", states[1].Schedule)
	}
	_, err = scheduleStates(t.Context(), r, s, []string{"nobody"})
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestMoment(t *testing.T) {
	t.Parallel()
	require.Equal(t, "never", moment(nil, "never"))
	at := time.Date(2026, 6, 30, 5, 0, 0, 0, time.FixedZone("CEST", 7200))
	require.Equal(t, "2026-06-30 03:00:00", moment(&at, "never"))
}
