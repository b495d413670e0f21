package workflows

import (
	"cmp"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/registry"
)

// MaterializeInput starts Materialize; {"view":"payments"} is enough.
type MaterializeInput struct {
	// View is the name of a view, maybe with a version (payments@2).
	View    string           `json:"view"`
	Trigger registry.Trigger `json:"trigger,omitempty"` // manual (default), schedule
	// Anew writes into the online store what is there already as well, whatever it holds.
	Anew bool `json:"anew,omitempty"`
}

// Materialize brings a view up to its sources, in the offline store and then in the online store, where decisions read it.
func Materialize(ctx workflow.Context, input MaterializeInput) (Result, error) {
	if input.View == "" {
		return Result{}, usage(`"view" is missing; give {"view":"payments"}`)
	}
	m := &materializing{input: input, run: newRun(activities.Data, input.View, cmp.Or(input.Trigger, registry.ByHand), nil, activities.FindViews.Name)}
	result, err := m.execute(ctx, m.materialize)
	if result.Materialized == nil { // nothing of it was ever taken, or the run was stopped
		result.Materialized = &Materialized{View: input.View}
	}
	return result, err
}

// materializing is the state of one run.
type materializing struct {
	run
	input MaterializeInput
}

func (m *materializing) materialize(ctx workflow.Context) (Result, error) {
	view, computed, err := m.computeOne(ctx, m.input.View)
	if failedWith(err, fault.Refused) { // no feed was ever taken
		return m.result(Refused, cause(err)), nil
	}
	if err != nil {
		return Result{}, err
	}
	written, err := do(ctx, &m.run, activities.MaterializeView, "writing the online store", activities.MaterializeViewInput{View: view, Manifest: computed.Manifest, Until: computed.Until, Anew: m.input.Anew})
	if err != nil {
		return Result{}, err
	}
	// What is served does not depend on its statistics: it is written, whatever becomes of these.
	if _, err := do(ctx, &m.run, activities.DescribeView, "computing statistics", activities.DescribeViewInput{Manifest: computed.Manifest}); temporal.IsCanceledError(err) {
		return Result{}, err
	}
	there := Materialized{View: written.View, Entities: written.Entities, Until: written.Until.Time()}
	if len(m.refusedFeeds) > 0 {
		return m.ended(Refused, there), nil
	}
	if written.Entities == 0 {
		return m.ended(Nothing, there, written.Summary()), nil
	}
	return m.ended(Published, there, written.Summary()), nil
}

func (m *materializing) ended(verdict Verdict, there Materialized, reasons ...string) Result {
	result := m.result(verdict, reasons...)
	result.Materialized = &there
	return result
}
