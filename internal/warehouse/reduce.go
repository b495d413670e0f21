package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Reduce takes the steps of tables over cleaned rows, one after the other, and writes the rows that are left, in their order, to a Parquet file. dropped
// says how many each step left out. label is the column without which a row is unlabelled.
func (w *Warehouse) Reduce(ctx context.Context, paths []string, steps []pipeline.CleanStep, label, to string) (dropped []int64, err error) {
	err = w.session(ctx, append(append([]string{}, paths...), to), func(s session) error {
		if err := s.stage("step0", stagedRows(paths)); err != nil {
			return err
		}
		before, err := s.count("step0")
		if err != nil {
			return err
		}
		for i, step := range steps {
			from, view := fmt.Sprintf("step%d", i), fmt.Sprintf("step%d", i+1)
			query, err := s.reduction(from, step, label)
			if err != nil {
				return err
			}
			if err := s.exec(fmt.Sprintf("CREATE VIEW %s AS %s", view, query)); err != nil {
				return fault.New(fault.Invalid, "clean: %s is no condition over the columns: %s", nameOf(step), firstLine(err))
			}
			after, err := s.count(view)
			if err != nil {
				return err
			}
			dropped, before = append(dropped, before-after), after
		}
		return s.write(fmt.Sprintf("step%d", len(steps)), to, "cleaning")
	})
	return dropped, err
}

func (s session) count(view string) (rows int64, err error) {
	err = s.one("SELECT count(*) FROM "+view, &rows)
	return rows, s.told(err, "cleaning")
}

// reduction is the query of the rows that a step leaves.
func (s session) reduction(from string, step pipeline.CleanStep, label string) (string, error) {
	switch {
	case step.Filter != nil:
		if err := s.expression(step.Filter.Keep); err != nil {
			return "", fault.New(fault.Invalid, "clean: filter %q: keep %s", step.Filter.Name, err)
		}
		return fmt.Sprintf("SELECT * FROM %s WHERE (%s\n)", from, step.Filter.Keep), nil
	case step.DropUnlabelled != nil:
		return fmt.Sprintf("SELECT * FROM %s WHERE %s IS NOT NULL", from, quote(label)), nil
	}
	key, err := s.key(from, step.DropDuplicates.Key)
	if err != nil {
		return "", err
	}
	order := "ASC"
	if step.DropDuplicates.Keep == "last" {
		order = "DESC"
	}
	return fmt.Sprintf("SELECT * FROM %s QUALIFY row_number() OVER (PARTITION BY %s ORDER BY %s %s) = 1", from, key, quote(dataset.RowColumn), order), nil
}

// key is the list of the columns in which duplicates are equal: the named ones, else all.
func (s session) key(from string, names []string) (string, error) {
	if len(names) == 0 {
		all, err := s.columns(from)
		if err != nil {
			return "", err
		}
		for _, name := range all {
			if name != dataset.RowColumn {
				names = append(names, name)
			}
		}
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", "), nil
}

func nameOf(step pipeline.CleanStep) string {
	if step.Filter != nil {
		return fmt.Sprintf("filter %q", step.Filter.Name)
	}
	return "drop_duplicates"
}

// Duplicates counts the rows of a dataset's parts that are equal to an earlier one in every column. Rows are compared by hashes of 64 bits, which
// differ for different rows but once in a hundred thousand datasets of ten million rows.
func (w *Warehouse) Duplicates(ctx context.Context, paths []string) (rows int64, err error) {
	err = w.session(ctx, paths, func(s session) error {
		if err := s.stage("data", stagedRows(paths)); err != nil {
			return err
		}
		key, err := s.key("data", nil)
		if err != nil {
			return err
		}
		return s.told(s.one(fmt.Sprintf("SELECT count(*) - count(DISTINCT hash(%s)) FROM data", key), &rows), "counting equal rows")
	})
	return rows, err
}
