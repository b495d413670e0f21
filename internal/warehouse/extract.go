package warehouse

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Files are local CSV or Parquet files, told apart by their extension.
type Files struct {
	Base string
	// Joins are joined to Base from the left by the spec's join columns, or by its entity when it names none. They are not
	// read when Base holds the label already.
	Joins []string
}

// Extract reads the files as one table. Numbers, the time and texts take the types of the spec; columns that the spec does not know
// are texts; columns that are missing stay missing, for validation to tell. The rows are ordered by time, entity and all
// other columns. Rows after asOf (zero: none) are left out.
//
// A file that is not readable, a value that is not of its column's type and a repeated join key are fault.Invalid naming
// the file, the column, a line and a count, never a value; too many rows or bytes as well.
func (w *Warehouse) Extract(ctx context.Context, spec pipeline.Spec, files Files, asOf time.Time) (dataset.Table, error) {
	var t dataset.Table
	err := w.session(ctx, func(s session) error {
		if err := s.load("base", files.Base, spec); err != nil {
			return err
		}
		names, err := s.columns("base")
		if err != nil {
			return err
		}
		if !slices.Contains(names, spec.Label.Column) {
			for i, path := range files.Joins {
				if err := s.join(i, path, spec); err != nil {
					return err
				}
			}
		}
		t, err = s.read(spec, asOf)
		return err
	})
	return t, err
}

// load makes a table of a file, every column as text, with the row's number.
func (s session) load(table, path string, spec pipeline.Spec) error {
	name := filepath.Base(path)
	info, err := os.Stat(path)
	if err != nil {
		return fault.New(fault.NotFound, "%s: there is no such file", name)
	}
	if info.Size() > spec.Limits.MaxBytes {
		return fault.New(fault.Invalid, "%s has %d bytes; limits.max_bytes is %d", name, info.Size(), spec.Limits.MaxBytes)
	}
	source := "read_parquet(" + text(path) + ")"
	switch strings.ToLower(filepath.Ext(path)) {
	case ".parquet":
	case ".csv":
		header, err := readHeader(path, name)
		if err != nil {
			return err
		}
		// Naming the columns keeps DuckDB from guessing another shape when a row does not fit.
		columns := make([]string, len(header))
		for i, column := range header {
			columns[i] = text(column) + ": 'VARCHAR'"
		}
		missing := make([]string, 0, 1+len(spec.Source.Missing))
		for _, value := range append([]string{""}, spec.Source.Missing...) {
			missing = append(missing, text(value))
		}
		source = fmt.Sprintf(`read_csv(%s, auto_detect = false, columns = {%s}, header = true, delim = ',', quote = '"', escape = '"', strict_mode = true, nullstr = [%s])`,
			text(path), strings.Join(columns, ", "), strings.Join(missing, ", "))
	default:
		return fault.New(fault.Invalid, "%s: .csv or .parquet is wanted", name)
	}
	if err := s.exec(fmt.Sprintf("CREATE TABLE %s AS SELECT CAST(COLUMNS(*) AS VARCHAR) FROM %s", table, source)); err != nil {
		if ctxErr := s.ctx.Err(); ctxErr != nil {
			return ctxErr
		}
		return fault.New(fault.Invalid, "%s: %s", name, readable(err))
	}
	var rows int64
	if err := s.one("SELECT count(*) FROM "+table, &rows); err != nil {
		return err
	}
	if rows > spec.Limits.MaxRows {
		return fault.New(fault.Invalid, "%s has %d rows; limits.max_rows is %d", name, rows, spec.Limits.MaxRows)
	}
	return nil
}

// readable keeps the line number of DuckDB's message and drops the rest, which may quote the row.
func readable(err error) string {
	message := err.Error()
	if _, rest, ok := strings.Cut(message, "on Line: "); ok {
		line, _, _ := strings.Cut(rest, "\n")
		kind := "the row does not fit the header"
		for part, meaning := range map[string]string{"quote": "a quote is not closed", "utf": "the text is not UTF-8", "Expected Number of Columns": "the number of fields is not the header's"} {
			if strings.Contains(message, part) {
				kind = meaning
			}
		}
		return fmt.Sprintf("line %s: %s", strings.TrimSpace(line), kind)
	}
	return "the file is not readable as its extension says"
}

// readHeader returns the column names and finds what DuckDB would quietly rename.
func readHeader(path, name string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.NotFound, "%s: there is no such file", name)
	}
	defer file.Close()
	header, err := csv.NewReader(file).Read()
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s:1: a header line with column names is wanted", name)
	}
	for i, column := range header {
		column = strings.TrimPrefix(column, "\ufeff")
		header[i] = column
		if column == "" || slices.Contains(header[:i], column) {
			return nil, fault.New(fault.Invalid, "%s:1: column %d has no name of its own; every column needs one", name, i+1)
		}
	}
	return header, nil
}

// join adds the columns of a further file to base.
func (s session) join(i int, path string, spec pipeline.Spec) error {
	on := spec.Entity
	if i < len(spec.Source.Join) {
		on = spec.Source.Join[i].On
	}
	table := fmt.Sprintf("join%d", i)
	if err := s.load(table, path, spec); err != nil {
		return err
	}
	for side, of := range map[string]string{"base": "the first file", table: filepath.Base(path)} {
		names, err := s.columns(side)
		if err != nil {
			return err
		}
		if !slices.Contains(names, on) {
			return fault.New(fault.Invalid, "%s has no column %q to join on", of, on)
		}
	}
	var repeated int64
	if err := s.one(fmt.Sprintf("SELECT count(%[1]s) - count(DISTINCT %[1]s) FROM %[2]s", quote(on), table), &repeated); err != nil {
		return err
	}
	if repeated > 0 {
		return fault.New(fault.Invalid, "%s: %d rows repeat a %q; a join must not multiply rows", filepath.Base(path), repeated, on)
	}
	if err := s.exec(fmt.Sprintf("CREATE TABLE joined AS SELECT * FROM base LEFT JOIN (SELECT * FROM %s) AS other USING (%s)", table, quote(on))); err != nil {
		return fault.New(fault.Invalid, "%s: columns of the same name as in the files before it", filepath.Base(path))
	}
	return s.exec("DROP TABLE base; ALTER TABLE joined RENAME TO base")
}

// kinds returns how a column is held.
func kindOf(spec pipeline.Spec, name string) dataset.Kind {
	if name == spec.Time {
		return dataset.Date
	}
	for _, c := range spec.Columns {
		if c.Name == name && c.Type == pipeline.Number {
			return dataset.Float
		}
	}
	return dataset.Text
}

// typed is the SQL of a column in its type; what does not parse becomes null.
func typed(kind dataset.Kind, name string) string {
	switch kind {
	case dataset.Date:
		return fmt.Sprintf("date_diff('day', DATE '1970-01-01', TRY_CAST(%s AS DATE))", quote(name))
	case dataset.Float:
		return fmt.Sprintf("CASE WHEN isfinite(TRY_CAST(%[1]s AS DOUBLE)) THEN TRY_CAST(%[1]s AS DOUBLE) END", quote(name))
	default:
		return quote(name)
	}
}

// read takes base out of DuckDB.
func (s session) read(spec pipeline.Spec, asOf time.Time) (dataset.Table, error) {
	names, err := s.columns("base")
	if err != nil {
		return dataset.Table{}, err
	}
	t := dataset.Table{Columns: make([]dataset.Column, len(names))}
	var selected, order []string
	for i, name := range names {
		kind := kindOf(spec, name)
		if err := s.checkParse(kind, name); err != nil {
			return dataset.Table{}, err
		}
		t.Columns[i] = dataset.Column{Name: name, Kind: kind}
		selected = append(selected, typed(kind, name)+" AS "+quote(name))
		order = append(order, quote(name))
	}
	for _, first := range []string{spec.Entity, spec.Time} {
		if i := slices.Index(names, first); i >= 0 {
			order = append([]string{quote(first)}, order...)
		}
	}
	where := ""
	if !asOf.IsZero() && slices.Contains(names, spec.Time) {
		where = fmt.Sprintf(" WHERE %s IS NULL OR %s <= %d", quote(spec.Time), quote(spec.Time), int64(dataset.Day(asOf)))
	}
	query := fmt.Sprintf("SELECT * FROM (SELECT %s FROM base)%s ORDER BY %s", strings.Join(selected, ", "), where, strings.Join(order, ", "))
	return t, s.scan(query, t.Columns)
}

func (s session) scan(query string, columns []dataset.Column) error {
	numbers, texts := make([]sql.NullFloat64, len(columns)), make([]sql.NullString, len(columns))
	targets := make([]any, len(columns))
	for i := range columns {
		targets[i] = &numbers[i]
		if columns[i].Kind == dataset.Text {
			targets[i] = &texts[i]
		}
	}
	return s.each(query, func() {
		for i := range columns {
			c := &columns[i]
			if c.Kind == dataset.Text {
				c.Texts, c.Valid = append(c.Texts, texts[i].String), append(c.Valid, texts[i].Valid)
				continue
			}
			value := math.NaN()
			if numbers[i].Valid {
				value = numbers[i].Float64
			}
			c.Floats = append(c.Floats, value)
		}
	}, targets...)
}

// checkParse counts values that are not of the column's type.
func (s session) checkParse(kind dataset.Kind, name string) error {
	if kind == dataset.Text {
		return nil
	}
	want := map[dataset.Kind]string{dataset.Float: "a finite number", dataset.Date: "a day such as 2026-06-30"}[kind]
	var count, first sql.NullInt64
	err := s.one(fmt.Sprintf("SELECT count(*), min(row) FROM (SELECT %s AS value, %s AS raw, row_number() OVER () AS row FROM base) WHERE raw IS NOT NULL AND value IS NULL",
		typed(kind, name), quote(name)), &count, &first)
	if err != nil {
		return errors.Join(fault.New(fault.Internal, "checking column %q", name), err)
	}
	if count.Int64 > 0 {
		return fault.New(fault.Invalid, "column %q: %d values are not %s, the first in data row %d", name, count.Int64, want, first.Int64)
	}
	return nil
}
