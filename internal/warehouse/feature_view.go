package warehouse

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// viewTable is a view whose rows a query reads, as a table of its name: the keys, feature.EventColumn, feature.CreatedColumn, feature.IDColumn where its rows have IDs, and its inputs.
// Rows that were corrected are in it as well, each with the time at which it was known.
type viewTable struct {
	View       featureView
	Partitions []feature.DayFiles
}

// CheckQuery holds a view's query, without any rows, to being one SELECT that reads the rows of the views alone, gives the same whenever it is asked, and has the columns of
// the view. What is wrong is fault.Invalid of a feature.QueryError.
func (w *Warehouse) CheckQuery(ctx context.Context, view *feature.View, from []*feature.View) error {
	return w.session(ctx, nil, func(s session) error {
		tables := make([]viewTable, len(from))
		for i := range from {
			tables[i].View = featureView{from[i]}
		}
		_, err := s.query(featureView{view}, tables)
		return err
	})
}

// QueryView writes the rows that a view's query makes of those of other views, see CheckQuery, to a Parquet file, as an ingestion would write them. Rows that
// repeat a key, instant, ID and time of being known are fault.Invalid with their number.
func (w *Warehouse) QueryView(ctx context.Context, view *feature.View, tables []feature.Table, to string) (err error) {
	v, from := featureView{view}, make([]viewTable, len(tables))
	for i, t := range tables {
		from[i] = viewTable{featureView{t.View}, t.Days}
	}
	defer func() {
		if err != nil {
			os.Remove(to)
		}
	}()
	files := []string{to}
	for _, table := range from {
		for _, p := range table.Partitions {
			files = append(files, p.Rows)
		}
	}
	one := &Warehouse{dir: w.dir, threads: 1} // sums of numbers, and what has no order of its own, come out the same each time
	return one.session(ctx, files, func(s session) error {
		columns, err := s.query(v, from)
		if err != nil {
			return err
		}
		doing := fmt.Sprintf("view %q: its query", v.Name)
		if err := s.exec(fmt.Sprintf("CREATE TEMP TABLE loanops_made AS SELECT %s FROM loanops_result", strings.Join(columns, ", "))); err != nil {
			return s.told(err, doing)
		}
		if err := s.repeating(v); err != nil {
			return err
		}
		return s.told(s.exec(fmt.Sprintf("COPY loanops_made TO %s "+parquetFormat, text(to))), doing)
	})
}

// query makes the view loanops_result of what a view's query gives, and returns the columns of the view as expressions over it.
func (s session) query(v featureView, from []viewTable) ([]string, error) {
	tables := make([]string, len(from))
	for i, table := range from {
		tables[i] = table.View.Name
		if err := s.exec(table.create()); err != nil {
			return nil, s.told(err, fmt.Sprintf("view %q: reading view %q", v.Name, table.View.Name))
		}
	}
	query := strings.TrimRight(v.SQL.Query, "; \t\r\n")
	if err := s.permitted(query, tables); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "view %q: its query", v.Name)
	}
	if err := s.exec("CREATE VIEW loanops_result AS SELECT * FROM (\n" + query + "\n)"); err != nil {
		if s.ctx.Err() != nil {
			return nil, s.ctx.Err()
		}
		return nil, fault.Wrap(fault.Invalid, bound(query, err, 1), "view %q: its query", v.Name)
	}
	types := map[string]string{}
	var name, of string
	if err := s.each("SELECT column_name, column_type FROM (DESCRIBE loanops_result)", func() { types[name] = of }, &name, &of); err != nil {
		return nil, s.told(err, fmt.Sprintf("view %q: its query", v.Name))
	}
	columns, err := v.outputs(types)
	return columns, fault.Wrap(fault.Invalid, err, "view %q: its query", v.Name)
}

// create makes a table of the view's rows.
func (t viewTable) create() string {
	var paths, none, selected []string
	for _, p := range t.Partitions {
		paths = append(paths, p.Rows)
	}
	add := func(name, of string) {
		none = append(none, fmt.Sprintf("NULL::%s AS %s", of, quote(name)))
		selected = append(selected, quote(name))
	}
	for _, key := range t.View.Keys {
		add(key, "VARCHAR")
	}
	add(feature.EventColumn, "TIMESTAMP")
	add(feature.CreatedColumn, "TIMESTAMP")
	if t.View.ID != "" {
		add(feature.IDColumn, "VARCHAR")
	}
	for _, c := range t.View.Inputs() {
		add(c.Name, featureTypes[c.Type])
	}
	return fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM %s", quote(t.View.Name), strings.Join(selected, ", "), parquetFiles(paths, strings.Join(none, ", "), ""))
}

// fitTypes are the types of SQL whose values a column of a type takes; the first is named where another one is given.
var fitTypes = map[pipeline.ColumnType][]string{
	pipeline.Number:   {"DOUBLE", "FLOAT", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
	pipeline.Integer:  {"BIGINT", "TINYINT", "SMALLINT", "INTEGER", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
	pipeline.Decimal:  {"DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"},
	pipeline.Boolean:  {"BOOLEAN"},
	pipeline.Category: {"VARCHAR"}, pipeline.Text: {"VARCHAR"},
	pipeline.Day:       {"DATE"},
	pipeline.Timestamp: {"TIMESTAMP", "DATE"},
}

// outputs are the columns of a view as expressions over what its query gives, which has these types.
func (v featureView) outputs(types map[string]string) ([]string, error) {
	selected := []string{}
	take := func(name string, of pipeline.ColumnType, key bool) error {
		given, has := types[name]
		if !has {
			return &feature.QueryError{Text: fmt.Sprintf("gives no column %q; the keys, both timestamps and the columns of the view are wanted", name)}
		}
		base, _, _ := strings.Cut(given, "(")
		if fits := fitTypes[of]; !key && !slices.Contains(fits, base) {
			return &feature.QueryError{Text: fmt.Sprintf("gives column %q as %s; %s is wanted, CAST makes one", name, given, fits[0])}
		}
		value := featureValue(quote(name), of)
		if of == pipeline.Timestamp {
			value = fmt.Sprintf("CAST(%s AS TIMESTAMP) AT TIME ZONE 'UTC'", quote(name)) // an ingestion asks of which zone an instant is
		}
		selected = append(selected, fmt.Sprintf("%s AS %s", value, quote(name)))
		return nil
	}
	times := []string{v.EventTimestamp, v.CreatedTimestamp}
	for i, name := range v.sourceColumns() {
		if slices.Contains(v.sourceColumns()[:i], name) { // one column may be both timestamps
			continue
		}
		of, key := pipeline.Text, true
		if k := v.Input(name); k >= 0 {
			of, key = v.Inputs()[k].Type, false
		} else if slices.Contains(times, name) {
			of, key = pipeline.Timestamp, false
		}
		if err := take(name, of, key); err != nil {
			return nil, err
		}
	}
	return selected, nil
}

// repeating refuses rows that are of one key, instant, ID and time of being known.
func (s session) repeating(v featureView) error {
	names := v.identity()
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	var repeated int64
	if err := s.one(fmt.Sprintf("SELECT count(*) - count(DISTINCT (%s)) FROM loanops_made", strings.Join(quoted, ", ")), &repeated); err != nil {
		return s.told(err, fmt.Sprintf("view %q: counting the keys of its query", v.Name))
	}
	if repeated > 0 {
		return fault.New(fault.Invalid, "view %q: %d rows of its query repeat %s; a row of each is wanted, as GROUP BY gives it", v.Name, repeated, strings.Join(names, ", "))
	}
	return nil
}
