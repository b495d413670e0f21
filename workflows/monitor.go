package workflows

import (
	"cmp"
	"fmt"
	"slices"

	"go.temporal.io/sdk/workflow"

	"github.com/loanops/loanops/activities"
	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
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
}

// Monitor looks at what serves: at the rows that are new since the champion was made, or since the last look, and at outcomes that have matured.
// It finds what changed, comes to one verdict, and does what that says: nothing, tell people, train, go back to a better version.
func Monitor(ctx workflow.Context, input MonitorInput) (Result, error) {
	if input.Pipeline == "" {
		return Result{}, usage(`"pipeline" is missing; give {"pipeline":"loan-eligibility"}`)
	}
	if err := checkDay(input.AsOf); err != nil {
		return Result{}, err
	}
	input.Trigger = cmp.Or(input.Trigger, registry.ByHand)
	m := &monitoring{input: input}
	m.run = newRun(activities.Data, input.Pipeline, input.Trigger, m.standing,
		activities.LoadPipeline.Name, activities.FindReference.Name, activities.ExtractData.Name, activities.ValidateData.Name, activities.FindSchemaChanges.Name,
		activities.MeasureDrift.Name, activities.FindRefusals.Name, activities.CheckSkew.Name, activities.ExtractOutcomes.Name, activities.MeasurePerformance.Name, activities.RecordLook.Name)
	return m.execute(ctx, m.look)
}

// monitoring is the state of one run.
type monitoring struct {
	run
	input    MonitorInput
	spec     activities.PipelineOutput
	known    string // the day of the look
	whole    string // the last day of which all rows are there
	ref      activities.ReferenceOutput
	evidence monitor.Evidence
	did      acted
	record   activities.LookInput
	// features are what the offline store holds of the views of the spec's features.
	features []artifact.Ref
}

// look takes one step after the other, does what that comes to, and records both. From then on nothing stops it: a verdict that is recorded was acted
// upon as it says, and what was done is recorded and told.
func (m *monitoring) look(ctx workflow.Context) (Result, error) {
	err := m.observe(ctx)
	if err == nil {
		err = ctx.Err() // somebody's abort may have come together with the last answer
	}
	if err != nil {
		return Result{}, err
	}
	last, release := workflow.NewDisconnectedContext(ctx)
	defer release()
	m.committed = "what was found is being acted upon; roll back, or abort the training, when that is regretted"
	decided := monitor.Decide(m.spec.Monitor.On, m.evidence)
	m.looked = decided.About
	m.did = m.act(last, decided)
	if m.did.words != "" {
		decided.Reasons = append(decided.Reasons, m.did.words)
	}
	look := &m.record.Look
	result := m.result(Verdict(m.did.verdict), decided.Reasons...)
	look.Verdict, look.Reasons, look.Findings, look.Done, look.BackTo = m.did.verdict, result.Reasons, m.evidence.Findings, m.did.done, m.did.backTo
	if _, err := insist(last, &m.run, activities.RecordLook, "recording what was found, and done", m.record, append(slices.Clone(inVain), fault.Internal)...); err != nil {
		return Result{}, err
	}
	result.Findings = append([]monitor.Finding{}, look.Findings...)
	return result, nil
}

// observe gathers the evidence.
func (m *monitoring) observe(ctx workflow.Context) (err error) {
	m.spec, err = do(ctx, &m.run, activities.LoadPipeline, "reading the pipeline spec", activities.PipelineInput{Pipeline: m.input.Pipeline})
	if err != nil {
		return err
	}
	if m.known, err = knownOn(ctx, &m.spec.Source, m.input.Data, m.input.AsOf); err != nil {
		return err
	}
	if m.whole = m.known; m.input.Data == "" {
		m.whole = m.spec.Source.Whole(m.known, workflow.Now(ctx))
	}
	m.ref, err = do(ctx, &m.run, activities.FindReference, "finding what serves, and what it is held against", activities.ReferenceInput{
		Pipeline: m.input.Pipeline, AsOf: m.known, Data: m.input.Data, Now: workflow.Now(ctx), Monitor: m.spec.Monitor, Delivery: DeliveryID(m.input.Pipeline),
	})
	if err != nil {
		return err
	}
	m.evidence = monitor.Evidence{Champion: m.ref.Champion(), MinRows: int64(m.spec.Monitor.MinRows), Changing: m.ref.Changing, Held: m.ref.Held}
	m.record.Look = registry.Look{
		RunID: workflow.GetInfo(ctx).WorkflowExecution.RunID, Pipeline: m.input.Pipeline, After: m.ref.After, AsOf: m.known, Data: m.input.Data, Champion: m.ref.Champion(),
	}
	if m.spec.Refused != "" {
		m.found(monitor.Unaccepted(m.spec.Refused))
	}
	if m.ref.Champion() == 0 {
		return nil
	}
	m.concerns(ctx, m.ref.Champion(), m.ref.Contenders[0].Bundle.SHA256)
	if m.features, err = m.compute(ctx, m.spec.Views); err != nil {
		return err
	}
	fresh, err := m.fresh(ctx)
	if err != nil {
		return err
	}
	if err := m.asked(ctx); err != nil {
		return err
	}
	if err := m.skew(ctx); err != nil {
		return err
	}
	return m.judge(ctx, fresh)
}

// skew compares what the feature store tells decisions with what it tells trainings.
func (m *monitoring) skew(ctx workflow.Context) error {
	if len(m.ref.Views) == 0 {
		m.skip(ctx, "the champion reads no features of the store", activities.CheckSkew.Name)
		return nil
	}
	out, err := do(ctx, &m.run, activities.CheckSkew, "comparing features online with those of the past", activities.SkewInput{Views: m.ref.Views, Now: feature.InstantOf(workflow.Now(ctx))})
	if err != nil {
		return err
	}
	m.found(out.Findings...)
	m.record.Skew = &out.JSON
	return nil
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
	m.evidence.Rows, m.record.Look.Rows, m.record.Look.Until, m.record.Look.Dataset = rows.Rows, rows.Rows, rows.Last, rows.Dataset.SHA256
	if m.input.Data == "" {
		days := rows.Days()
		m.record.Look.Days = &days
		m.found(monitor.Undated(m.ref.Time, days, m.ref.Days, rows.Rows+rows.Refused, m.spec.Quarantine.MaxShare)...)
	}
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
		Schema: m.spec.Schema.Ref, Reference: m.ref.Dataset, Fresh: rows.Dataset, Champion: m.ref.Contenders[0].Bundle, Monitor: m.spec.Monitor, Tested: m.ref.TestedBefore(rows.Dataset.SHA256),
	})
	if err != nil {
		return rows, err
	}
	m.found(drift.Findings...)
	m.record.Drift, m.record.Look.Enough, m.record.Look.Tested = &drift.JSON, true, drift.Tested
	return rows, nil
}

// asked looks at what clients were refused for. The gateway tells of today, and of what serves. That it is away is no reason not to look at all else.
func (m *monitoring) asked(ctx workflow.Context) error {
	today, err := knownOn(ctx, &m.spec.Source, m.input.Data, "")
	if current := err == nil && m.known == today; !current || m.input.Data != "" {
		m.skip(ctx, "the gateway tells of today, and the look is at something else", activities.FindRefusals.Name)
		return nil
	}
	refused, err := do(ctx, &m.run, activities.FindRefusals, "finding what clients are refused for",
		activities.RefusalsInput{Pipeline: m.input.Pipeline, Before: m.ref.Refusals, Now: workflow.Now(ctx)})
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
		read, err := do(ctx, &m.run, activities.ExtractOutcomes, "reading what has become of applicants", m.extract(m.ref.JudgedUntil))
		if err != nil {
			return err
		}
		outcomes = read.ExtractOutput
	} else {
		m.end(ctx, activities.ExtractOutcomes.Name, StepSkipped, "they are those that are new")
	}
	m.record.Look.Outcomes = outcomes.Dataset.SHA256
	if outcomes.Rows == 0 {
		m.skip(ctx, "there are no rows", activities.MeasurePerformance.Name)
		return nil
	}
	measured, err := do(ctx, &m.run, activities.MeasurePerformance, "measuring the champion and the versions before it", activities.PerformanceInput{
		Pipeline: m.input.Pipeline, Schema: m.spec.Schema.Ref, Test: m.ref.Test, Reference: m.ref.Dataset, Fresh: fresh.Dataset, Outcomes: outcomes.Dataset,
		Contenders: m.ref.Contenders, KnownAt: m.known, Monitor: m.spec.Monitor, Nth: m.ref.NthOf(fresh.Dataset.SHA256, outcomes.Dataset.SHA256), NthMeasured: m.ref.NthMeasuredOf(outcomes.Dataset.SHA256),
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
	reading := m.spec.Extraction(m.input.Data, m.input.Uploads, m.whole, after, m.known)
	reading.Features = m.features
	return reading
}
