package warehouse

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/source"
)

// viewJoin is a feature.Join whose SQL is written here.
type viewJoin struct {
	View featureView
	// Partitions are all of the view's, see feature.Join.
	Partitions []feature.DayFiles
	// On are the columns of the base that have the keys, in the order of the entity's. Keys are compared as they are written.
	On []string
	// Features are those that are wanted.
	Features []feature.JoinedFeature
	// Event is the column for the event timestamp of the newest row that could be used, be it too old as well; empty for none.
	Event string
	// keys are the texts of the base's keys, in SQL, see session.keyText.
	keys []string
	// crowded says that some key has many rows, see session.read.
	crowded bool
}

// askedColumn is the moment of a row of the base in microseconds. Of a row without one it is never: before all that is known. To an as-of join of DuckDB's, a missing
// moment is one after all.
const (
	askedColumn = "loanops_asked"
	never       = -9_223_000_000_000_000_000 // a TTL less, it is still a number of 64 bits
)

// JoinFeatures gives every row of base what the views said of its entities at its moment, and writes the rows in base's order to a Parquet file: base's columns, then those of the features.
// A row of a view counts from when it was both true and known, and until it is older than the view's TTL. Where there is no such row, or no moment or key, features are missing.
//
// Base has the column dataset.RowColumn, which orders and names its rows, and moment, which is a timestamp or a date. A missing column and a column of two
// relations are fault.Invalid naming both. A sum that is no 64-bit number of units is missing.
func (w *Warehouse) JoinFeatures(ctx context.Context, base source.Staged, moment string, wanted []feature.Join, to string) (err error) {
	views := make([]viewJoin, len(wanted))
	for i, j := range wanted {
		views[i] = viewJoin{View: featureView{j.View}, Partitions: j.Days, On: j.On, Features: j.Features, Event: j.Event}
	}
	defer func() {
		if err != nil {
			os.Remove(to)
		}
	}()
	files := append(slices.Clone(base.Paths), to)
	for i := range views {
		for _, p := range views[i].Partitions {
			files = append(files, p.Rows)
			if p.Tiles != "" {
				files = append(files, p.Tiles)
			}
		}
	}
	return w.session(ctx, files, func(s session) error {
		if err := s.stage("base", base); err != nil {
			return err
		}
		if err := s.joinable(base.Name, moment, views); err != nil {
			return err
		}
		at, err := s.instant("base", moment)
		if err != nil {
			return fault.Wrap(fault.Invalid, err, "%s", base.Name)
		}
		doing := "joining features to " + base.Name
		if err := s.exec(fmt.Sprintf("CREATE VIEW asked AS SELECT *, coalesce(%s, %d) AS %s FROM base", at, never, askedColumn)); err != nil {
			return s.told(err, doing)
		}
		for i := range views {
			for _, key := range views[i].On {
				text, err := s.keyText("base", "b", key)
				if err != nil {
					return s.told(err, doing)
				}
				views[i].keys = append(views[i].keys, text)
			}
			if err := s.read(i, &views[i], w.crowd()); err != nil {
				return err
			}
		}
		if err := s.exec(joined(views, to)); err != nil {
			return s.told(err, doing)
		}
		var repeated int64
		counted := fmt.Sprintf("SELECT count(*) FROM (SELECT %[1]s = lag(%[1]s) OVER () AS again FROM read_parquet(%[2]s)) WHERE again", quote(dataset.RowColumn), text(to))
		if err := s.one(counted, &repeated); err != nil {
			return s.told(err, doing)
		}
		if repeated > 0 {
			return fault.New(fault.Invalid, "%s: %d rows repeat %s; a join must not multiply rows", base.Name, repeated, dataset.RowColumn)
		}
		return nil
	})
}

// joinable holds base and views to having the columns that are named, and each name once.
func (s session) joinable(base, moment string, views []viewJoin) error {
	names, err := s.columns("base")
	if err != nil {
		return err
	}
	for _, needed := range []string{dataset.RowColumn, moment} {
		if !slices.Contains(names, needed) {
			return fault.New(fault.Invalid, "%s has no column %q, which features are joined by", base, needed)
		}
	}
	of := len(names) // the columns of the base come first
	for i := range views {
		if err := views[i].valid(base, names[:of]); err != nil {
			return err
		}
		for _, name := range views[i].columns() {
			// In SQL, names that differ by case alone are one.
			if k := slices.IndexFunc(names, func(of string) bool { return strings.EqualFold(of, name) }); k >= 0 {
				return fault.New(fault.Invalid, "view %q has a column %q as the relations before it have %q; select or rename its columns", views[i].View.Name, name, names[k])
			}
			names = append(names, name)
		}
	}
	return nil
}

// valid says what is wrong with what is asked of a view.
func (j *viewJoin) valid(base string, columns []string) error {
	v := j.View
	if err := v.named(); err != nil {
		return err
	}
	if len(j.On) != len(v.Keys) {
		return fault.New(fault.Invalid, "view %q is of %d keys, and %d columns of %s are to hold them", v.Name, len(v.Keys), len(j.On), base)
	}
	for i, key := range j.On {
		if !slices.Contains(columns, key) {
			return fault.New(fault.Invalid, "%s has no column %q, by which view %q finds %s", base, key, v.Name, v.Keys[i])
		}
	}
	for _, wanted := range j.Features {
		if v.Feature(wanted.Name) == nil {
			return fault.New(fault.Invalid, "view %q has no feature %q", v.Name, wanted.Name)
		}
	}
	seen := map[feature.Day]bool{}
	for _, p := range j.Partitions {
		for day := p.First; day <= p.Last; day++ {
			if seen[day] || p.Tiles == "" && len(v.Slots()) > 0 {
				return fault.New(fault.Internal, "view %q: a day of two partitions, or one without tiles", v.Name)
			}
			seen[day] = true
		}
	}
	return nil
}

// columns are those that the view brings.
func (j *viewJoin) columns() []string {
	names := make([]string, 0, len(j.Features)+1)
	for _, f := range j.Features {
		names = append(names, f.As)
	}
	if j.Event != "" {
		names = append(names, j.Event)
	}
	return names
}

// joinedFormat is parquetFormat for rows of many numbers: these hardly repeat, and a dictionary of them costs more than it saves.
const joinedFormat = "(FORMAT parquet, COMPRESSION snappy, USE_TMP_FILE false, DICTIONARY_SIZE_LIMIT 1024)"

// joined writes base with what was read of each view, see session.read.
func joined(views []viewJoin, to string) string {
	selected, from := []string{"b.* EXCLUDE (" + askedColumn + ")"}, "asked b"
	for i := range views {
		j := &views[i]
		selected = append(selected, j.selected(i)...)
		from += j.counting(i, "LEFT")
		if j.merging() {
			from += fmt.Sprintf(" LEFT JOIN merged%[1]d ON b.%[2]s = merged%[1]d.n", i, quote(dataset.RowColumn))
		}
	}
	return fmt.Sprintf("COPY (SELECT %s FROM %s ORDER BY b.%s) TO %s "+joinedFormat, strings.Join(selected, ", "), from, quote(dataset.RowColumn), text(to))
}
