package activities

import (
	"context"
	"fmt"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// ValidateInput is a table and what it should be.
type ValidateInput struct {
	Schema  artifact.Ref `json:"schema"`
	Dataset artifact.Ref `json:"dataset"`
	AsOf    string       `json:"as_of"`
}

// ValidateOutput says whether the data may be trained on. Errors refuse, warnings are told.
type ValidateOutput struct {
	Report   artifact.Ref `json:"report"` // JSON
	Errors   []string     `json:"errors"`
	Warnings []string     `json:"warnings"`
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

// ProfileInput is a table to describe.
type ProfileInput struct {
	Schema  artifact.Ref `json:"schema"`
	Dataset artifact.Ref `json:"dataset"`
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
	AsOf    string         `json:"as_of"`
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

// Checking validates, profiles and splits the extracted table.
type Checking struct {
	Cache     StepCache
	Warehouse Warehouse
	// Page renders a profile for people.
	Page func(profile.Profile) ([]byte, error)
}

// Validate holds the table against the spec. Errors are returned as a result: they refuse, nothing is broken.
func (c *Checking) Validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	return cached(ctx, c.Cache, ValidateData, in, c.validate)
}

func (c *Checking) validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	asOf, err := day(in.AsOf)
	if err != nil {
		return ValidateOutput{}, err
	}
	spec, table, err := c.read(ctx, in.Schema, in.Dataset)
	if err != nil {
		return ValidateOutput{}, err
	}
	report := dataset.Validate(spec, table, asOf)
	ref, err := putJSON(ctx, c.Cache.Objects, report)
	return ValidateOutput{Report: ref, Errors: report.Messages(dataset.Error), Warnings: report.Messages(dataset.Warning)}, err
}

// Profile describes every column.
func (c *Checking) Profile(ctx context.Context, in ProfileInput) (ProfileOutput, error) {
	return cached(ctx, c.Cache, ProfileData, in, c.profile)
}

func (c *Checking) profile(ctx context.Context, in ProfileInput) (ProfileOutput, error) {
	spec, table, err := c.read(ctx, in.Schema, in.Dataset)
	if err != nil {
		return ProfileOutput{}, err
	}
	described, err := c.Warehouse.Profile(ctx, table, spec)
	if err != nil {
		return ProfileOutput{}, err
	}
	page, err := c.Page(described)
	if err != nil {
		return ProfileOutput{}, err
	}
	var out ProfileOutput
	if out.JSON, err = putJSON(ctx, c.Cache.Objects, described); err != nil {
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
	asOf, err := day(in.AsOf)
	if err != nil {
		return SplitOutput{}, err
	}
	spec, table, err := c.read(ctx, in.Schema, in.Dataset)
	if err != nil {
		return SplitOutput{}, err
	}
	spec.Split = in.Split
	train, validation, test, err := dataset.Split(spec, table, asOf)
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
	t, err := getTable(ctx, c.Cache.Objects, table)
	return spec, t, err
}
