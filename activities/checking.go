package activities

import (
	"context"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// facts are what was seen of the rows while they were extracted.
type facts struct {
	Checked dataset.Checked `json:"checked"`
	Columns []dataset.Field `json:"columns"`
	Profile profile.Profile `json:"profile"`
}

// ValidateInput is what was seen of a dataset, and what should be.
type ValidateInput struct {
	Schema     artifact.Ref        `json:"schema"`
	Dataset    artifact.Ref        `json:"dataset"`
	Facts      artifact.Ref        `json:"facts"`
	Quarantine pipeline.Quarantine `json:"quarantine"`
	Rules      []pipeline.Rule     `json:"rules,omitempty"`
	KnownAt    string              `json:"known_at"`
}

// ValidateOutput says whether the data may be trained on. Errors refuse, warnings are told.
type ValidateOutput struct {
	Report artifact.Ref `json:"report"` // JSON
	// Duplicates is how many rows equal an earlier one in every column.
	Duplicates int64    `json:"duplicates"`
	Errors     []string `json:"errors"`
	Warnings   []string `json:"warnings"`
	Reused
}

// Summary counts what was found.
func (o ValidateOutput) Summary() string {
	return fmt.Sprintf("%d errors, %d warnings%s", len(o.Errors), len(o.Warnings), o.mark())
}

// Artifacts is the report.
func (o ValidateOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.ValidationReport: o.Report}
}

// ProfileInput is what was seen of a dataset.
type ProfileInput struct {
	Facts artifact.Ref `json:"facts"`
}

// ProfileOutput is the profile for people and for programs.
type ProfileOutput struct {
	JSON artifact.Ref `json:"json"`
	HTML artifact.Ref `json:"html"`
	Reused
}

// Summary says what there is to read.
func (o ProfileOutput) Summary() string { return "profile as JSON and HTML" + o.mark() }

// Artifacts are both forms.
func (o ProfileOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Profile: o.JSON, artifact.ProfileHTML: o.HTML}
}

// SplitInput is a table to divide, and how.
type SplitInput struct {
	Schema  artifact.Ref   `json:"schema"`
	Dataset artifact.Ref   `json:"dataset"`
	Split   pipeline.Split `json:"split"`
	KnownAt string         `json:"known_at"`
}

// SplitOutput is the three disjoint parts.
type SplitOutput struct {
	Train          artifact.Ref `json:"train"`
	Validation     artifact.Ref `json:"validation"`
	Test           artifact.Ref `json:"test"`
	TrainRows      int          `json:"train_rows"`
	ValidationRows int          `json:"validation_rows"`
	TestRows       int          `json:"test_rows"`
	Reused
}

// Summary says how large the parts are.
func (o SplitOutput) Summary() string {
	return fmt.Sprintf("train %d, validation %d, test %d rows%s", o.TrainRows, o.ValidationRows, o.TestRows, o.mark())
}

// Artifacts are the parts.
func (o SplitOutput) Artifacts() map[string]artifact.Ref {
	return map[string]artifact.Ref{artifact.Train: o.Train, artifact.Validation: o.Validation, artifact.Test: o.Test}
}

// Checking validates, profiles and splits the extracted rows.
type Checking struct {
	Cache     StepCache
	Warehouse Warehouse
	// Page renders a profile for people.
	Page func(profile.Profile) ([]byte, error)
}

// Validate judges what was seen of the rows. Errors are returned as a result: they refuse, nothing is broken.
func (c *Checking) Validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	return cached(ctx, c.Cache, ValidateData, in, c.validate)
}

func (c *Checking) validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return ValidateOutput{}, err
	}
	spec, err := getSchema(ctx, c.Cache.Objects, in.Schema)
	if err != nil {
		return ValidateOutput{}, err
	}
	spec.Schema.Quarantine = in.Quarantine
	seen, err := getJSON[facts](ctx, c.Cache.Objects, in.Facts)
	if err != nil {
		return ValidateOutput{}, err
	}
	report := dataset.NewValidator(spec, knownAt).Judge(seen.Checked, seen.Columns)
	m, paths, err := parts(ctx, c.Cache.Objects, in.Dataset)
	if err != nil {
		return ValidateOutput{}, err
	}
	if !slices.ContainsFunc(m.Columns, func(f dataset.Field) bool { return f.Name == spec.Entity }) {
		spec.Entity = ""
	}
	var out ValidateOutput
	if len(paths) > 0 {
		if out.Duplicates, err = c.repeats(ctx, paths, spec.Entity, &report); err != nil {
			return out, err
		}
		if err := c.broken(ctx, paths, in.Rules, spec.Entity, &report); err != nil {
			return out, err
		}
	}
	out.Errors, out.Warnings = report.Messages(dataset.Error), report.Messages(dataset.Warning)
	out.Report, err = putJSON(ctx, c.Cache.Objects, report)
	return out, err
}

// broken notes the rows that break rules across columns.
func (c *Checking) broken(ctx context.Context, paths []string, rules []pipeline.Rule, entity string, report *dataset.Report) error {
	if len(rules) == 0 {
		return nil
	}
	found, err := c.Warehouse.Broken(ctx, paths, rules, entity)
	for i := range found {
		report.Broken(rules[i], found[i])
	}
	return err
}

// repeats notes repeated entities and counts the rows that equal an earlier one.
func (c *Checking) repeats(ctx context.Context, paths []string, entity string, report *dataset.Report) (duplicates int64, err error) {
	if entity != "" {
		repeated, err := c.Warehouse.Repeated(ctx, paths, entity)
		if err != nil || repeated == 0 {
			return 0, err // rows of different entities are not equal
		}
		report.Repeated(entity, repeated)
	}
	if duplicates, err = c.Warehouse.Duplicates(ctx, paths); err == nil {
		report.Duplicates(duplicates)
	}
	return duplicates, err
}

// Profile describes every column.
func (c *Checking) Profile(ctx context.Context, in ProfileInput) (ProfileOutput, error) {
	return cached(ctx, c.Cache, ProfileData, in, c.profile)
}

func (c *Checking) profile(ctx context.Context, in ProfileInput) (ProfileOutput, error) {
	seen, err := getJSON[facts](ctx, c.Cache.Objects, in.Facts)
	if err != nil {
		return ProfileOutput{}, err
	}
	page, err := c.Page(seen.Profile)
	if err != nil {
		return ProfileOutput{}, err
	}
	var out ProfileOutput
	if out.JSON, err = putJSON(ctx, c.Cache.Objects, seen.Profile); err != nil {
		return out, err
	}
	out.HTML, err = c.Cache.Objects.Put(ctx, page, htmlType, "html")
	return out, err
}

// Split divides the rows with a known, matured label into three disjoint parts.
func (c *Checking) Split(ctx context.Context, in SplitInput) (SplitOutput, error) {
	return cached(ctx, c.Cache, SplitData, in, c.split)
}

func (c *Checking) split(ctx context.Context, in SplitInput) (SplitOutput, error) {
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return SplitOutput{}, err
	}
	spec, table, err := c.read(ctx, in.Schema, in.Dataset)
	if err != nil {
		return SplitOutput{}, err
	}
	spec.Split = in.Split
	train, validation, test, err := dataset.Split(spec, table, knownAt)
	if err != nil {
		return SplitOutput{}, err
	}
	return c.putParts(ctx, train, validation, test)
}

func (c *Checking) putParts(ctx context.Context, train, validation, test dataset.Table) (SplitOutput, error) {
	out := SplitOutput{TrainRows: train.Rows(), ValidationRows: validation.Rows(), TestRows: test.Rows()}
	for _, part := range []struct {
		table dataset.Table
		ref   *artifact.Ref
	}{{train, &out.Train}, {validation, &out.Validation}, {test, &out.Test}} {
		ref, err := putTable(ctx, c.Cache.Objects, part.table)
		if err != nil {
			return out, err
		}
		*part.ref = ref
	}
	return out, nil
}

func (c *Checking) read(ctx context.Context, schema, table artifact.Ref) (pipeline.Spec, dataset.Table, error) {
	spec, err := getSchema(ctx, c.Cache.Objects, schema)
	if err != nil {
		return spec, dataset.Table{}, err
	}
	t, err := ReadTable(ctx, c.Cache.Objects, table)
	return spec, t, err
}
