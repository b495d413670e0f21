package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/deploy/shift"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/monitor"
	"github.com/loanops/loanops/internal/registry"
)

// MonitorInput starts Monitor; {"pipeline":"loan-eligibility"} is enough.
type MonitorInput struct {
	// Pipeline is the name of a registered pipeline spec.
	Pipeline string `json:"pipeline"`
	// AsOf looks at what was known on that day, 2006-01-02. Defaults to today, or to the last day of a source that says when its data were known.
	AsOf string `json:"as_of,omitempty"`
	// Data are rows to look at in place of what is new in the source: s3://bucket/key, or a path that the worker may read.
	Data string `json:"data,omitempty"`
	// Uploads are the objects that hold what local files held when the run was started, see TrainingInput.
	Uploads map[string][]string `json:"uploads,omitempty"`
	Trigger registry.Trigger    `json:"trigger,omitempty"` // manual (default), schedule
	Actor   string              `json:"actor,omitempty"`
}

// Monitor looks at what serves: at the rows that are new since the champion was made, or since the last look, and at outcomes that have matured.
// It finds what changed, comes to one verdict, and does what that says: nothing, tell people, train, go back to a better version.
func Monitor(ctx workflow.Context, input MonitorInput) (Result, error) {
	if input.Pipeline == "" {
		return Result{}, usage(`"pipeline" is missing; give {"pipeline":"loan-eligibility"}`)
	}
	input.Trigger = defaultTo(input.Trigger, registry.ByHand)
	input.Actor = defaultTo(input.Actor, "operator")
	m := &monitoring{input: input, run: newRun(activities.Data, input.Pipeline, input.Trigger,
		activities.LoadPipeline.Name, activities.FindReference.Name, activities.ExtractData.Name, activities.ValidateData.Name, activities.FindSchemaChanges.Name, activities.FindRefusals.Name,
		activities.MeasureDrift.Name, activities.ExtractOutcomes.Name, activities.MeasurePerformance.Name, activities.RecordLook.Name)}
	return m.execute(ctx, m.look)
}

// monitoring is the state of one run.
type monitoring struct {
	run
	input    MonitorInput
	spec     activities.PipelineOutput
	known    string // the day of the look
	ref      activities.ReferenceOutput
	evidence monitor.Evidence
	record   activities.LookInput
}

// look takes one step after the other and then acts.
func (m *monitoring) look(ctx workflow.Context) (Result, error) {
	if err := m.observe(ctx); err != nil {
		return Result{}, err
	}
	decided := monitor.Decide(m.spec.Monitor.On, m.evidence)
	m.record.Look.Verdict, m.record.Look.Reasons, m.record.Look.Findings = decided.Verdict, decided.Reasons, m.evidence.Findings
	if _, err := do(ctx, &m.run, activities.RecordLook, "recording what was found", m.record); err != nil {
		return Result{}, err
	}
	result := m.result(Verdict(decided.Verdict), decided.Reasons...)
	result.Findings = m.evidence.Findings
	var did string
	var err error
	switch decided.Verdict {
	case monitor.Retrain:
		did, err = m.train(ctx, startedBy(decided))
	case monitor.RolledBack:
		did, err = m.goBack(ctx, *m.evidence.Better)
	case monitor.Nothing, monitor.Alert, monitor.Review:
	}
	if did != "" {
		result.Reasons = append(result.Reasons, did)
	}
	return result, err
}

// observe gathers the evidence.
func (m *monitoring) observe(ctx workflow.Context) (err error) {
	m.spec, err = do(ctx, &m.run, activities.LoadPipeline, "reading the pipeline spec", activities.PipelineInput{Pipeline: m.input.Pipeline})
	if err != nil {
		return err
	}
	m.known = m.spec.Source.Known(m.input.AsOf, workflow.Now(ctx))
	m.ref, err = do(ctx, &m.run, activities.FindReference, "finding what serves, and what it is held against", activities.ReferenceInput{
		Pipeline: m.input.Pipeline, AsOf: m.known, Data: m.input.Data, Now: workflow.Now(ctx), Monitor: m.spec.Monitor,
	})
	if err != nil {
		return err
	}
	m.evidence = monitor.Evidence{Champion: m.ref.Champion(), MinRows: int64(m.spec.Monitor.MinRows), Changing: m.ref.Changing, Held: m.ref.Held}
	m.record.Look = registry.Look{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Pipeline: m.input.Pipeline, After: m.ref.After, AsOf: m.known, Data: m.input.Data, Champion: m.ref.Champion(),
	}
	if m.spec.Refused != "" {
		m.found(monitor.Finding{Kind: monitor.OfSchema, Statistic: "schema", Message: m.spec.Refused, Meaning: true})
	}
	if m.ref.Champion() == 0 {
		return nil
	}
	m.concerns(ctx, m.ref.Champion(), m.ref.Contenders[0].Bundle.SHA256)
	fresh, err := m.fresh(ctx)
	if err != nil {
		return err
	}
	if err := m.asked(ctx); err != nil {
		return err
	}
	return m.judge(ctx, fresh)
}

func (m *monitoring) found(findings ...monitor.Finding) {
	m.evidence.Findings = append(m.evidence.Findings, findings...)
}

// fresh reads the rows that no look has seen, and holds them against the schema and against what the champion was made of.
func (m *monitoring) fresh(ctx workflow.Context) (rows activities.ExtractOutput, err error) {
	rows, err = do(ctx, &m.run, activities.ExtractData, "reading the rows that are new", m.extract(m.ref.After))
	if err != nil {
		return rows, err
	}
	m.evidence.Rows, m.record.Look.Rows = rows.Rows, rows.Rows
	if rows.Rows+rows.Refused == 0 {
		m.skip(ctx, "there are no new rows", activities.ValidateData.Name, activities.FindSchemaChanges.Name, activities.MeasureDrift.Name)
		return rows, nil
	}
	against := m.spec.Validation(rows, m.known)
	against.Young = true
	validated, err := do(ctx, &m.run, activities.ValidateData, "holding them against the schema", against)
	if err != nil {
		return rows, err
	}
	schema, err := do(ctx, &m.run, activities.FindSchemaChanges, "finding what the schema does not know",
		activities.SchemaLookInput{Report: validated.Report, Change: validated.Change})
	if err != nil {
		return rows, err
	}
	m.found(schema.Findings...)
	if rows.Rows < m.evidence.MinRows {
		m.skip(ctx, fmt.Sprintf("not enough data: %d rows, %d are wanted", rows.Rows, m.evidence.MinRows), activities.MeasureDrift.Name)
		return rows, nil
	}
	drift, err := do(ctx, &m.run, activities.MeasureDrift, "holding them against what the champion was made of", activities.DriftInput{
		Schema: m.spec.Schema.Ref, Reference: m.ref.Dataset, Fresh: rows.Dataset, Champion: m.ref.Contenders[0].Bundle, Monitor: m.spec.Monitor, Tested: m.ref.Tested,
	})
	if err != nil {
		return rows, err
	}
	m.found(drift.Findings...)
	m.record.Drift, m.record.Look.Enough, m.record.Look.Tested = &drift.JSON, true, drift.Tested
	return rows, nil
}

// asked looks at what clients were refused for. A gateway that is away is no reason not to look at all else.
func (m *monitoring) asked(ctx workflow.Context) error {
	refused, err := do(ctx, &m.run, activities.FindRefusals, "finding what clients are refused for",
		activities.RefusalsInput{Pipeline: m.input.Pipeline, Before: m.ref.Refusals})
	if failedWith(err, fault.Unavailable) {
		m.end(ctx, activities.FindRefusals.Name, StepSkipped, cause(err))
		return nil
	}
	m.found(refused.Findings...)
	m.record.Look.Refusals = refused.Counts
	return err
}

// judge scores the champion and the versions before it on outcomes that have matured, and on the fresh rows.
func (m *monitoring) judge(ctx workflow.Context, fresh activities.ExtractOutput) error {
	outcomes := fresh
	if m.ref.JudgedUntil != m.ref.After {
		var err error
		outcomes, err = do(ctx, &m.run, activities.ExtractOutcomes, "reading what has become of applicants", m.extract(m.ref.JudgedUntil))
		if err != nil {
			return err
		}
	} else {
		m.end(ctx, activities.ExtractOutcomes.Name, StepSkipped, "they are those that are new")
	}
	if outcomes.Rows == 0 {
		m.skip(ctx, "there are no rows", activities.MeasurePerformance.Name)
		return nil
	}
	measured, err := do(ctx, &m.run, activities.MeasurePerformance, "measuring the champion and the versions before it", activities.PerformanceInput{
		Pipeline: m.input.Pipeline, Schema: m.spec.Schema.Ref, Test: m.ref.Test, Reference: m.ref.Dataset, Fresh: fresh.Dataset, Outcomes: outcomes.Dataset,
		Contenders: m.ref.Contenders, KnownAt: m.known, Monitor: m.spec.Monitor, Nth: m.ref.Nth,
	})
	if err != nil {
		return err
	}
	m.found(measured.Findings...)
	m.evidence.Matured, m.evidence.Better, m.record.Look.Matured = measured.Matured, measured.Better, measured.Matured
	m.record.Performance = &measured.JSON
	return nil
}

// extract is what reads the rows after a day.
func (m *monitoring) extract(after string) activities.ExtractInput {
	return activities.ExtractInput{
		Schema: m.spec.Schema.Ref, Version: m.spec.Schema.Version, Source: m.spec.Source, Outcomes: m.spec.Outcomes, Limits: m.spec.Limits, Data: m.input.Data, Uploads: m.input.Uploads,
		AsOf: m.known, After: after, KnownAt: m.known,
	}
}

// startedBy is what the run says that a look starts.
func startedBy(decided monitor.Decision) registry.Trigger {
	if decided.NewData {
		return registry.ByNewData
	}
	return registry.ByMonitor
}

// train starts the pipeline's training and does not wait for it. Where one runs already, another follows it.
func (m *monitoring) train(ctx workflow.Context, trigger registry.Trigger) (string, error) {
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	var triggered Triggered
	err := workflow.ExecuteChildWorkflow(outliving(ctx, "trigger-"+run, "train "+m.input.Pipeline), TriggerName,
		TriggerInput{Run: TrainingRun, Pipeline: m.input.Pipeline, Trigger: trigger, Actor: "monitor", Cause: run, AsOf: m.input.AsOf}).Get(ctx, &triggered)
	switch triggered.Outcome {
	case TriggerStarted:
		return "a training is started, see " + triggered.WorkflowID, err
	case TriggerKept, TriggerKeptAlready:
		return "a training runs; another one follows it", err
	}
	return "", err
}

// goBack gives traffic back to an older version: at once where it still runs, else by a delivery.
func (m *monitoring) goBack(ctx workflow.Context, to monitor.Better) (string, error) {
	reason := fmt.Sprintf("monitor %s: %s", writer(ctx), to.Message)
	var done Result
	summary := fmt.Sprintf("roll %s back to version %d", m.input.Pipeline, to.Version)
	err := workflow.ExecuteChildWorkflow(outliving(ctx, RollbackID(m.input.Pipeline), summary), RollbackName, RollbackInput{
		Model: m.input.Pipeline, Wanted: shift.Wanted{Version: to.Version, Policy: to.Policy}, Actor: "monitor", Reason: reason,
	}).Get(ctx, &done)
	if alreadyRuns(err) {
		return "a rollback is under way; the next look tries again", nil
	}
	if !failedWith(err, fault.Refused) {
		return fmt.Sprintf("version %d serves again", to.Version), err
	}
	input := DeliveryInput{Model: m.input.Pipeline, Version: to.Version, Policy: to.Policy, Trigger: registry.ByMonitor, Actor: "monitor"}
	summary = fmt.Sprintf("deliver %s version %d again", m.input.Pipeline, to.Version)
	delivery := workflow.ExecuteChildWorkflow(outliving(ctx, DeliveryID(m.input.Pipeline), summary), ContinuousDeliveryName, input)
	err = delivery.GetChildWorkflowExecution().Get(ctx, nil)
	if alreadyRuns(err) {
		return "another delivery is under way; the next look tries again", nil
	}
	return fmt.Sprintf("version %d does not run any more and is being delivered, see %s", to.Version, DeliveryID(m.input.Pipeline)), err
}
