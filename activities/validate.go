package activities

import (
	"context"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/statistics"
)

func (c *Checking) validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return ValidateOutput{}, err
	}
	current, err := getJSON[schema.Schema](ctx, c.Cache.Objects, in.Schema)
	if err != nil {
		return ValidateOutput{}, err
	}
	seen, err := getJSON[facts](ctx, c.Cache.Objects, in.Facts)
	if err != nil {
		return ValidateOutput{}, err
	}
	spec := current.Spec()
	spec.Schema.Quarantine = in.Quarantine
	whole, err := c.lookAtAll(ctx, in, spec)
	if err != nil {
		return ValidateOutput{}, err
	}
	of, exceeds := dataset.NewValidator(spec, knownAt).Judge, statistics.Exceeds(statistics.Above)
	if in.Young {
		of, exceeds = dataset.NewValidator(spec, knownAt).JudgeYoung, statistics.BeyondChance
	}
	judge := func(checked dataset.Checked) dataset.Report {
		report := of(checked, seen.Columns)
		whole.tell(&report, spec, in.Rules)
		if seen.Outcomes != nil {
			report.Outcomes(*seen.Outcomes, in.Quarantine.MaxShare, exceeds)
		}
		return report
	}
	evolution := schema.Evolve(current, seen.Checked, seen.Columns, in.Unused, in.Evolve.MaxShare, exceeds)
	report := judge(evolution.Rest(seen.Checked))
	out := ValidateOutput{Duplicates: whole.duplicates}
	becomes, change := evolution.Schema, &SchemaChange{Unused: evolution.Unused, Words: evolution.Words()}
	if refused := len(report.Messages(dataset.Error)) > 0; refused {
		report = judge(seen.Checked) // nothing evolves: all is told
		var changes []schema.Change
		becomes, changes = schema.Propose(current, in.Rules, seen.Checked, seen.Columns)
		change = &SchemaChange{Words: schema.Words(changes), Breaking: true}
	}
	if len(change.Words) > 0 {
		if change.Schema, err = putJSON(ctx, c.Cache.Objects, becomes); err != nil {
			return out, err
		}
		out.Change = change
	}
	if !change.Breaking {
		for _, c := range evolution.Changes { // of new columns the report speaks already
			report.Evolves(c.Column, evolution.Rows(c), c.Words())
		}
	}
	out.Errors, out.Warnings = report.Messages(dataset.Error), report.Messages(dataset.Warning)
	out.Report, err = putJSON(ctx, c.Cache.Objects, report)
	return out, err
}

// wholeFindings are of what needs all rows at once.
type wholeFindings struct {
	entity     string // the entity column, where the rows have it
	repeated   int64  // rows that repeat an entity
	duplicates int64  // rows that equal an earlier one in every column
	broken     []dataset.Breach
}

func (c *Checking) lookAtAll(ctx context.Context, in ValidateInput, spec pipeline.Spec) (found wholeFindings, err error) {
	m, paths, err := parts(ctx, c.Cache.Objects, in.Dataset)
	if err != nil || len(paths) == 0 {
		return found, err
	}
	has := func(name string) bool {
		return slices.ContainsFunc(m.Columns, func(f dataset.Field) bool { return f.Name == name })
	}
	if has(spec.Entity) {
		found.entity = spec.Entity
		if found.repeated, err = c.Warehouse.Repeated(ctx, paths, spec.Entity); err != nil {
			return found, err
		}
	}
	if found.entity == "" || found.repeated > 0 { // rows of different entities are not equal
		if found.duplicates, err = c.Warehouse.Duplicates(ctx, paths); err != nil {
			return found, err
		}
	}
	complete := !slices.ContainsFunc(spec.Columns, func(c pipeline.Column) bool { return !has(c.Name) })
	if len(in.Rules) > 0 && complete { // a rule may be about what is missing, and that refuses by itself
		found.broken, err = c.Warehouse.Broken(ctx, paths, in.Rules, found.entity)
	}
	return found, err
}

// tell adds what was found to a report.
func (f wholeFindings) tell(report *dataset.Report, spec pipeline.Spec, rules []pipeline.Rule) {
	report.Repeated(spec.Entity, f.repeated)
	report.Duplicates(f.duplicates)
	for i := range f.broken {
		report.Broken(rules[i], f.broken[i])
	}
}
