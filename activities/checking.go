package activities

import (
	"context"
	"fmt"

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
	// Outcomes are those of a source of their own.
	Outcomes *dataset.Outcomes `json:"outcomes,omitempty"`
	// Undated are rows of no day.
	Undated int64 `json:"undated,omitempty"`
}

// ValidateInput is what was seen of a dataset, and what should be.
type ValidateInput struct {
	Schema  artifact.Ref `json:"schema"`
	Dataset artifact.Ref `json:"dataset"`
	Facts   artifact.Ref `json:"facts"`
	// Unused are columns that are recorded already.
	Unused     []string            `json:"unused,omitempty"`
	Quarantine pipeline.Quarantine `json:"quarantine"`
	Evolve     pipeline.Evolve     `json:"evolve"`
	Rules      []pipeline.Rule     `json:"rules,omitempty"`
	KnownAt    string              `json:"known_at"`
	// Young says that the rows are looked at and not trained on: nobody expects labels of them, and of few of them a share says little.
	Young bool `json:"young,omitempty"`
}

// ValidateOutput says whether the data may be trained on. Errors refuse, warnings are told.
type ValidateOutput struct {
	Report artifact.Ref `json:"report"` // JSON
	// Duplicates is how many rows equal an earlier one in every column.
	Duplicates int64 `json:"duplicates"`
	// Change is what the rows would make of the schema; nil when they are as it says.
	Change   *SchemaChange `json:"change,omitempty"`
	Errors   []string      `json:"errors"`
	Warnings []string      `json:"warnings"`
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

// ProfileInput is what was seen of a dataset, and what validation found.
type ProfileInput struct {
	Facts  artifact.Ref `json:"facts"`
	Report artifact.Ref `json:"report"`
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

// Checking validates, profiles and splits the extracted rows.
type Checking struct {
	Cache     StepCache
	Warehouse Warehouse
	// Page renders a profile for people, with what validation found.
	Page func(profile.Profile, dataset.Report) ([]byte, error)
}

// Validate judges what was seen of the rows. Errors are returned as a result: they refuse, nothing is broken.
func (c *Checking) Validate(ctx context.Context, in ValidateInput) (ValidateOutput, error) {
	return cached(ctx, c.Cache, ValidateData, in, c.validate)
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
	report, err := getJSON[dataset.Report](ctx, c.Cache.Objects, in.Report)
	if err != nil {
		return ProfileOutput{}, err
	}
	page, err := c.Page(seen.Profile, report)
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
