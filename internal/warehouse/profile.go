package warehouse

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// Profile describes the features, the protected attributes and the label of a table. Columns that may identify a person are not in
// it.
func (w *Warehouse) Profile(ctx context.Context, t dataset.Table, spec pipeline.Spec) (profile.Profile, error) {
	data, err := dataset.WriteParquet(t)
	if err != nil {
		return profile.Profile{}, err
	}
	dir, err := os.MkdirTemp(w.dir, "profile-")
	if err != nil {
		return profile.Profile{}, fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "table.parquet")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return profile.Profile{}, fault.Wrap(fault.Unavailable, err, "warehouse folder")
	}
	p := profile.Profile{Name: spec.Name, Rows: t.Rows()}
	err = w.session(ctx, func(s session) error {
		if err := s.exec("CREATE VIEW data AS SELECT * FROM read_parquet(" + text(path) + ")"); err != nil {
			return err
		}
		for i := range t.Columns {
			c := &t.Columns[i]
			if !described(spec, c.Name) {
				continue
			}
			column, err := s.describe(c, t.Rows())
			if err != nil {
				return fault.Wrap(fault.Internal, err, "profile of column %q", c.Name)
			}
			p.Columns = append(p.Columns, column)
		}
		return nil
	})
	return p, err
}

func described(spec pipeline.Spec, name string) bool {
	return name == spec.Label.Column || slices.Contains(spec.Protected, name) ||
		slices.ContainsFunc(spec.Columns, func(c pipeline.Column) bool { return c.Name == name })
}

const bins = 20

func (s session) describe(c *dataset.Column, rows int) (profile.Column, error) {
	column := profile.Column{Name: c.Name, Numeric: c.Kind == dataset.Float}
	name := quote(c.Name)
	var present int
	if err := s.one(fmt.Sprintf("SELECT count(%[1]s), count(DISTINCT %[1]s) FROM data", name), &present, &column.Distinct); err != nil {
		return column, err
	}
	column.Missing = rows - present
	if !column.Numeric {
		var value profile.Value
		err := s.each(fmt.Sprintf("SELECT CAST(%[1]s AS VARCHAR), count(*) AS n FROM data WHERE %[1]s IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT 12", name),
			func() { column.Top = append(column.Top, value) }, &value.Text, &value.Count)
		return column, err
	}
	if present == 0 {
		return column, nil
	}
	n := &profile.Numbers{}
	var sd sql.NullFloat64
	err := s.one(fmt.Sprintf("SELECT min(%[1]s), quantile_cont(%[1]s, 0.25), median(%[1]s), quantile_cont(%[1]s, 0.75), max(%[1]s), avg(%[1]s), stddev_samp(%[1]s) FROM data", name),
		&n.Min, &n.Q25, &n.Median, &n.Q75, &n.Max, &n.Mean, &sd)
	n.SD = sd.Float64
	n.Histogram = make([]int, bins)
	column.Numbers = n
	if err != nil || n.Min == n.Max {
		n.Histogram[0] = present
		return column, err
	}
	var bin, count int
	err = s.each(fmt.Sprintf("SELECT least(CAST(floor((%[1]s - %[2]v) / %[3]v) AS INTEGER), %[4]d), count(*) FROM data WHERE %[1]s IS NOT NULL GROUP BY 1 ORDER BY 1",
		name, fmt.Sprintf("CAST(%v AS DOUBLE)", n.Min), fmt.Sprintf("CAST(%v AS DOUBLE)", (n.Max-n.Min)/bins), bins-1),
		func() { n.Histogram[max(bin, 0)] = count }, &bin, &count)
	return column, err
}
