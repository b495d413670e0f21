package activities

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/schema"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/source"
	"github.com/loanops/loanops/internal/transform"
)

// feed is what is taken of a view's source, or of what its query makes of other views: rows that keep the view's rules.
type feed struct {
	Files []artifact.Ref `json:"files,omitempty"` // datasets
	// Quarantined is how many rows break a rule and are left out.
	Quarantined int64 `json:"quarantined,omitempty"`
	// Until is the moment until which it has what was known.
	Until feature.Instant `json:"until,omitempty"`
}

// take brings what a view's rows are made of here as datasets. A file more of whose rows break rules than the view accepts is fault.Refused.
func (f *FeatureViews) take(ctx context.Context, of feature.Computable, in ComputeViewInput) (taken feed, err error) {
	taken.Until = in.Now
	if of.View.Source == nil && of.View.SQL == nil {
		return taken, nil
	}
	ref, err := putJSON(ctx, f.Reading.Cache.Objects, schema.Of(of.Rows()))
	if err != nil {
		return taken, err
	}
	reading := ExtractInput{Schema: ref, Limits: pipeline.DefaultLimits()}
	if of.View.SQL != nil {
		out, err := f.queried(ctx, of, reading, in)
		if err != nil {
			return taken, err
		}
		return taken, taken.add(ctx, f.Reading.Cache.Objects, of.View, "", out)
	}
	return taken, f.read(ctx, of, reading, &taken)
}

// read brings a view's source here as datasets, one for each file, so that a further file is all that is read of a feed that goes on.
func (f *FeatureViews) read(ctx context.Context, of feature.Computable, reading ExtractInput, taken *feed) error {
	from := of.View.Source
	if from.Simulate != nil {
		out, err := f.Reading.simulated(ctx, reading, *from.Simulate)
		if err != nil {
			return err
		}
		return taken.add(ctx, f.Reading.Cache.Objects, of.View, "", out)
	}
	uris := []string{""}
	if from.Postgres == nil {
		var err error
		if uris, err = f.Reading.list(ctx, from.FilesURI()); err != nil {
			return err
		}
	}
	for _, uri := range uris {
		reading.Source.Relation = from.Relation
		name := ""
		if uri != "" {
			reading.Source.Relation = reading.Source.At(uri)
		}
		if len(uris) > 1 {
			name = path.Base(uri) + ": "
		}
		out, err := f.Reading.Extract(ctx, reading)
		if err != nil {
			return err
		}
		if err := taken.add(ctx, f.Reading.Cache.Objects, of.View, name, out); err != nil {
			return err
		}
	}
	return nil
}

// simulated reads a simulated feed.
func (e *Extraction) simulated(ctx context.Context, in ExtractInput, sim feature.Simulate) (ExtractOutput, error) {
	type feed struct {
		extraction
		Feed feature.Simulate `json:"feed"`
	}
	reading := extraction{Schema: in.Schema, Limits: in.Limits}
	return cached(ctx, e.Cache, ExtractData, feed{reading, sim}, func(ctx context.Context, in feed) (ExtractOutput, error) {
		rows, err := simulate.Feed(in.Feed.Feed, in.Feed.Simulate, in.Feed.To.Time)
		if err != nil {
			return ExtractOutput{}, err
		}
		folder, remove, err := e.folder()
		if err != nil {
			return ExtractOutput{}, err
		}
		defer remove()
		from, err := written(folder, in.Feed.Feed, rows)
		if err != nil {
			return ExtractOutput{}, err
		}
		return e.read(ctx, in.extraction, []opened{from}, nil)
	})
}

// queried makes the rows of a view in SQL, and reads them as those of any feed.
func (f *FeatureViews) queried(ctx context.Context, of feature.Computable, in ExtractInput, view ComputeViewInput) (ExtractOutput, error) {
	type query struct {
		extraction
		View artifact.Ref   `json:"view"`
		From []artifact.Ref `json:"from"` // manifests
	}
	reading := extraction{Schema: in.Schema, Limits: in.Limits}
	return cached(ctx, f.Reading.Cache, ExtractData, query{reading, view.View.Definition, view.From}, func(ctx context.Context, in query) (ExtractOutput, error) {
		folder, remove, err := f.Reading.folder()
		if err != nil {
			return ExtractOutput{}, err
		}
		defer remove()
		path, err := f.query(ctx, of, in.From, folder)
		if err != nil {
			return ExtractOutput{}, err
		}
		from := opened{name: of.View.Name, files: []source.File{{Name: of.View.Name, Path: path}}}
		from.Parquet = &pipeline.Files{}
		return f.Reading.read(ctx, in.extraction, []opened{from}, nil)
	})
}

// query writes the rows of a view in SQL to a file.
func (f *FeatureViews) query(ctx context.Context, of feature.Computable, from []artifact.Ref, folder string) (path string, err error) {
	tables := make([]feature.Table, len(from))
	for i, ref := range from {
		m, days, err := heldDays(ctx, f.Reading.Cache.Objects, ref)
		if err != nil {
			return "", err
		}
		tables[i] = feature.Table{Computable: m.Computable, Days: days}
	}
	say(ctx, "running the query of "+of.View.Name)
	path = filepath.Join(folder, "query.parquet")
	return path, f.Warehouse.QueryView(ctx, of.View, tables, path)
}

// add takes what was read of a file: its rows that keep the view's rules. Name says which file it is; empty where there is one.
func (t *feed) add(ctx context.Context, objects Objects, v *feature.View, name string, out ExtractOutput) error {
	var broken breaches
	if out.Refused > 0 {
		found, err := getJSON[facts](ctx, objects, out.Facts)
		if err != nil {
			return err
		}
		broken.rows = out.Refused
		for _, b := range found.Checked.Breaches {
			broken.note(fmt.Sprintf("%s: %s", b.Column, b.Rule))
		}
	}
	if err := complete(ctx, objects, v, name, out.Dataset); err != nil {
		return err
	}
	kept, err := broken.keeping(ctx, objects, v, out.Dataset)
	if err != nil {
		return err
	}
	// Each file is held for itself: however many good rows there were before, they excuse none that comes.
	if all := out.Rows + out.Refused; float64(broken.rows) > v.Quarantine.MaxShare*float64(all) {
		return fault.New(fault.Refused, "%s%d of %d rows break rules (%s), and at most a share of %g may", name, broken.rows, all, strings.Join(broken.rules, ", "), v.Quarantine.MaxShare)
	}
	t.Files, t.Quarantined = append(t.Files, kept), t.Quarantined+broken.rows
	return nil
}

// complete holds a file that has rows to having all columns of the view.
func complete(ctx context.Context, objects Objects, v *feature.View, name string, of artifact.Ref) error {
	m, _, err := manifest(ctx, objects, of)
	if err != nil || m.Rows == 0 {
		return err
	}
	for _, c := range v.Inputs() {
		if !slices.ContainsFunc(m.Columns, func(has dataset.Field) bool { return has.Name == c.Name }) {
			return fault.New(fault.Invalid, "view %q: %sits rows have no column %q", v.Name, name, c.Name)
		}
	}
	return nil
}

// breaches are what is broken in a file.
type breaches struct {
	rows  int64
	rules []string
}

// note remembers which rules are broken, as many as a person reads.
func (b *breaches) note(rule string) {
	if !slices.Contains(b.rules, rule) && len(b.rules) < dataset.MaxRowIDs {
		b.rules = append(b.rules, rule)
	}
}

// keeping is the dataset without the rows that break a rule of the view.
func (b *breaches) keeping(ctx context.Context, objects Objects, v *feature.View, of artifact.Ref) (artifact.Ref, error) {
	validator, err := v.Validator()
	if err != nil || len(v.Rules) == 0 {
		return of, err
	}
	rows, err := open(ctx, objects, of)
	if err != nil {
		return of, err
	}
	inputs := v.Inputs()
	var columns []string
	for _, c := range inputs {
		if slices.ContainsFunc(rows.Columns, func(has dataset.Field) bool { return has.Name == c.Name }) {
			columns = append(columns, c.Name)
		}
	}
	type checked struct {
		good  []int
		rules []string
	}
	all, err := collect(ctx, rows, columns, func(t dataset.Table) (checked, error) {
		var part checked
		values := make([]transform.Value, len(inputs))
		of := make([]*dataset.Column, len(inputs))
		for i := range inputs {
			of[i] = t.Column(inputs[i].Name)
		}
		for row := range t.Rows() {
			for i, c := range of {
				values[i] = cell(c, row)
			}
			if broken := validator.Broken(values); len(broken) > 0 {
				part.rules = append(part.rules, broken...)
			} else {
				part.good = append(part.good, row)
			}
		}
		return part, nil
	})
	if err != nil {
		return of, err
	}
	kept := rows.Manifest
	kept.Parts, kept.Rows = slices.Clone(kept.Parts), 0
	for i := range kept.Parts {
		if len(all[i].rules) > 0 {
			for _, rule := range all[i].rules {
				b.note(rule)
			}
			b.rows += kept.Parts[i].Rows - int64(len(all[i].good))
			if kept.Parts[i], err = selected(ctx, objects, rows, i, all[i].good); err != nil {
				return of, err
			}
		}
		kept.Rows += kept.Parts[i].Rows
	}
	if kept.Rows == rows.Rows {
		return of, nil
	}
	kept.Parts = slices.DeleteFunc(kept.Parts, func(p dataset.Part) bool { return p.Rows == 0 })
	return putManifest(ctx, objects, kept)
}

// cell is a value of a row; missing of a column that is not there.
func cell(c *dataset.Column, row int) transform.Value {
	switch {
	case c == nil || c.Missing(row):
		return transform.Value{Missing: true}
	case c.Kind == dataset.Text:
		return transform.Value{Text: c.Texts[row]}
	}
	return transform.Value{Number: c.Floats[row]}
}

// selected stores some rows of a part as one of its own.
func selected(ctx context.Context, objects Objects, of rowParts, part int, rows []int) (dataset.Part, error) {
	one := of.Manifest
	one.Parts, one.Rows = one.Parts[part:part+1], one.Parts[part].Rows
	t, err := dataset.Read(ctx, one, of.paths[part:part+1], nil)
	if err != nil {
		return dataset.Part{}, err
	}
	return putPart(ctx, objects, t.Select(rows))
}
