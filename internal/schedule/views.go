package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/workflows"
)

// atFreshness is how often a view is materialized in the time that its freshness promises: one time may fail, or last, and the promise is kept.
const atFreshness = 2

// KeepFresh makes, changes and deletes the schedules of views as the register says: there is one for every version that is in use and promises a freshness, for pipelines
// read an older version until it is retired. Others may change the register meanwhile, and its schedules: who comes last has seen what it says in the end.
func (s Schedules) KeepFresh(ctx context.Context, register feature.Register) error {
	rows, err := register.Registered(ctx, 0)
	for fresh := rows; err == nil && len(fresh) > 0; rows = append(rows, fresh...) {
		if err = s.keepFresh(ctx, rows); err == nil {
			fresh, err = register.Registered(ctx, rows[len(rows)-1].Nth)
		}
	}
	return err
}

func (s Schedules) keepFresh(ctx context.Context, rows []feature.Registered) error {
	kept := map[string]bool{}
	for _, versions := range feature.Live(rows, feature.KindView) {
		for _, row := range versions {
			var view feature.View
			if err := json.Unmarshal(row.Document, &view); err != nil {
				return fault.Wrap(fault.Internal, err, "row %d of the register", row.Nth)
			}
			if view.Freshness == 0 {
				continue
			}
			kept[versionOf(row)] = true
			if err := s.materialize(ctx, row, time.Duration(view.Freshness)); err != nil {
				return err
			}
		}
	}
	for _, row := range rows {
		if row.Kind != feature.KindView || kept[versionOf(row)] {
			continue
		}
		kept[versionOf(row)] = true // once
		id := workflows.MaterializeID(versionOf(row))
		if err := s.Client.GetHandle(ctx, id).Delete(ctx); err != nil && !isGone(err) {
			return told(err, "deleting", id)
		}
	}
	return nil
}

func versionOf(row feature.Registered) string { return fmt.Sprintf("%s@%d", row.Name, row.Version) }

// materialize makes or changes the schedule of a version.
func (s Schedules) materialize(ctx context.Context, row feature.Registered, freshness time.Duration) error {
	view, every := versionOf(row), max(freshness/atFreshness, time.Second)
	note := fmt.Sprintf("%s, for a freshness of %s, set by %s", interval(every), interval(freshness), row.Actor)
	id := workflows.MaterializeID(view)
	wanted := client.Schedule{
		Action: &client.ScheduleWorkflowAction{
			ID: id, Workflow: workflows.MaterializeName, TaskQueue: workflows.TaskQueue,
			Args:                  []any{workflows.MaterializeInput{View: view, Trigger: registry.BySchedule}},
			TypedSearchAttributes: workflows.About(row.Name, registry.BySchedule), StaticSummary: "materialize " + view,
		},
		Spec: &client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}, Policy: policy(), State: &client.ScheduleState{Note: note},
	}
	return s.put(ctx, id, row.Name, "materializes "+view+" in time for the freshness that it promises", wanted, func() (*client.ScheduleState, error) {
		return &client.ScheduleState{Note: note}, nil
	})
}
