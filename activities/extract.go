package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// Warehouse does what needs all rows of a table at once, see warehouse.Warehouse. It is an interface because DuckDB behind it is linked into
// the worker only.
type Warehouse interface {
	// Relate joins relations to base and writes the rows, in base's order, to a Parquet file.
	Relate(ctx context.Context, base source.Staged, joins []source.Joined, to string) error
	// Outcomes writes what was known of each application to a Parquet file that can be joined to base, and says what it found on the way.
	Outcomes(ctx context.Context, base source.Staged, outcomes source.Outcomes, to string) (dataset.Outcomes, error)
	// Reduce takes the steps of cleaning that look at rows beside each other, and writes the rows that are left, in their order, to a Parquet file.
	Reduce(ctx context.Context, paths []string, steps []pipeline.CleanStep, label, to string) (dropped []int64, err error)
	// Broken holds the rows of Parquet files against rules across columns.
	Broken(ctx context.Context, paths []string, rules []pipeline.Rule, entity string) ([]dataset.Breach, error)
	// Duplicates counts the rows of Parquet files that equal an earlier one.
	Duplicates(ctx context.Context, paths []string) (rows int64, err error)
	// JoinFeatures gives every row of base what views said of its entities at its moment, see feature.Join, and writes the rows, in base's order, to a Parquet file.
	JoinFeatures(ctx context.Context, base source.Staged, moment string, views []feature.Join, to string) error
	// Repeated counts the rows of Parquet files that repeat a value of a column.
	Repeated(ctx context.Context, paths []string, column string) (rows int64, err error)
}

// ExtractInput says what to read.
type ExtractInput struct {
	Schema artifact.Ref `json:"schema"`
	// Version is the schema's.
	Version int             `json:"version"`
	Source  pipeline.Source `json:"source"`
	// Outcomes bring the label; nil where the source does.
	Outcomes *pipeline.Outcomes `json:"outcomes,omitempty"`
	// Features are what the offline store holds of the views that the schema's columns are features of: a feature.Manifest of each.
	Features []artifact.Ref  `json:"features,omitempty"`
	Limits   pipeline.Limits `json:"limits"`
	// Data replaces the source's own rows, but not what is joined to them, when it is not empty; and outcomes only where it brings the label itself.
	Data string `json:"data"`
	// Uploads are the objects that hold what a person's local files held, by the URI that names these.
	Uploads map[string][]string `json:"uploads,omitempty"`
	// AsOf is 2006-01-02, or empty for everything.
	AsOf string `json:"as_of"`
	// Partial leaves out rows of that day, 2006-01-02, of which others are still to come; empty leaves out none.
	Partial string `json:"partial,omitempty"`
	// After leaves out rows of that day, 2006-01-02, and of earlier ones; empty leaves out none.
	After string `json:"after,omitempty"`
	// KnownAt is the day on which the data were known.
	KnownAt string `json:"known_at"`
}

// ExtractOutput is the dataset that everything after reads, and what was seen while it was made.
type ExtractOutput struct {
	Dataset    artifact.Ref `json:"dataset"`    // a dataset.Manifest
	Quarantine artifact.Ref `json:"quarantine"` // a dataset.Manifest of the rows that break a rule, of no parts without any
	Facts      artifact.Ref `json:"facts"`      // JSON, see facts
	// Sources says what was read, by digests: lineage.Sources as JSON. It is made anew each time, for the same bytes may be read from elsewhere.
	Sources artifact.Ref `json:"sources"`
	Rows    int64        `json:"rows"`
	Refused int64        `json:"refused"`           // rows in quarantine
	Later   int64        `json:"later"`             // rows that were not known yet
	Earlier int64        `json:"earlier,omitempty"` // rows that an earlier look has seen
	Undated int64        `json:"undated,omitempty"` // rows of no day; of those after a day they are left out
	Last    string       `json:"last,omitempty"`    // the last day of the rows, quarantine's too; empty where none has one
	Dropped int64        `json:"dropped"`           // rows that cleaning left out
	Resumed int          `json:"resumed,omitempty"` // slices that an earlier try had finished
	Columns int          `json:"columns"`
	Source  string       `json:"source"` // what was read, in words
	Notes   []string     `json:"notes,omitempty"`
	Reused
}

// Summary says how much was read, and where.
func (o ExtractOutput) Summary() string {
	text := fmt.Sprintf("%d rows, %d columns from %s", o.Rows, o.Columns, o.Source)
	if o.Refused > 0 {
		text += fmt.Sprintf("; %d rows in quarantine", o.Refused)
	}
	if o.Dropped > 0 {
		text += fmt.Sprintf("; %d rows left out by cleaning", o.Dropped)
	}
	if o.Later > 0 {
		text += fmt.Sprintf("; %d rows not known yet", o.Later)
	}
	if o.Earlier > 0 {
		text += fmt.Sprintf("; %d rows seen before", o.Earlier)
	}
	if o.Undated > 0 {
		text += fmt.Sprintf("; %d rows have no day that can be read", o.Undated)
	}
	if o.Resumed > 0 {
		text += fmt.Sprintf("; %d slices of them taken from a try that was interrupted", o.Resumed)
	}
	for _, note := range o.Notes {
		text += "; " + note
	}
	return text + o.mark()
}

// Artifacts are the datasets, what was seen, and from where; the last one is not kept with the step.
func (o ExtractOutput) Artifacts() map[string]artifact.Ref {
	made := map[string]artifact.Ref{artifact.Dataset: o.Dataset, artifact.Quarantine: o.Quarantine, artifact.Facts: o.Facts}
	if o.Sources.SHA256 != "" {
		made[artifact.Sources] = o.Sources
	}
	return made
}

// OutcomesOutput is an extraction beside that of fresh rows, in the same run: what it makes has roles of its own.
type OutcomesOutput struct{ ExtractOutput }

// Artifacts are those of an extraction.
func (o OutcomesOutput) Artifacts() map[string]artifact.Ref {
	made := map[string]artifact.Ref{}
	for role, ref := range o.ExtractOutput.Artifacts() {
		made[artifact.OfOutcomes(role)] = ref
	}
	return made
}

// Extraction reads raw data.
type Extraction struct {
	Cache     StepCache
	Warehouse Warehouse
	// Places are the folders of this machine that may be read by whoever starts a workflow.
	Places source.Places
	// Connection is the URL of a database that a spec names.
	Connection func(name string) (string, error)
	// Folder is for files on their way.
	Folder string
	// Resumes says that slices are kept as they are finished, for a run that is begun again after its worker died.
	Resumes bool

	rowsPerSlice int // 0 is what the columns say; tests have fewer rows
}

// extraction is what the dataset is a function of: the files by what they hold, not by what they are called.
type extraction struct {
	Schema    artifact.Ref       `json:"schema"`
	Version   int                `json:"version"`
	Simulate  *pipeline.Simulate `json:"simulate,omitempty"`
	Relations []relation         `json:"relations"` // the base first, then those that are joined to it, then outcomes
	Features  []artifact.Ref     `json:"features,omitempty"`
	Limits    pipeline.Limits    `json:"limits"`
	AsOf      string             `json:"as_of"`
	Partial   string             `json:"partial,omitempty"`
	After     string             `json:"after,omitempty"`
	KnownAt   string             `json:"known_at"`
}

// relation is how files are read and joined.
type relation struct {
	pipeline.Join
	Outcomes *pipeline.OutcomeColumns `json:"outcomes,omitempty"` // of what is no join, but outcomes
	Files    []rawFile                `json:"files"`
}

// ExtractOutcomes makes a dataset of the rows whose outcomes have matured. What Extract has read already it takes from the cache.
func (e *Extraction) ExtractOutcomes(ctx context.Context, in ExtractInput) (OutcomesOutput, error) {
	out, err := e.Extract(ctx, in)
	return OutcomesOutput{out}, err
}

// Extract brings the source's files here and makes one dataset of them.
func (e *Extraction) Extract(ctx context.Context, in ExtractInput) (ExtractOutput, error) {
	for name, text := range map[string]string{"as_of": in.AsOf, "partial": in.Partial, "after": in.After, "known_at": in.KnownAt} {
		if _, err := day(name, text); err != nil {
			return ExtractOutput{}, err
		}
	}
	from := in.Source.Given(in.Data)
	reading := extraction{Schema: in.Schema, Version: in.Version, Simulate: from.Simulate, Features: in.Features, Limits: in.Limits, AsOf: in.AsOf, Partial: in.Partial, After: in.After, KnownAt: in.KnownAt}
	if from.Simulate != nil {
		out, err := cached(ctx, e.Cache, ExtractData, reading, e.simulate)
		return e.sourced(ctx, out, err, from, nil)
	}
	opened, err := e.fetch(ctx, from, in)
	if err != nil {
		return ExtractOutput{}, err
	}
	if in.Data != "" && in.Outcomes != nil {
		labelled, err := e.labelled(ctx, in, &opened[0])
		if err != nil {
			return ExtractOutput{}, err
		}
		if labelled {
			opened = opened[:len(opened)-1] // outcomes come last
		}
	}
	for _, o := range opened {
		reading.Relations = append(reading.Relations, o.relation)
		// What a database holds is known when it has been read: between two tries its rows may have changed. So nothing of it is looked up, neither the
		// dataset nor a slice.
		if o.Postgres != nil {
			out, err := e.read(ctx, reading, opened, nil)
			return e.sourced(ctx, out, err, from, opened)
		}
	}
	out, err := cached(ctx, e.Cache, ExtractData, reading, func(ctx context.Context, in extraction) (ExtractOutput, error) {
		return e.read(ctx, in, opened, e.once(in))
	})
	return e.sourced(ctx, out, err, from, opened)
}

// read makes one dataset of the relations, its slices by once where that is not nil.
func (e *Extraction) read(ctx context.Context, in extraction, from []opened, once keepSlices) (ExtractOutput, error) {
	asOf, err := day("as_of", in.AsOf)
	if err != nil {
		return ExtractOutput{}, err
	}
	partial, err := day("partial", in.Partial)
	if err != nil {
		return ExtractOutput{}, err
	}
	after, err := day("after", in.After)
	if err != nil {
		return ExtractOutput{}, err
	}
	knownAt, err := day("known_at", in.KnownAt)
	if err != nil {
		return ExtractOutput{}, err
	}
	spec, err := getSchema(ctx, e.Cache.Objects, in.Schema)
	if err != nil {
		return ExtractOutput{}, err
	}
	spec.Limits = in.Limits
	folder, remove, err := e.folder()
	if err != nil {
		return ExtractOutput{}, err
	}
	defer remove()
	rows, told, err := e.relate(ctx, spec, from, before(asOf, knownAt), folder)
	if err != nil {
		return ExtractOutput{}, err
	}
	defer func() { rows.Close() }()
	var views []dataset.View
	if len(in.Features) > 0 {
		if rows, views, err = e.looked(ctx, spec, in.Features, rows, folder); err != nil {
			return ExtractOutput{}, err
		}
	}
	made, err := e.ingest(ctx, ingest.Input{
		Spec: spec, Rows: rows, AsOf: asOf, Partial: partial, After: after, KnownAt: knownAt, Folder: folder, Once: once,
		Keep: func(ctx context.Context, path string) (dataset.Part, error) {
			ref, err := e.Cache.Objects.PutFile(ctx, path, parquetType, "parquet")
			return dataset.Part{SHA256: ref.SHA256, Bytes: ref.Bytes}, err
		},
		Progress: func(rows int64) { say(ctx, fmt.Sprintf("%d rows", rows)) },
	})
	if err != nil {
		return ExtractOutput{}, err
	}
	made.Dataset.Schema, made.Quarantine.Schema = in.Version, in.Version
	made.Dataset.Views = views
	if told != nil {
		made.Notes = append(made.Notes, told.String())
	}
	return e.put(ctx, made, told)
}

// put stores what came of an extraction; told is nil without outcomes of their own.
func (e *Extraction) put(ctx context.Context, made ingest.Output, told *dataset.Outcomes) (ExtractOutput, error) {
	out := ExtractOutput{
		Rows: made.Dataset.Rows, Columns: len(made.Dataset.Columns) - 1, Refused: made.Checked.Failing, Later: made.Later, Earlier: made.Earlier, Undated: made.Undated, Dropped: made.Dropped,
		Resumed: made.Resumed, Notes: made.Notes,
	}
	if !made.Last.IsZero() {
		out.Last = made.Last.Format(pipeline.DateLayout)
	}
	var err error
	if out.Dataset, err = putManifest(ctx, e.Cache.Objects, made.Dataset); err != nil {
		return out, err
	}
	if out.Quarantine, err = putManifest(ctx, e.Cache.Objects, made.Quarantine); err != nil {
		return out, err
	}
	out.Facts, err = putJSON(ctx, e.Cache.Objects, facts{Checked: made.Checked, Columns: made.Checked.Seen(made.Dataset.Columns), Profile: made.Profile, Outcomes: told, Undated: made.Undated})
	return out, err
}

// day parses a day of an input; empty is the zero time.
func day(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(pipeline.DateLayout, text)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "%s is %q; give a day such as 2026-03-31, or leave it out", name, text)
	}
	return at, nil
}
