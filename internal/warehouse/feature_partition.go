package warehouse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/feature"
)

// Partition writes what a view's rows of the given periods, of which none has a day of another, say to files of a folder. Periods without rows have none.
// Rows that are equal are one. The same rows of a period give the same bytes, whatever the order in which they come, what rows of other days there are, and with any number of threads.
//
// A missing column, rows without a key or an instant, rows of one key, instant, ID and time of being known that differ, and values that are too large to be
// summed are fault.Invalid naming view and count.
func (w *Warehouse) Partition(ctx context.Context, view *feature.View, from feature.RowFiles, periods []feature.Period, folder string) (made []feature.DayFiles, err error) {
	v := featureView{view}
	if err := v.named(); err != nil {
		return nil, err
	}
	files := slices.Concat(from.Files, from.Log)
	for _, p := range periods {
		of := v.files(p, folder)
		if files = append(files, of.Rows); of.Tiles != "" {
			files = append(files, of.Tiles)
		}
	}
	err = w.unlocked(ctx, files, func(s session) error {
		if err := s.stageFeatures(v, from, periods); err != nil {
			return err
		}
		if err := s.stageTiles(v); err != nil {
			return err
		}
		if made, err = s.partitions(v, periods, folder); err != nil {
			return err
		}
		return s.writePartitions(v, made)
	})
	if err != nil {
		for _, p := range made {
			os.Remove(p.Rows)
			os.Remove(p.Tiles)
		}
		return nil, err
	}
	return made, nil
}

// files are those of a period in a folder.
func (v featureView) files(p feature.Period, folder string) feature.DayFiles {
	date := p.First.Begin().Time().Format(time.DateOnly)
	of := feature.DayFiles{Period: p, Rows: filepath.Join(folder, "rows-"+date+".parquet")}
	if len(v.Slots()) > 0 {
		of.Tiles = filepath.Join(folder, "tiles-"+date+".parquet")
	}
	return of
}

// partitions are those of the periods that the table rows has.
func (s session) partitions(v featureView, periods []feature.Period, folder string) (made []feature.DayFiles, err error) {
	var place, days int
	var count int64
	err = s.each("SELECT period, count(*), count(DISTINCT day) FROM rows GROUP BY period ORDER BY period", func() {
		p := v.files(periods[place], folder)
		p.Count, p.Days = count, days
		made = append(made, p)
	}, &place, &count, &days)
	return made, s.told(err, fmt.Sprintf("view %q: counting days", v.Name))
}

// writePartitions writes the files of the periods from the tables rows and tiles.
func (s session) writePartitions(v featureView, made []feature.DayFiles) error {
	statements := []string{
		// Only one thread gives a Parquet file the same bytes each time.
		"SET threads = 1",
	}
	for _, p := range made {
		statements = append(statements, copied(v.fileRows(), "rows", p.Period, p.Rows))
		if p.Tiles != "" {
			statements = append(statements, copied(v.fileTiles(), "tiles", p.Period, p.Tiles))
		}
	}
	for _, statement := range statements {
		if err := s.exec(statement); err != nil {
			return s.told(err, fmt.Sprintf("view %q: writing days", v.Name))
		}
	}
	return nil
}

// copied writes the rows of a period, in the order in which the table has them.
func copied(selected []string, table string, p feature.Period, to string) string {
	return fmt.Sprintf("COPY (SELECT %s FROM %s WHERE day BETWEEN %d AND %d) TO %s "+parquetFormat, strings.Join(selected, ", "), table, p.First, p.Last, text(to))
}

// fileRows are the columns of a file of rows.
func (v featureView) fileRows() []string {
	selected := v.keysAs()
	selected = append(selected, timestamped("event", feature.EventColumn), timestamped("created", feature.CreatedColumn), timestamped("known", feature.KnownColumn), "id AS "+feature.IDColumn, "origin AS "+feature.OriginColumn)
	for i, c := range v.Inputs() {
		selected = append(selected, fmt.Sprintf("v%d AS %s", i, quote(c.Name)))
	}
	return selected
}

// keysAs are the keys by the names that the entity gives them.
func (v featureView) keysAs() []string {
	var selected []string
	for i, key := range v.Keys {
		selected = append(selected, fmt.Sprintf("k%d AS %s", i, quote(key)))
	}
	return selected
}

func timestamped(instant, as string) string {
	return fmt.Sprintf("make_timestamp(%s) AS %s", instant, as)
}
