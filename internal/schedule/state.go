package schedule

import (
	"context"
	"strings"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/workflows"
)

// State is how a schedule is.
type State struct {
	Schedule string              `json:"schedule"` // its ID
	Pipeline string              `json:"pipeline"`
	Run      workflows.Scheduled `json:"run"` // what it starts: training or monitor
	// Timing is as a spec writes it; "other" where somebody has set in the Web UI what no spec can say.
	Timing string `json:"timing"`
	Paused bool   `json:"paused"`
	// Note says who set, paused or resumed it last, and why.
	Note string `json:"note"`
	// Triggers is how often it has triggered, Last when, nil for never, and Next when it will, nil while it is paused.
	Triggers int        `json:"triggers"`
	Last     *time.Time `json:"last"`
	Next     *time.Time `json:"next"`
}

// States are those of the pipeline's schedules that there are.
func (s Schedules) States(ctx context.Context, name string) ([]State, error) {
	var states []State
	for _, run := range Runs {
		described, err := s.Client.GetHandle(ctx, run.ScheduleID(name)).Describe(ctx)
		if isGone(err) {
			continue
		}
		if err != nil {
			return nil, fault.Wrap(fault.Unavailable, err, "reading the schedule %s", run.ScheduleID(name))
		}
		states = append(states, state(name, run, described))
	}
	return states, nil
}

func state(name string, run workflows.Scheduled, described *client.ScheduleDescription) State {
	s := State{
		Schedule: run.ScheduleID(name), Pipeline: name, Run: run, Timing: timing(described.Schedule.Spec),
		Paused: described.Schedule.State.Paused, Note: described.Schedule.State.Note, Triggers: described.Info.NumActions,
	}
	if n := len(described.Info.RecentActions); n > 0 {
		s.Last = &described.Info.RecentActions[n-1].ActualTime
	}
	if len(described.Info.NextActionTimes) > 0 && !s.Paused {
		s.Next = &described.Info.NextActionTimes[0]
	}
	return s
}

// timing is the inverse of spec.
func timing(spec *client.ScheduleSpec) string {
	switch {
	case len(spec.Intervals) == 1 && len(spec.Calendars) == 0:
		return interval(spec.Intervals[0].Every)
	case len(spec.Calendars) == 1 && len(spec.Intervals) == 0 && spec.Calendars[0].Comment != "":
		return spec.Calendars[0].Comment
	}
	return "other"
}

// interval is a duration without the units of which it has none: 24h, not 24h0m0s.
func interval(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
