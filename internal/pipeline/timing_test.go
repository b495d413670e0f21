package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

func TestTimings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text     string
		interval time.Duration
		wrong    string
	}{
		{"off", 0, ""},
		{"1s", time.Second, ""},
		{"10s", 10 * time.Second, ""},
		{"24h", 24 * time.Hour, ""},
		{"1h30m", 90 * time.Minute, ""},
		{"8784h", 366 * 24 * time.Hour, ""},
		{"0 3 * * 1", 0, ""},
		{"*/15 8-18 * * mon-fri", 0, ""},
		{"0 0 29 2 *", 0, ""}, // the next one is in 2028
		{"30 4 1,15 * *", 0, ""},
		{"", 0, "off, an interval such as 24h"},
		{"never", 0, "off, an interval such as 24h"},
		{"24", 0, "off, an interval such as 24h"},
		{"every 24h", 0, "has five fields"},
		{"@daily", 0, "off, an interval such as 24h"},
		{"@every 1h", 0, "has five fields"},
		{"7d", 0, "off, an interval such as 24h"},
		{"0s", 0, "off, an interval such as 24h"},
		{"-1h", -time.Hour, "whole seconds"},
		{"500ms", 500 * time.Millisecond, "whole seconds"},
		{"8785h", 8785 * time.Hour, "whole seconds"},
		{"0 3 * *", 0, "has five fields"},
		{"0 0 3 * * 1", 0, "has five fields"},
		{"CRON_TZ=Asia/Tokyo 0 3 * * 1", 0, "has five fields"},
		{"0 3 ? * 1", 0, "has five fields"},
		{"0 3 1 * 1", 0, "leave one of them *"},
		{"60 3 * * 1", 0, "is no cron expression"},
		{"0 24 * * *", 0, "is no cron expression"},
		{"0 3 * * noday", 0, "is no cron expression"},
		{"0 3 31 2 *", 0, "is never"},
		{strings.Repeat("1,", 95) + "11 3 * * 1", 0, ""}, // 200 bytes, as many as Temporal takes of a comment
		{strings.Repeat("1,", 95) + "11 13 * * 1", 0, "has 201 characters; at most 200 are wanted"},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			timing := pipeline.Timing(test.text)
			require.Equal(t, test.interval, timing.Interval())
			err := timing.Check()
			if test.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.wrong)
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
		})
	}
}

// off is a text with and without quotes: no YAML of today takes it for a boolean.
func TestAScheduleIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pipeline.Schedule{
		"{retrain: off, monitor: 24h}":                  {Retrain: pipeline.Off, Monitor: "24h"},
		`{retrain: "off", monitor: "*/5 * * * *"}`:      {Retrain: pipeline.Off, Monitor: "*/5 * * * *"},
		"{retrain: 0 4 1 * *}":                          {Retrain: "0 4 1 * *", Monitor: "0 2 * * *"},
		"\n  retrain: 168h\n  monitor: 10s   # quick\n": {Retrain: "168h", Monitor: "10s"},
	} {
		spec, err := pipeline.Parse("x.yaml", []byte(strings.TrimSuffix(small, "\n")+"\ntime: t\nschedule: "+text+"\n"))
		require.NoError(t, err, text)
		require.Equal(t, want, spec.Schedule, text)
	}
}

// Without a column of time nobody knows which rows are new: no look by itself could end well.
func TestWithoutTimeNoMonitorIsScheduled(t *testing.T) {
	t.Parallel()
	parse := func(more string) (pipeline.Schedule, error) {
		spec, err := pipeline.Parse("x.yaml", []byte(strings.TrimSuffix(small, "\n")+"\n"+more))
		return spec.Schedule, err
	}
	for more, want := range map[string]pipeline.Timing{
		"":                                    pipeline.Off,
		"time: t\n":                           "0 2 * * *",
		"schedule: {retrain: 24h}\n":          pipeline.Off,
		"schedule: {monitor: off}\n":          pipeline.Off,
		"time: t\nschedule: {retrain: 24h}\n": "0 2 * * *",
		"time: t\nschedule: {monitor: off}\n": pipeline.Off,
		"time: t\nschedule: {retrain: off, monitor: 1h}\n": "1h",
	} {
		got, err := parse(more)
		require.NoError(t, err, more)
		require.Equal(t, want, got.Monitor, more)
	}
	_, err := parse("schedule:\n  monitor: 24h\n")
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, fmt.Sprintf(`x.yaml:%d:12: schedule.monitor is "24h", but no column says which rows are new`, strings.Count(small, "\n")+2))
}
