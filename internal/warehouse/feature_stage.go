package warehouse

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// stageFeatures makes the table rows of those of the periods, each once, with internal names: period (its place), day, known, k0…, event, created, id, origin, v0….
// They are in the order that files of rows have. The place of a row in its file tells which of two rows of a key is newer: by event, then created, then ID; of two
// origins that of files.
func (s session) stageFeatures(v featureView, from feature.RowFiles, periods []feature.Period) error {
	var origins []string
	for origin, paths := range [][]string{from.Files, from.Log} {
		if len(paths) == 0 {
			continue
		}
		query, err := s.origin(v, origin, paths)
		if err != nil {
			return err
		}
		origins = append(origins, query)
	}
	if len(origins) == 0 {
		origins = []string{v.noRows()}
	}
	doing := fmt.Sprintf("view %q: reading rows", v.Name)
	if err := s.exec("CREATE VIEW input AS " + strings.Join(origins, " UNION ALL ")); err != nil {
		return s.told(err, doing)
	}
	if err := s.complete(v); err != nil {
		return err
	}
	if err := s.exec(fmt.Sprintf(`CREATE TEMP TABLE rows AS SELECT DISTINCT p.period, p.day, greatest(i.event, i.created) AS known, i.* FROM input i JOIN %s p ON %s = p.day
ORDER BY period, %s, event, created, id, origin DESC`, daysOf(periods), dayOf("i.event"), v.keys(""))); err != nil {
		return s.told(err, doing)
	}
	return s.differing(v)
}

// daysOf is the relation of the days of periods, each with the place of its period.
func daysOf(periods []feature.Period) string {
	rows := []string{"(NULL::INTEGER, NULL::INTEGER, NULL::INTEGER)"}
	for i, p := range periods {
		rows = append(rows, fmt.Sprintf("(%d, %d, %d)", i, p.First, p.Last))
	}
	return fmt.Sprintf("(SELECT period, unnest(range(first, last + 1)) AS day FROM (VALUES %s) AS of(period, first, last))", strings.Join(rows, ", "))
}

// origin is the query of the rows that came from one place.
func (s session) origin(v featureView, origin int, paths []string) (string, error) {
	relation := fmt.Sprintf("origin%d", origin)
	if err := s.stage(relation, stagedRows(paths)); err != nil {
		return "", err
	}
	has, err := s.columns(relation)
	if err != nil {
		return "", err
	}
	for _, name := range v.sourceColumns() {
		if !slices.Contains(has, name) {
			return "", fault.New(fault.Invalid, "view %q: its rows have no column %q", v.Name, name)
		}
	}
	selected := make([]string, 0, len(has))
	for i, key := range v.Keys {
		selected = append(selected, fmt.Sprintf("CAST(%s AS VARCHAR) AS k%d", quote(key), i))
	}
	for _, column := range [][2]string{{v.EventTimestamp, "event"}, {v.CreatedTimestamp, "created"}} {
		of, err := s.typeOf(relation, column[0])
		if err != nil {
			return "", err
		}
		instant, err := instantOf(of, column[0])
		if err != nil {
			return "", fault.Wrap(fault.Invalid, err, "view %q", v.Name)
		}
		if of == "DATE" && column[1] == "created" { // in the course of that day it was maybe not known yet
			instant += fmt.Sprintf(" + %d", 24*time.Hour.Microseconds())
		}
		selected = append(selected, instant+" AS "+column[1])
	}
	id := "''"
	if v.ID != "" {
		id = fmt.Sprintf("coalesce(CAST(%s AS VARCHAR), '')", quote(v.ID))
	}
	selected = append(selected, id+" AS id", fmt.Sprintf("%d::BIGINT AS origin", origin))
	for i, c := range v.Inputs() {
		selected = append(selected, fmt.Sprintf("%s AS v%d", featureValue(quote(c.Name), c.Type), i))
	}
	return fmt.Sprintf("SELECT %s FROM %s", strings.Join(selected, ", "), relation), nil
}

// sourceColumns are those that a view's rows come with.
func (v featureView) sourceColumns() []string {
	names := append(slices.Clone(v.Keys), v.EventTimestamp, v.CreatedTimestamp)
	if v.ID != "" {
		names = append(names, v.ID)
	}
	for _, c := range v.Inputs() {
		names = append(names, c.Name)
	}
	return names
}

// noRows is the query of no rows, with the columns that rows have.
func (v featureView) noRows() string {
	var selected []string
	for i := range v.Keys {
		selected = append(selected, fmt.Sprintf("''::VARCHAR AS k%d", i))
	}
	selected = append(selected, "0::BIGINT AS event", "0::BIGINT AS created", "''::VARCHAR AS id", "0::BIGINT AS origin")
	for i, c := range v.Inputs() {
		selected = append(selected, fmt.Sprintf("NULL::%s AS v%d", featureTypes[c.Type], i))
	}
	return fmt.Sprintf("SELECT %s WHERE false", strings.Join(selected, ", "))
}

// complete holds rows to having keys and instants.
func (s session) complete(v featureView) error {
	conditions := []string{"event IS NULL", "created IS NULL"}
	for i := range v.Keys {
		conditions = append(conditions, fmt.Sprintf("k%d IS NULL", i))
	}
	var lacking int64
	if err := s.one("SELECT count(*) FROM input WHERE "+strings.Join(conditions, " OR "), &lacking); err != nil {
		return s.told(err, fmt.Sprintf("view %q: reading rows", v.Name))
	}
	if lacking > 0 {
		return fault.New(fault.Invalid, "view %q: %d rows lack one of %s, which every row has", v.Name, lacking, strings.Join(append(slices.Clone(v.Keys), v.EventTimestamp, v.CreatedTimestamp), ", "))
	}
	return nil
}

// differing refuses rows that say different things of the same.
func (s session) differing(v featureView) error {
	var repeated int64
	err := s.one(fmt.Sprintf("SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM rows GROUP BY %s, event, created, id, origin HAVING count(*) > 1)", v.keys("")), &repeated)
	if err != nil {
		return s.told(err, fmt.Sprintf("view %q: comparing rows", v.Name))
	}
	if repeated > 0 {
		return fault.New(fault.Invalid, "view %q: %d rows repeat %s, and differ; a correction has a newer %s, and rows of one instant an id of their own", v.Name, repeated,
			strings.Join(v.identity(), ", "), v.CreatedTimestamp)
	}
	return nil
}

// identity are the columns of which no two rows have the same.
func (v featureView) identity() []string {
	names := append(slices.Clone(v.Keys), v.EventTimestamp)
	if v.ID != "" {
		names = append(names, v.ID)
	}
	return append(names, v.CreatedTimestamp)
}

// input is the internal name of a column of rows, and its type.
func (v featureView) input(column string) (string, pipeline.ColumnType) {
	i := v.Input(column)
	if i < 0 {
		return "", ""
	}
	return fmt.Sprintf("v%d", i), v.Inputs()[i].Type
}
