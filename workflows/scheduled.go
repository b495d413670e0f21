package workflows

import (
	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/pipeline"
)

// Scheduled is a kind of run that a pipeline's schedule, or a Trigger, starts.
type Scheduled string

// What schedules start.
const (
	TrainingRun Scheduled = "training"
	MonitorRun  Scheduled = "monitor"
)

// kinds is all that the kinds differ in.
var kinds = map[Scheduled]struct {
	workflow   string
	id         func(pipeline string) string
	summary    string // before the pipeline's name
	input      func(TriggerInput) any
	subject    alert.Subject // of which people are told where no run could be started
	scheduleID string        // before the pipeline's name
	timing     func(pipeline.Schedule) pipeline.Timing
}{
	TrainingRun: {
		workflow: ContinuousTrainingName, id: TrainingID, summary: "train ", subject: alert.Training, scheduleID: "retrain-",
		input: func(in TriggerInput) any {
			return TrainingInput{Pipeline: in.Pipeline, Trigger: in.Trigger, Actor: in.Actor, Cause: in.Cause, AsOf: in.AsOf, Data: in.Data, Uploads: in.Uploads}
		},
		timing: func(declared pipeline.Schedule) pipeline.Timing { return declared.Retrain },
	},
	MonitorRun: {
		workflow: MonitorName, id: MonitorID, summary: "look at ", subject: alert.Monitor, scheduleID: "monitor-",
		input: func(in TriggerInput) any {
			return MonitorInput{Pipeline: in.Pipeline, Trigger: in.Trigger, AsOf: in.AsOf, Data: in.Data, Uploads: in.Uploads}
		},
		timing: func(declared pipeline.Schedule) pipeline.Timing { return declared.Monitor },
	},
}

// ScheduleID is that of the pipeline's schedule which starts the runs of that kind.
func (s Scheduled) ScheduleID(pipeline string) string { return kinds[s].scheduleID + pipeline }

// Timing is when a spec wants them.
func (s Scheduled) Timing(declared pipeline.Schedule) pipeline.Timing {
	return kinds[s].timing(declared)
}
