package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/source"
)

// Outcomes writes what was known of each application to a Parquet file with the columns o.Application and o.Column: of the rows of one application
// that became known before o.Before the last one, and of rows that did so at the same instant the one that comes last in their relation. Entities are
// compared as they are written, as joins compare keys.
//
// A condition that is not SQL, and a column that is missing or that the applications have as well, are fault.Invalid.
func (w *Warehouse) Outcomes(ctx context.Context, base source.Staged, o source.Outcomes, to string) (found dataset.Outcomes, err error) {
	files := append(append(slices.Clone(base.Paths), o.Paths...), to)
	err = w.session(ctx, files, func(s session) error {
		if err := s.stageOutcomes(base, o); err != nil {
			return err
		}
		if found, err = s.countOutcomes(o); err != nil {
			return s.told(err, "counting "+o.Name)
		}
		return s.told(s.exec(fmt.Sprintf("COPY (SELECT id AS %s, label AS %s FROM latest ORDER BY ordinal) TO %s (FORMAT parquet, COMPRESSION snappy)",
			quote(o.Application), quote(o.Column), text(to))), "settling "+o.Name)
	})
	return found, err
}

// stageOutcomes makes the views told (all outcomes), known (those that count) and latest (one for each application), and base.
func (s session) stageOutcomes(base source.Staged, o source.Outcomes) error {
	if err := s.stage("base", base); err != nil {
		return err
	}
	if err := s.stage("raw", o.Staged); err != nil {
		return err
	}
	applications, err := s.columns("base")
	if err != nil {
		return err
	}
	if !slices.Contains(applications, o.Application) {
		return fault.New(fault.Invalid, "%s has no column %q, by which outcomes find their applications", base.Name, o.Application)
	}
	if i := slices.IndexFunc(applications, func(name string) bool { return strings.EqualFold(name, o.Column) }); i >= 0 {
		return fault.New(fault.Invalid, "%s has a column %q, and outcomes bring the label: leave it out (source.select), or do without outcomes", base.Name, applications[i])
	}
	has, err := s.columns("raw")
	if err != nil {
		return err
	}
	for _, column := range [][2]string{{"entity", o.Entity}, {"label", o.Label}} {
		if !slices.Contains(has, column[1]) {
			return fault.New(fault.Invalid, "%s has no column %q (outcomes.%s)", o.Name, column[1], column[0])
		}
	}
	for _, statement := range []string{
		fmt.Sprintf("CREATE VIEW told AS SELECT %s AS ordinal, CAST(%s AS VARCHAR) AS id, %s AS label, CAST(%s AS BIGINT) AS instant, CAST(%s AS BOOLEAN) AS misread FROM raw",
			quote(dataset.RowColumn), quote(o.Entity), quote(o.Label), quote(source.KnownColumn), quote(source.MisreadColumn)),
		fmt.Sprintf("CREATE VIEW known AS SELECT * FROM told WHERE id IS NOT NULL AND instant < %d", o.Before),
		"CREATE VIEW latest AS SELECT * FROM known QUALIFY row_number() OVER (PARTITION BY id ORDER BY instant DESC, ordinal DESC) = 1",
	} {
		if err := s.exec(statement); err != nil {
			return fault.Wrap(fault.Internal, err, "reading %s", o.Name)
		}
	}
	return nil
}

func (s session) countOutcomes(o source.Outcomes) (found dataset.Outcomes, err error) {
	if err := s.one(fmt.Sprintf("SELECT count(*), count(*) FILTER (id IS NOT NULL AND instant >= %d) FROM told", o.Before), &found.Rows, &found.Later); err != nil {
		return found, err
	}
	if err := s.one("SELECT (SELECT count(*) FROM known) - (SELECT count(*) FROM latest)", &found.Replaced); err != nil {
		return found, err
	}
	if err := s.one("SELECT count(*) FROM (SELECT id FROM known GROUP BY id HAVING count(DISTINCT coalesce(CAST(label AS VARCHAR), '')) > 1)", &found.Changed); err != nil {
		return found, err
	}
	for _, rule := range []struct {
		column    string
		rule      dataset.Rule
		condition string
	}{
		{o.Entity, dataset.RuleRequired, "told WHERE id IS NULL"},
		{o.KnownAt, dataset.RuleRequired, "told WHERE id IS NOT NULL AND instant IS NULL AND NOT misread"},
		{o.KnownAt, dataset.RuleType, "told WHERE id IS NOT NULL AND misread"},
		{o.Entity, dataset.RuleUnknownEntity, fmt.Sprintf("latest WHERE NOT EXISTS (SELECT 1 FROM base WHERE CAST(base.%s AS VARCHAR) = latest.id)", quote(o.Application))},
	} {
		breach := dataset.Breach{Column: rule.column, Rule: rule.rule}
		if breach.Count, breach.RowIDs, err = s.named(rule.condition); err != nil {
			return found, err
		}
		if breach.Count > 0 {
			found.Breaches = append(found.Breaches, breach)
		}
	}
	return found, nil
}
