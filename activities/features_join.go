package activities

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/artifact"
	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/ingest"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// looked are the rows with what the views of the schema's features said of them at their moments, and the views that this was read from. The rows that it takes are closed.
func (e *Extraction) looked(ctx context.Context, spec pipeline.Spec, views []artifact.Ref, rows source.Relation, folder string) (source.Relation, []dataset.View, error) {
	joins, held, err := e.joins(ctx, spec, views)
	if err != nil {
		return rows, nil, err
	}
	if joins, err = lacking(spec, joins, rows.Columns()); err != nil || len(joins) == 0 {
		return rows, nil, err
	}
	to := filepath.Join(folder, "moments")
	if err := os.Mkdir(to, 0o700); err != nil {
		return rows, nil, fault.Wrap(fault.Unavailable, err, "making a folder for rows")
	}
	say(ctx, "reading the rows")
	staged, err := ingest.StageMoments(ctx, spec, rows, to)
	if err != nil {
		return rows, nil, err
	}
	columns, notes := slices.Clone(rows.Columns()), rows.Notes()
	if !slices.Contains(columns, dataset.RowColumn) {
		columns = append([]string{dataset.RowColumn}, columns...)
	}
	say(ctx, "looking up features")
	joined := filepath.Join(folder, "looked.parquet")
	if err := e.Warehouse.JoinFeatures(ctx, source.Staged{Name: "the rows", Paths: staged}, ingest.MomentColumn, joins, joined); err != nil {
		return rows, nil, err
	}
	from := make([]dataset.View, len(joins))
	for i, join := range joins {
		from[i] = dataset.View{Name: join.View.Name, Version: join.Version}
		from[i].Manifest = held[from[i].ID()]
		for _, f := range join.Features {
			columns = append(columns, f.As)
		}
	}
	if err := rows.Close(); err != nil {
		return rows, nil, err
	}
	made, err := source.Open(ctx, pipeline.Relation{Parquet: &pipeline.Files{}, Select: columns}, []source.File{{Name: "the rows with features", Path: joined}},
		source.Options{RowsPerSlice: e.rowsPerSlice})
	return noted{made, notes}, from, err
}

// lacking are the joins that rows of these columns need. A feature that they hold is given with them, as a request may hold it, where the spec says so; otherwise it is refused.
func lacking(spec pipeline.Spec, joins []feature.Join, columns []string) ([]feature.Join, error) {
	for i := range joins {
		for _, f := range joins[i].Features {
			if slices.Contains(columns, f.As) && !spec.FeatureStore.Given {
				return nil, fault.New(fault.Invalid, "the rows have a column %s, which the spec looks up in view %s; leave it out, or let it count with feature_store: {given: true}",
					f.As, joins[i].View.Name)
			}
		}
		joins[i].Features = slices.DeleteFunc(joins[i].Features, func(f feature.JoinedFeature) bool { return slices.Contains(columns, f.As) })
	}
	return slices.DeleteFunc(joins, func(j feature.Join) bool { return len(j.Features) == 0 }), nil
}

// noted is a relation with the notes of what it was made of.
type noted struct {
	source.Relation
	notes []string
}

// Notes are also those of what it was made of.
func (n noted) Notes() []string { return append(n.notes, n.Relation.Notes()...) }

// joins are what the schema's columns want of each view; held are the digests of what was computed of them, by view@version.
func (e *Extraction) joins(ctx context.Context, spec pipeline.Spec, views []artifact.Ref) (joins []feature.Join, held map[string]string, err error) {
	joins, held = make([]feature.Join, len(views)), map[string]string{}
	of := map[string]int{} // the place of view@version
	for i, ref := range views {
		m, days, err := heldDays(ctx, e.Cache.Objects, ref)
		if err != nil {
			return nil, nil, err
		}
		joins[i] = feature.Join{Computable: m.Computable, Days: days}
		view := dataset.View{Name: m.View.Name, Version: m.Version}.ID()
		of[view], held[view] = i, ref.SHA256
	}
	for _, column := range spec.Looked() {
		view, name, looked := strings.Cut(column.Feature, ":")
		if !looked {
			continue
		}
		i, given := of[view]
		if !given {
			return nil, nil, fault.New(fault.Internal, "column %s is a feature of view %s, which was not computed", column.Name, view)
		}
		join := &joins[i]
		join.Features = append(join.Features, feature.JoinedFeature{Name: name, As: column.Name})
		join.On = join.On[:0]
		for _, key := range join.View.Keys {
			join.On = append(join.On, column.Keys[key])
		}
	}
	return slices.DeleteFunc(joins, func(j feature.Join) bool { return len(j.Features) == 0 }), held, nil
}
