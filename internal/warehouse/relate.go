package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// Relate joins relations to base, one after the other, and writes the rows in base's order to a Parquet file. Base has the column
// dataset.RowColumn, which orders and names its rows; what it has not is which of its own rows a condition or an inner join leaves out.
//
// A condition that is not SQL, a missing or repeated key and a column of two relations are fault.Invalid naming relation, column and count.
func (w *Warehouse) Relate(ctx context.Context, base source.Staged, joins []source.Joined, to string) error {
	files := append(slices.Clone(base.Paths), to)
	for _, join := range joins {
		files = append(files, join.Paths...)
	}
	return w.session(ctx, files, func(s session) error {
		if err := s.stage("joined0", base); err != nil {
			return err
		}
		for i, join := range joins {
			if err := s.join(i, base.Name, join); err != nil {
				return err
			}
		}
		return s.write(fmt.Sprintf("joined%d", len(joins)), to, "joining "+base.Name)
	})
}

// write writes a view in the order of its ordinals.
func (s session) write(view, to, doing string) error {
	return s.told(s.exec(fmt.Sprintf("COPY (SELECT * FROM %s ORDER BY %s) TO %s (FORMAT parquet, COMPRESSION snappy)", view, quote(dataset.RowColumn), text(to))), doing)
}

// stage makes a view of a relation.
func (s session) stage(view string, r source.Staged) error {
	paths := make([]string, len(r.Paths))
	for i, path := range r.Paths {
		paths[i] = text(path)
	}
	condition := ""
	if r.Where != "" {
		if err := s.expression(r.Where); err != nil {
			return fault.New(fault.Invalid, "%s: where %s", r.Name, err)
		}
		condition = " WHERE (" + r.Where + "\n)"
	}
	statement := fmt.Sprintf("CREATE VIEW %s AS SELECT * FROM read_parquet([%s])%s", view, strings.Join(paths, ", "), condition)
	if err := s.exec(statement); err != nil {
		if r.Where == "" || s.ctx.Err() != nil {
			return fault.Wrap(fault.Internal, err, "reading %s", r.Name)
		}
		return fault.New(fault.Invalid, "%s: where is no condition over its columns: %s", r.Name, firstLine(err))
	}
	return nil
}

// expression reports why a text is not one SQL expression, but a statement, or the end of one and the beginning of another.
func (s session) expression(condition string) error {
	var parsed any
	if err := s.db.QueryRowContext(s.ctx, "SELECT json_serialize_sql('SELECT 1 WHERE (' || ? || '\n)')", condition).Scan(&parsed); err != nil {
		return fault.Wrap(fault.Internal, err, "parsing a condition")
	}
	tree, err := json.Marshal(parsed)
	var query struct {
		Statements []struct {
			Node struct {
				Type string `json:"type"`
			} `json:"node"`
		} `json:"statements"`
	}
	if err == nil {
		err = json.Unmarshal(tree, &query)
	}
	if err != nil || len(query.Statements) != 1 || query.Statements[0].Node.Type != "SELECT_NODE" {
		return errors.New("is not one SQL condition")
	}
	return nil
}

// firstLine of a message of DuckDB's: what follows quotes the statement.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// join makes the view joined<i+1> of joined<i> and a relation.
func (s session) join(i int, base string, j source.Joined) error {
	left, other := fmt.Sprintf("joined%d", i), fmt.Sprintf("other%d", i)
	if err := s.stage(other, j.Staged); err != nil {
		return err
	}
	mine, err := s.columns(left)
	if err != nil {
		return err
	}
	theirs, err := s.columns(other)
	if err != nil {
		return err
	}
	for _, side := range []struct {
		name    string
		columns []string
	}{{base, mine}, {j.Name, theirs}} {
		for _, key := range j.On {
			if !slices.Contains(side.columns, key) {
				return fault.New(fault.Invalid, "%s has no column %q to join on", side.name, key)
			}
		}
	}
	for _, name := range theirs {
		if slices.Contains(j.On, name) {
			continue
		}
		// In SQL, names that differ by case alone are one.
		if i := slices.IndexFunc(mine, func(of string) bool { return strings.EqualFold(of, name) }); i >= 0 {
			return fault.New(fault.Invalid, "%s has a column %q as the relations before it have %q; select or rename its columns", j.Name, name, mine[i])
		}
	}
	if err := s.promised(left, base, j.On, j.Cardinality == pipeline.OneToOne); err != nil {
		return err
	}
	if err := s.promised(other, j.Name, j.On, true); err != nil {
		return err
	}
	kind := "LEFT"
	if j.Kind == pipeline.InnerJoin {
		kind = "INNER"
	}
	var on, keys []string
	for _, key := range j.On {
		on = append(on, fmt.Sprintf("CAST(l.%[1]s AS VARCHAR) = CAST(r.%[1]s AS VARCHAR)", quote(key)))
		keys = append(keys, quote(key))
	}
	added := fmt.Sprintf(", r.* EXCLUDE (%s)", strings.Join(keys, ", "))
	if len(theirs) == len(j.On) {
		added = ""
	}
	return s.exec(fmt.Sprintf("CREATE VIEW joined%d AS SELECT l.*%s FROM %s l %s JOIN %s r ON %s", i+1, added, left, kind, other, strings.Join(on, " AND ")))
}

// promised holds a relation to having each key once.
func (s session) promised(view, name string, on pipeline.Names, once bool) error {
	if !once {
		return nil
	}
	keys := make([]string, len(on))
	known := make([]string, len(on))
	for i, key := range on {
		keys[i], known[i] = quote(key), quote(key)+" IS NOT NULL"
	}
	var repeated int64
	err := s.one(fmt.Sprintf("SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1)",
		view, strings.Join(known, " AND "), strings.Join(keys, ", ")), &repeated)
	if err != nil {
		return s.told(err, "counting the keys of "+name)
	}
	if repeated > 0 {
		return fault.New(fault.Invalid, "%s: %d rows repeat %s; a join must not multiply rows", name, repeated, strings.Join(on, ", "))
	}
	return nil
}

// stagedRows are the parts of a dataset.
func stagedRows(paths []string) source.Staged {
	return source.Staged{Name: "the dataset", Paths: paths}
}

// Repeated counts the rows of a dataset's parts that repeat a value of a column.
func (w *Warehouse) Repeated(ctx context.Context, paths []string, column string) (rows int64, err error) {
	err = w.session(ctx, paths, func(s session) error {
		if err := s.stage("data", stagedRows(paths)); err != nil {
			return err
		}
		return s.told(s.one(fmt.Sprintf("SELECT count(%[1]s) - count(DISTINCT %[1]s) FROM data", quote(column)), &rows), "counting repeated values")
	})
	return rows, err
}
