package activities

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/canary"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/registry"
	"github.com/loanops/loanops/internal/report"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/swapset"
)

// ShiftOutput is what the candidate would do to verdicts and scores.
type ShiftOutput struct {
	// Change says it in words: how the approval rate would go, and on how many rows that rests.
	Change string `json:"change"`
	// Judged is what the rows say about the limit of the spec.
	Judged swapset.Outlook `json:"judged"`
	// NoRows says that there was nothing to predict on: no limit is met by that.
	NoRows bool `json:"no_rows,omitempty"`
	// Recleaned are the columns that one of the two cleans otherwise than the rows were: what it decides on them is not what it would decide on
	// clients' values, and no limit is met by that.
	Recleaned []string     `json:"recleaned,omitempty"`
	JSON      artifact.Ref `json:"json"`
	HTML      artifact.Ref `json:"html"`
	// Prediction is what a canary may expect; nil when nothing changes.
	Prediction *canary.Prediction `json:"prediction"`
}

// Summary is the change.
func (o ShiftOutput) Summary() string { return o.Change }

// Artifacts are the swap set for people and for programs.
func (o ShiftOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.SwapSet: o.JSON, artifact.SwapSetHTML: o.HTML}
}

// Refused says why the change needs a person's approval or another spec; empty when it is within the limit.
func (o ShiftOutput) Refused() string {
	if o.Judged == swapset.Within {
		return ""
	}
	advice := o.Change + ": let a person approve it (deploy.approval: required)"
	if o.NoRows || len(o.Recleaned) > 0 {
		return advice
	}
	return advice + ", or allow it (deploy.canary.max_verdict_shift)"
}

// side is one track's decisions.
type side struct {
	version registry.ModelVersion
	decider decision.Decider
	decided []decision.Decision
}

func (s side) contender() report.Contender {
	return report.Contender{Version: s.version.Version, Meaning: s.version.Meaning, Policy: s.decider.Policy}
}

// Predict decides the newest rows as champion and candidate would, each under its own policy. The rows are the test part of the newest
// version: the youngest whose outcomes are known where the spec splits by time.
func (c *Comparison) Predict(ctx context.Context, in ComparisonInput) (ShiftOutput, error) {
	spec, _, err := in.Candidate.read(ctx, c.Registry)
	if err != nil {
		return ShiftOutput{}, err
	}
	table, made, err := c.newestRows(ctx, in.Candidate.Model)
	if err != nil {
		return ShiftOutput{}, err
	}
	say(ctx, fmt.Sprintf("deciding %d rows twice", table.Rows()))
	champion, err := c.side(ctx, in.Candidate.Model, in.Champion.Version, in.Champion.Policy)
	if err != nil {
		return ShiftOutput{}, err
	}
	candidate, err := c.side(ctx, in.Candidate.Model, in.Candidate.Version, in.Candidate.Policy)
	if err != nil {
		return ShiftOutput{}, err
	}
	rows, byChampion, byCandidate, err := scoring.Both(table, champion.decider, candidate.decider)
	if err != nil {
		return ShiftOutput{}, err
	}
	champion.decided, candidate.decided = byChampion, byCandidate
	out, err := c.keep(ctx, spec, shown{rows: rows, made: made, leftOut: table.Rows() - rows.Rows()}, champion, candidate)
	if err == nil && out.Prediction != nil {
		out.Prediction.Synthetic, err = ofNobody(rows, champion, candidate)
	}
	return out, err
}

// shown are the rows that both sides decided.
type shown struct {
	rows    dataset.Table
	made    pipeline.Spec // whose cleaning they have
	leftOut int           // rows beside them
}

// recleaned are the columns that one of the sides cleans otherwise than the rows were. Raw rows are not kept, so that they cannot be cleaned its way.
func (s shown) recleaned(sides ...side) []string {
	var columns []string
	for _, by := range sides {
		columns = append(columns, by.decider.Model.Contract.CleanedOtherwise(s.made)...)
	}
	slices.Sort(columns)
	return slices.Compact(columns)
}

// newestRows are the test part of the newest version, and the schema that they were cleaned by.
func (c *Comparison) newestRows(ctx context.Context, model string) (rows dataset.Table, made pipeline.Spec, err error) {
	versions, err := c.Registry.Versions(ctx, model)
	if err != nil {
		return rows, made, err
	}
	if len(versions) == 0 {
		return rows, made, fault.New(fault.NotFound, "the model %q has no version: there are no rows to predict on", model)
	}
	if schema, known := versions[0].Artifacts[artifact.Schema]; known { // versions that have none are older than cleaning
		if made, err = getSchema(ctx, c.Objects, schema); err != nil {
			return rows, made, err
		}
	}
	rows, err = ReadTable(ctx, c.Objects, test(versions[0]))
	return rows, made, err
}

func (c *Comparison) side(ctx context.Context, model string, number int, policy string) (side, error) {
	version, err := c.Registry.Version(ctx, model, number)
	if err != nil {
		return side{}, err
	}
	d, err := decider(ctx, c.Registry, c.Objects, version, policy)
	return side{version: version, decider: d}, err
}

// keep compares the decisions and stores what comes of it.
func (c *Comparison) keep(ctx context.Context, spec pipeline.Spec, decided shown, champion, candidate side) (ShiftOutput, error) {
	rows, err := comparedBy(spec, decided, candidate.version.Meaning)
	if err != nil {
		return ShiftOutput{}, err
	}
	rows.LeftOut, rows.Recleaned = decided.leftOut, decided.recleaned(champion, candidate)
	rows.MeaningsDiffer = champion.version.Meaning != candidate.version.Meaning
	found, err := swapset.Compare(rows, champion.decided, candidate.decided)
	if err != nil {
		return ShiftOutput{}, err
	}
	limit := spec.Deploy.Canary.MaxVerdictShift
	page, err := c.Page(report.SwapSet{
		Name: spec.Name, Shift: found, Limit: limit, Champion: champion.contender(), Challenger: candidate.contender(),
	})
	if err != nil {
		return ShiftOutput{}, err
	}
	out := ShiftOutput{Prediction: expected(champion, candidate)}
	out.Judged, out.Change = found.Judge(limit)
	out.NoRows, out.Recleaned = found.Rows == 0, found.Recleaned
	if out.JSON, err = putJSON(ctx, c.Objects, found); err != nil {
		return out, err
	}
	out.HTML, err = c.Objects.Put(ctx, page, htmlType, "html")
	return out, err
}

// expected is what the canary is held against. The same bundle under the same meaning and policy changes nothing, which is exact.
func expected(champion, candidate side) *canary.Prediction {
	if champion.version.Digest == candidate.version.Digest && champion.version.Meaning == candidate.version.Meaning &&
		champion.decider.Policy.Digest() == candidate.decider.Policy.Digest() {
		return nil
	}
	p := &canary.Prediction{}
	for i := range champion.decided {
		p.Add(decidedAs(champion.decided[i]), decidedAs(candidate.decided[i]))
	}
	return p
}

func decidedAs(d decision.Decision) canary.Decided {
	return canary.Decided{Score: d.Probability, Approved: d.Verdict == decision.Approve}
}

// comparedBy are the outcomes of the rows, where labels say what became of a loan, and the first categories of the spec.
func comparedBy(spec pipeline.Spec, decided shown, meaning pipeline.Meaning) (swapset.Rows, error) {
	var rows swapset.Rows
	table := decided.rows
	for _, column := range spec.Columns {
		values := table.Column(column.Name)
		if column.Type == pipeline.Category && values != nil && values.Kind == dataset.Text && len(rows.Segments) < swapset.MaxSegments {
			rows.Segments = append(rows.Segments, swapset.Column{Name: column.Name, Values: values.Texts})
		}
	}
	// Where the spec has another label by now than these rows there are none: outcomes are for people, and the prediction needs none.
	if meaning != pipeline.MeaningDefault || spec.Label.Meaning != meaning || !spec.Label.Same(decided.made.Label) || table.Rows() == 0 {
		return rows, nil
	}
	labels, err := dataset.Label(spec, table, time.Time{})
	if err != nil {
		return rows, err
	}
	rows.Outcomes = make([]swapset.Outcome, len(labels))
	for i, label := range labels {
		switch {
		case math.IsNaN(label):
		case label == 1:
			rows.Outcomes[i] = swapset.Bad
		default:
			rows.Outcomes[i] = swapset.Good
		}
	}
	return rows, nil
}
