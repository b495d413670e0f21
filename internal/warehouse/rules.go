package warehouse

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Broken holds the rows of a dataset's parts against rules across columns and returns, in the rules' order, how many rows each is false for, and
// some of them. A rule that is neither true nor false of a row, for a value is missing, is not broken by it.
func (w *Warehouse) Broken(ctx context.Context, paths []string, rules []pipeline.Rule, entity string) (broken []dataset.Breach, err error) {
	err = w.session(ctx, paths, func(s session) error {
		if err := s.stage("data", stagedRows(paths)); err != nil {
			return err
		}
		id := "NULL"
		if entity != "" {
			id = "CAST(" + quote(entity) + " AS VARCHAR)"
		}
		for i, rule := range rules {
			if err := s.expression(rule.Expression); err != nil {
				return fault.New(fault.Invalid, "rule %q: expression %s", rule.Name, err)
			}
			view := fmt.Sprintf("broken%d", i)
			if err := s.exec(fmt.Sprintf("CREATE VIEW %s AS SELECT %s AS ordinal, %s AS id FROM data WHERE NOT (%s\n)", view, quote(dataset.RowColumn), id, rule.Expression)); err != nil {
				return fault.New(fault.Invalid, "rule %q is no condition over the columns: %s", rule.Name, firstLine(err))
			}
			breach := dataset.Breach{Rule: dataset.Rule(rule.Name)}
			var err error
			if breach.Count, breach.RowIDs, err = s.named(view); err != nil {
				return s.told(err, fmt.Sprintf("rule %q", rule.Name))
			}
			broken = append(broken, breach)
		}
		return nil
	})
	return broken, err
}

// named counts rows that have the columns ordinal and id, and names some of them.
func (s session) named(from string) (rows int64, ids []string, err error) {
	if err := s.one("SELECT count(*) FROM "+from, &rows); err != nil || rows == 0 {
		return rows, nil, err
	}
	var ordinal int64
	var entity sql.NullString
	err = s.each(fmt.Sprintf("SELECT ordinal, id FROM %s ORDER BY ordinal LIMIT %d", from, dataset.MaxRowIDs),
		func() { ids = append(ids, dataset.RowID(entity.String, ordinal)) }, &ordinal, &entity)
	return rows, ids, err
}
