package activities

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/source"
)

// DataCheck is what a person at a desk learns of data: what the steps of a training say before anything is trained.
type DataCheck struct {
	Rows     CheckedRows       `json:"rows"`
	Findings []dataset.Finding `json:"findings"`
	Vetoes   []leak.Veto       `json:"vetoes"`
	Digest   string            `json:"digest"`   // of the dataset's manifest
	KnownAt  string            `json:"known_at"` // the day against which labels mature
	Notes    []string          `json:"notes"`
	// Refused says why a training would end here; empty when it would go on.
	Refused []string `json:"refused"`
	// Artifacts are what was made, by role.
	Artifacts map[string]artifact.Ref `json:"-"`
}

// CheckedRows counts rows on their way.
type CheckedRows struct {
	Read        int64 `json:"read"`        // from the source, after its own conditions and joins
	Cleaned     int64 `json:"cleaned"`     // that go on
	Quarantined int64 `json:"quarantined"` // that break a rule
	Duplicate   int64 `json:"duplicate"`   // among the cleaned, equal to an earlier one in every column
	Train       int   `json:"train"`
	Validation  int   `json:"validation"`
	Test        int   `json:"test"`
	Embargoed   int   `json:"embargoed,omitempty"` // in none of them, since they are within the embargo before a border of time
}

// Desk does the steps of a training that look at data, without a run of its own.
type Desk struct {
	Cache     StepCache
	Warehouse Warehouse
	// Views computes what views say of a sample's rows.
	Views  ViewWarehouse
	Folder string
	// Places is where the objects of a job without a platform lie.
	Places source.Places
	// Connection is the URL of a database that the spec names.
	Connection func(name string) (string, error)
	// Page renders a profile for people, with what validation found.
	Page func(profile.Profile, dataset.Report) ([]byte, error)
}

// Check takes a spec's rows, or those of data in their place, from files of this machine to a split dataset. What refuses them is part of the result.
func (d Desk) Check(ctx context.Context, spec pipeline.Spec, data string, today time.Time) (DataCheck, error) {
	spec.Source = spec.Source.Given(data)
	known, err := spec.Source.Known("", today)
	if err != nil {
		return DataCheck{}, err
	}
	local, err := source.Local(spec)
	if err != nil {
		return DataCheck{KnownAt: known}, err
	}
	uploads := map[string][]string{}
	for uri, files := range local {
		for _, f := range files {
			uploads[uri] = append(uploads[uri], f.Path)
		}
	}
	return d.check(ctx, spec, uploads, known, nil)
}

// extraction reads rows.
func (d Desk) extraction() Extraction {
	return Extraction{Cache: d.Cache, Warehouse: d.Warehouse, Folder: d.Folder, Places: d.Places, Connection: d.Connection}
}

// check does so with files where uploads say that they are, with what is known on that day, and with manifests of the views that features of the spec are of.
func (d Desk) check(ctx context.Context, spec pipeline.Spec, uploads map[string][]string, known string, views []artifact.Ref) (DataCheck, error) {
	loaded := taken(spec)
	var err error
	if loaded.Schema.Ref, err = putJSON(ctx, d.Cache.Objects, schema.Of(spec)); err != nil {
		return DataCheck{}, err
	}
	loaded.Schema.Version = 1
	out := DataCheck{KnownAt: known, Findings: []dataset.Finding{}, Vetoes: []leak.Veto{}, Notes: []string{}, Refused: []string{}, Artifacts: loaded.Artifacts()}
	in := ExtractInput{Source: spec.Source, Outcomes: spec.Outcomes, Features: views, Limits: spec.Limits, Uploads: uploads, KnownAt: known}
	extraction := d.extraction()
	checking := Checking{Cache: d.Cache, Warehouse: d.Warehouse, Page: d.Page}
	extracted, validated, err := d.read(ctx, extraction, checking, &loaded, in, &out)
	if err != nil {
		return out, err
	}
	out.note(extracted)
	out.Digest, out.Notes = extracted.Dataset.SHA256, append(out.Notes, extracted.Notes...)
	out.Rows = CheckedRows{Read: extracted.Rows + extracted.Refused + extracted.Later + extracted.Dropped, Cleaned: extracted.Rows, Quarantined: extracted.Refused}
	out.note(validated)
	report, err := getJSON[dataset.Report](ctx, d.Cache.Objects, validated.Report)
	if err != nil {
		return out, err
	}
	out.Findings, out.Rows.Duplicate, out.Refused = report.Findings, validated.Duplicates, append(out.Refused, validated.Errors...)
	profiled, err := checking.Profile(ctx, ProfileInput{Facts: extracted.Facts, Report: validated.Report})
	if err != nil {
		return out, err
	}
	out.note(profiled)
	if len(out.Refused) > 0 {
		return out, nil
	}
	return out, d.split(ctx, checking, loaded, extracted, known, &out)
}

// read extracts and validates the rows, again under each schema to which they lead, as a training does.
func (d Desk) read(ctx context.Context, e Extraction, c Checking, loaded *PipelineOutput, in ExtractInput, out *DataCheck) (extracted ExtractOutput, validated ValidateOutput, err error) {
	for range MaxSchemas {
		in.Schema, in.Version = loaded.Schema.Ref, loaded.Schema.Version
		if extracted, err = e.Extract(ctx, in); err != nil {
			return extracted, validated, err
		}
		validated, err = c.Validate(ctx, loaded.Validation(extracted, in.KnownAt))
		if err != nil || validated.Change == nil {
			return extracted, validated, err
		}
		out.Notes = append(out.Notes, "would be "+schemaWords(loaded.Schema.Version+1, validated.Change.Words))
		if validated.Change.Breaking {
			return extracted, validated, nil
		}
		loaded.Schema.Ref, loaded.Schema.Unused = validated.Change.Schema, append(loaded.Schema.Unused, validated.Change.Unused...)
		loaded.Schema.Version++
		out.note(loaded)
	}
	out.Refused = append(out.Refused, TooManySchemas)
	return extracted, validated, nil
}

// split shares the rows and looks for leaks.
func (d Desk) split(ctx context.Context, checking Checking, loaded PipelineOutput, extracted ExtractOutput, known string, out *DataCheck) error {
	parts, err := checking.Split(ctx, SplitInput{Schema: loaded.Schema.Ref, Dataset: extracted.Dataset, Split: loaded.Split, KnownAt: known})
	if fault.CodeOf(err) == fault.Refused {
		out.Refused = append(out.Refused, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	out.note(parts)
	out.Rows.Train, out.Rows.Validation, out.Rows.Test = parts.TrainRows, parts.ValidationRows, parts.TestRows
	out.Rows.Embargoed = parts.Embargoed
	if _, err := checking.CheckSplit(ctx, SplitCheckInput{
		Schema: loaded.Schema.Ref, Train: parts.Train, Validation: parts.Validation, Test: parts.Test, Split: loaded.Split,
	}); err != nil {
		return err
	}
	leaks, err := checking.Leaks(ctx, LeakageInput{
		Schema: loaded.Schema.Ref, Dataset: extracted.Dataset, Train: parts.Train, Validation: parts.Validation, Test: parts.Test,
		Leakage: loaded.Leakage, KnownAt: known,
	})
	if err != nil {
		return err
	}
	out.note(leaks)
	found, err := getJSON[leakage](ctx, d.Cache.Objects, leaks.Report)
	out.Vetoes, out.Refused = found.Vetoes, append(out.Refused, leaks.Vetoes...)
	out.Notes = append(out.Notes, leaks.Allowed...)
	return err
}

func (c *DataCheck) note(made producer) {
	maps.Copy(c.Artifacts, made.Artifacts())
}

// String is the check in a few lines, for people.
func (c DataCheck) String() string {
	r := c.Rows
	text := fmt.Sprintf("rows: %d read, %d cleaned, %d quarantined, %d duplicate; train %d, validation %d, test %d\ndata known at %s, dataset %.12s\n",
		r.Read, r.Cleaned, r.Quarantined, r.Duplicate, r.Train, r.Validation, r.Test, c.KnownAt, c.Digest)
	if r.Embargoed > 0 {
		text += fmt.Sprintf("embargo: %d rows left out before the borders of time\n", r.Embargoed)
	}
	for _, note := range c.Notes {
		text += "note: " + note + "\n"
	}
	for _, f := range c.Findings {
		text += fmt.Sprintf("%s: %s\n", f.Severity, f.Message)
	}
	for _, v := range c.Vetoes {
		text += "veto: " + v.Message + "\n"
	}
	return text
}
