package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
)

// read makes what the final statement of a join reads of a view: usable<i>, and where aggregates are wanted merged<i>.
func (s session) read(i int, j *viewJoin, crowd int64) error {
	doing := fmt.Sprintf("view %q: reading it", j.View.Name)
	if err := s.exec(j.rows(i)); err != nil {
		return s.told(err, doing)
	}
	var most int64
	if err := s.one(fmt.Sprintf("SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM rows%d GROUP BY %s)", i, j.View.keys("")), &most); err != nil {
		return s.told(err, doing)
	}
	j.crowded = most > crowd
	statements := []string{j.usable(i)}
	if j.merging() {
		statements = append(statements, j.tiles(i), j.current(i), j.merged(i))
	}
	for _, statement := range statements {
		if err := s.exec(statement); err != nil {
			return s.told(err, doing)
		}
	}
	return nil
}

// merging says whether any of the features is an aggregate.
func (j *viewJoin) merging() bool {
	return slices.ContainsFunc(j.wanted(), func(f *feature.Feature) bool { return !f.Plain() })
}

// wanted are the features.
func (j *viewJoin) wanted() []*feature.Feature {
	features := make([]*feature.Feature, len(j.Features))
	for i, f := range j.Features {
		features[i] = j.View.Feature(f.Name)
	}
	return features
}

// rows are those of the view, with internal names for what is wanted, and with their place: of two rows of a key the newer one has the greater place, and no two rows have the same. Days come one after the other,
// and the file of a period has its rows in order.
func (j *viewJoin) rows(i int) string {
	var paths, none, selected []string
	for _, p := range j.Partitions {
		paths = append(paths, p.Rows)
	}
	for k, key := range j.View.Keys {
		none = append(none, "''::VARCHAR AS "+quote(key))
		selected = append(selected, fmt.Sprintf("%s AS k%d", quote(key), k))
	}
	for _, name := range []string{feature.EventColumn, feature.KnownColumn} {
		none = append(none, "NULL::TIMESTAMP AS "+name)
	}
	for k, c := range j.View.Inputs() {
		if !slices.ContainsFunc(j.wanted(), func(f *feature.Feature) bool { return f.Plain() && f.Column() == c.Name }) {
			continue
		}
		none = append(none, fmt.Sprintf("NULL::%s AS %s", featureTypes[c.Type], quote(c.Name)))
		selected = append(selected, fmt.Sprintf("%s AS v%d", quote(c.Name), k))
	}
	none = append(none, "0::BIGINT AS "+feature.PlaceColumn)
	return fmt.Sprintf("CREATE VIEW rows%d AS SELECT %s, %s AS event, epoch_us(%s) AS known, %s * (1::BIGINT << 36) + %s AS place FROM %s",
		i, strings.Join(selected, ", "), feature.EventColumn, feature.KnownColumn, dayOf(fmt.Sprintf("epoch_us(%s)", feature.EventColumn)), feature.PlaceColumn,
		parquetFiles(paths, strings.Join(none, ", "), ", "+feature.PlaceColumn+" = true"))
}

// usable are the rows that are the newest of their key at any moment: from known on, and before until. The row that counts at a moment is
// the newest of those that were known by then, and not the one that was known last. So a row is never the newest where a newer one was known as soon; and else
// it is until the first time at which a newer one is. They are a table: what sorts them and what joins them would not share the memory that there is.
func (j *viewJoin) usable(i int) string {
	return fmt.Sprintf(`CREATE TEMP TABLE usable%[1]d AS SELECT * EXCLUDE (place) FROM (
	SELECT *, coalesce(min(known) OVER (PARTITION BY %[2]s ORDER BY place ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 9223372036854775807) AS until FROM rows%[1]d)
WHERE until > known`, i, j.View.keys(""))
}

// counting joins the base b with the row of the view that counts at the moment. Each row of the base has at most one: of few rows of a key all are looked at, which hashes can
// do; among many it is searched for.
func (j *viewJoin) counting(i int, kind string) string {
	var on []string
	for k, key := range j.keys {
		on = append(on, fmt.Sprintf("%s = r%d.k%d", key, i, k))
	}
	on = append(on, fmt.Sprintf("b.%s >= r%d.known", askedColumn, i))
	if j.crowded {
		kind = "ASOF " + kind
	} else {
		on = append(on, fmt.Sprintf("b.%[2]s < r%[1]d.until", i, askedColumn))
	}
	return fmt.Sprintf(" %[1]s JOIN usable%[2]d r%[2]d ON %[3]s", kind, i, strings.Join(on, " AND "))
}

// fresh is the condition that there is a row which counts, and that the TTL lets it.
func (j *viewJoin) fresh(i int) string {
	if j.View.TTL > 0 {
		return fmt.Sprintf("epoch_us(r%d.event) > b.%s - %d", i, askedColumn, micros(j.View.TTL))
	}
	return fmt.Sprintf("r%d.known IS NOT NULL", i)
}

// current are the rows of the base, by n, whose entities have a row that counts at the moment.
func (j *viewJoin) current(i int) string {
	return fmt.Sprintf("CREATE TEMP TABLE current%[1]d AS SELECT b.%[2]s AS n, b.%[3]s AS moment, %[4]s FROM asked b%[5]s WHERE %[6]s",
		i, quote(dataset.RowColumn), askedColumn, j.View.keys(fmt.Sprintf("r%d.", i)), j.counting(i, "INNER"), j.fresh(i))
}

// selected are the columns that the view brings to a row of the base.
func (j *viewJoin) selected(i int) (columns []string) {
	for k, f := range j.wanted() {
		column, _ := j.View.input(f.Column())
		value := fmt.Sprintf("r%d.%s", i, column)
		if !f.Plain() {
			value = j.View.value(f, fmt.Sprintf("merged%d.m%d", i, k))
		}
		columns = append(columns, fmt.Sprintf("CASE WHEN %s THEN CAST(%s AS %s) END AS %s", j.fresh(i), value, j.View.valueType(f), quote(j.Features[k].As)))
	}
	if j.Event != "" {
		columns = append(columns, fmt.Sprintf("r%d.event AS %s", i, quote(j.Event)))
	}
	return columns
}
