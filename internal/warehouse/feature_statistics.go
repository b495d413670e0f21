package warehouse

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/feature/snapshot"
	"github.com/loanops/loanops/internal/source"
)

// What is written of entities beside the features of a view, whose names begin with none of it.
const (
	entityMoment = "loanops_moment"
	entityKey    = "loanops_key"
)

// Snapshot writes what a view says of each of its entities at the moment at which its newest row was known, as training would find it there, to a Parquet file in a
// folder, and returns where it is: empty where there are no rows. It has a column of each feature, under its name.
func (w *Warehouse) Snapshot(ctx context.Context, view *feature.View, days []feature.DayFiles, folder string) (file string, extent snapshot.Extent, err error) {
	v, entities := featureView{view}, filepath.Join(folder, "entities.parquet")
	if extent, err = w.entities(ctx, v, days, entities); err != nil || extent.Entities == 0 {
		return "", extent, err
	}
	all := feature.Join{Computable: feature.Computable{View: view}, Days: days}
	for i := range v.Keys {
		all.On = append(all.On, fmt.Sprintf("%s%d", entityKey, i))
	}
	for _, f := range v.Features {
		all.Features = append(all.Features, feature.JoinedFeature{Name: f.Name, As: f.Name})
	}
	file = filepath.Join(folder, "snapshot.parquet")
	return file, extent, w.JoinFeatures(ctx, source.Staged{Name: "the entities", Paths: []string{entities}}, entityMoment, []feature.Join{all}, file)
}

// entities writes those of which the rows of a view are, each once and in the order of their keys, with the moment.
func (w *Warehouse) entities(ctx context.Context, v featureView, days []feature.DayFiles, to string) (extent snapshot.Extent, err error) {
	files := []string{to}
	var none, keys, order, paths []string
	for _, day := range days {
		files, paths = append(files, day.Rows), append(paths, day.Rows)
	}
	for i, key := range v.Keys {
		none = append(none, "''::VARCHAR AS "+quote(key))
		order = append(order, fmt.Sprintf("%s%d", entityKey, i))
		keys = append(keys, quote(key)+" AS "+order[i])
	}
	for _, name := range []string{feature.EventColumn, feature.CreatedColumn} {
		none = append(none, "NULL::TIMESTAMP AS "+name)
	}
	doing := fmt.Sprintf("view %q: its entities", v.Name)
	return extent, w.session(ctx, files, func(s session) error {
		for _, statement := range []string{
			fmt.Sprintf("CREATE VIEW said AS SELECT * FROM %s", parquetFiles(paths, strings.Join(none, ", "), "")),
			fmt.Sprintf("CREATE TEMP TABLE newest AS SELECT max(%s) AS moment FROM said", feature.CreatedColumn),
			fmt.Sprintf("COPY (SELECT row_number() OVER (ORDER BY %s) AS %s, *, (SELECT moment FROM newest) AS %s FROM (SELECT DISTINCT %s FROM said) ORDER BY 1) TO %s "+parquetFormat,
				strings.Join(order, ", "), quote(dataset.RowColumn), entityMoment, strings.Join(keys, ", "), text(to)),
		} {
			if err := s.exec(statement); err != nil {
				return s.told(err, doing)
			}
		}
		counted := fmt.Sprintf(`SELECT coalesce((SELECT epoch_us(moment) FROM newest), 0), coalesce((SELECT epoch_us(max(%[1]s)) FROM said WHERE %[1]s <= (SELECT moment FROM newest)), 0),
	(SELECT count(*) FROM read_parquet(%[2]s))`, feature.EventColumn, text(to))
		return s.told(s.one(counted, &extent.At, &extent.Newest, &extent.Entities), doing)
	})
}
