package warehouse

import (
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/feature"
)

// tiles are the editions of the view's tiles with internal names, those of slots as in featureView.slot.
func (j *viewJoin) tiles(i int) string {
	var paths, none, selected []string
	for _, p := range j.Partitions {
		paths = append(paths, p.Tiles)
	}
	for k, key := range j.View.Keys {
		none = append(none, "''::VARCHAR AS "+quote(key))
		selected = append(selected, fmt.Sprintf("%s AS k%d", quote(key), k))
	}
	none = append(none, "NULL::DATE AS "+feature.DayColumn, "0::BIGINT AS "+feature.OriginColumn, "NULL::TIMESTAMP AS "+feature.KnownColumn, "NULL::TIMESTAMP AS "+feature.UntilColumn)
	for k, slot := range j.View.Slots() {
		columns, types := feature.TileColumns(slot), j.View.slotTypes(slot)
		for m, part := range []string{"", "_event", "_created", "_id"}[:len(columns)] {
			none = append(none, fmt.Sprintf("NULL::%s AS %s", types[m], quote(columns[m])))
			selected = append(selected, fmt.Sprintf("%s AS s%d%s", quote(columns[m]), k, part))
		}
	}
	return fmt.Sprintf("CREATE VIEW tiles%d AS SELECT %s, (%s - DATE '1970-01-01') AS day, %s AS origin, epoch_us(%s) AS known, epoch_us(%s) AS until FROM %s", i,
		strings.Join(selected, ", "), feature.DayColumn, feature.OriginColumn, feature.KnownColumn, feature.UntilColumn, parquetFiles(paths, strings.Join(none, ", "), ""))
}

// slotTypes are how the columns of a slot are held.
func (v featureView) slotTypes(slot feature.Slot) []string {
	_, of := v.input(slot.Column)
	switch slot.Aggregate {
	case feature.Count, feature.Sum:
		return []string{"BIGINT"}
	case feature.Distinct:
		return []string{"VARCHAR[]"}
	}
	return []string{featureTypes[of], "TIMESTAMP", "TIMESTAMP", "VARCHAR"}
}

// merged are the aggregates of the wanted features over the tiles that lie in their windows, of each the edition that was known at the moment. A moment without
// such a tile has none.
func (j *viewJoin) merged(i int) string {
	selected := []string{"c.n"}
	longest := 0
	for k, f := range j.wanted() {
		if !f.Plain() {
			selected = append(selected, j.View.merge(f, k)...)
			longest = max(longest, f.Days())
		}
	}
	today := dayOf("c.moment")
	return fmt.Sprintf(`CREATE VIEW merged%[1]d AS SELECT %[2]s FROM current%[1]d c JOIN tiles%[1]d t
	ON %[3]s AND t.day BETWEEN %[4]s - %[5]d AND %[4]s AND t.known <= c.moment AND (t.until IS NULL OR t.until > c.moment)
GROUP BY c.n`, i, strings.Join(selected, ", "), j.View.same("c", "t"), today, longest)
}

// merge are the aggregates that a feature is made of: m0, and of a mean m0_count as well.
func (v featureView) merge(f *feature.Feature, k int) []string {
	within := fmt.Sprintf(" FILTER (t.day >= %s - %d)", dayOf("c.moment"), f.Days())
	as := fmt.Sprintf(" AS m%d", k)
	slot := func(of feature.Aggregate) string {
		return fmt.Sprintf("t.s%d", slices.Index(v.Slots(), feature.Slot{Aggregate: of, Column: f.Column()}))
	}
	// A tile whose sum is no 64-bit number has none; with it, that of the window is none either.
	sum := func() string {
		return fmt.Sprintf("CASE WHEN count(%[1]s)%[2]s = count(*)%[2]s THEN sum(%[1]s)%[2]s ELSE 9223372036854775808::HUGEINT END", slot(feature.Sum), within) + as
	}
	switch f.Aggregate {
	case feature.Count:
		return []string{fmt.Sprintf("sum(%s)%s", slot(feature.Count), within) + as}
	case feature.Sum:
		return []string{sum()}
	case feature.Mean:
		return []string{sum(), fmt.Sprintf("sum(%s)%s", slot(feature.Count), within) + as + "_count"}
	case feature.Last:
		s := slot(feature.Last)
		return []string{fmt.Sprintf("arg_max(%[1]s, row(%[1]s_event, %[1]s_created, %[1]s_id, -t.origin))%[2]s", s, within) + as}
	case feature.Distinct:
		return []string{fmt.Sprintf("list_unique(flatten(list(%s)%s))", slot(feature.Distinct), within) + as}
	default:
		return []string{fmt.Sprintf("%s(%s)%s", f.Aggregate, slot(f.Aggregate), within) + as}
	}
}

// value is a feature of what is merged.
func (v featureView) value(f *feature.Feature, merged string) string {
	_, of := v.input(f.Column())
	switch f.Aggregate {
	case feature.Count, feature.Distinct:
		return fmt.Sprintf("coalesce(%s, 0)", merged)
	case feature.Sum:
		sum := fitting(fmt.Sprintf("coalesce(%s, 0)", merged))
		if feature.Decimals(of) == 0 {
			return sum
		}
		return fmt.Sprintf("CAST(%s AS DOUBLE) / 1e%d", sum, feature.Decimals(of))
	case feature.Mean:
		return fmt.Sprintf("CASE WHEN %[1]s_count > 0 THEN CAST(%[2]s AS DOUBLE) / 1e%[3]d / CAST(%[1]s_count AS DOUBLE) END", merged, fitting("coalesce("+merged+", 0)"), feature.Decimals(of))
	}
	return merged
}
