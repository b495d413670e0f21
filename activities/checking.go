package activities

import (
	"context"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// Checking validates, profiles and splits the extracted table.
type Checking struct {
	Memory
	Warehouse Warehouse
}

// shape is the part of a spec that says what the columns are. Policy, gates and delivery are not in it: changing them must
// not make a step run again.
func shape(spec pipeline.Spec) any {
	return []any{spec.Name, spec.Label, spec.Entity, spec.Time, spec.Protected, spec.Ignore, spec.Columns}
}

// Validate holds the table against the spec. Errors are returned as a result: they refuse, nothing is broken.
func (c *Checking) Validate(ctx context.Context, in DatasetInput) (ValidateOutput, error) {
	out, hit, err := remember(ctx, c.Memory, ValidateData, validateVersion, []any{in.Dataset.SHA256, shape(in.Spec), in.AsOf},
		func(out ValidateOutput) []artifact.Ref { return []artifact.Ref{out.Report} },
		func() (ValidateOutput, error) {
			table, asOf, err := c.read(ctx, in)
			if err != nil {
				return ValidateOutput{}, err
			}
			report := dataset.Validate(in.Spec, table, asOf)
			ref, err := putJSON(ctx, c.Objects, report)
			return ValidateOutput{Report: ref, Errors: report.Messages(dataset.Error), Warnings: report.Messages(dataset.Warning)}, err
		})
	out.Cached = hit
	return out, err
}

// Profile describes every column.
func (c *Checking) Profile(ctx context.Context, in DatasetInput) (ProfileOutput, error) {
	out, hit, err := remember(ctx, c.Memory, ProfileData, profileVersion, []any{in.Dataset.SHA256, shape(in.Spec)},
		func(out ProfileOutput) []artifact.Ref { return []artifact.Ref{out.JSON, out.HTML} },
		func() (ProfileOutput, error) {
			table, err := getTable(ctx, c.Objects, in.Dataset)
			if err != nil {
				return ProfileOutput{}, err
			}
			profile, page, err := c.Warehouse.Profile(ctx, table, in.Spec)
			if err != nil {
				return ProfileOutput{}, err
			}
			var out ProfileOutput
			if out.JSON, err = c.Objects.Put(ctx, profile, jsonType, "json"); err != nil {
				return out, err
			}
			out.HTML, err = c.Objects.Put(ctx, page, htmlType, "html")
			return out, err
		})
	out.Cached = hit
	return out, err
}

// Split divides the rows with a known, matured label into three disjoint parts.
func (c *Checking) Split(ctx context.Context, in DatasetInput) (SplitOutput, error) {
	out, hit, err := remember(ctx, c.Memory, SplitData, splitVersion, []any{in.Dataset.SHA256, shape(in.Spec), in.Spec.Split, in.AsOf},
		func(out SplitOutput) []artifact.Ref { return []artifact.Ref{out.Train, out.Validation, out.Test} },
		func() (SplitOutput, error) {
			table, asOf, err := c.read(ctx, in)
			if err != nil {
				return SplitOutput{}, err
			}
			train, validation, test, err := dataset.Split(in.Spec, table, asOf)
			if err != nil {
				return SplitOutput{}, err
			}
			return c.putParts(ctx, train, validation, test)
		})
	out.Cached = hit
	return out, err
}

func (c *Checking) putParts(ctx context.Context, train, validation, test dataset.Table) (SplitOutput, error) {
	out := SplitOutput{TrainRows: train.Rows(), ValidationRows: validation.Rows(), TestRows: test.Rows()}
	for _, part := range []struct {
		table dataset.Table
		ref   *artifact.Ref
	}{{train, &out.Train}, {validation, &out.Validation}, {test, &out.Test}} {
		ref, err := putTable(ctx, c.Objects, part.table)
		if err != nil {
			return out, err
		}
		*part.ref = ref
	}
	return out, nil
}

func (c *Checking) read(ctx context.Context, in DatasetInput) (dataset.Table, time.Time, error) {
	asOf, err := day(in.AsOf)
	if err != nil {
		return dataset.Table{}, asOf, err
	}
	table, err := getTable(ctx, c.Objects, in.Dataset)
	return table, asOf, err
}
