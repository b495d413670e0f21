package warehouse

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// stageTiles makes the table tiles of the editions of tiles that are made of the table rows, in the order that files of them have.
func (s session) stageTiles(v featureView) error {
	if len(v.Slots()) == 0 {
		return nil
	}
	if err := s.summable(v); err != nil {
		return err
	}
	for _, statement := range []string{v.several(), v.versions(), v.editions(), v.tiles()} {
		if err := s.exec(statement); err != nil {
			return s.told(err, fmt.Sprintf("view %q: tiles", v.Name))
		}
	}
	return nil
}

// several are the key, day and origin of tiles of more than one row. Most tiles of most views are of one: these have one edition, and no corrections.
func (v featureView) several() string {
	return fmt.Sprintf("CREATE TEMP TABLE several AS SELECT %s, day, origin FROM rows GROUP BY ALL HAVING count(*) > 1", v.keys(""))
}

// versions are the rows of such tiles, each with its place by which of those of one key and origin the newer one has the greater, and with the instant
// from which a correction has their place. One that was corrected before it could be used never counts.
func (v featureView) versions() string {
	return fmt.Sprintf(`CREATE TEMP TABLE versions AS SELECT * FROM (
	SELECT r.*, r.rowid AS place, lead(r.known) OVER (PARTITION BY %s, r.event, r.id, r.origin ORDER BY r.created) AS ended FROM rows r SEMI JOIN several o ON %s AND r.day = o.day AND r.origin = o.origin)
WHERE ended IS NULL OR ended > known`, v.keys("r."), v.same("r", "o"))
}

// editions are, by key, day and origin, the instants at which rows became known, each with the next one.
func (v featureView) editions() string {
	return fmt.Sprintf(`CREATE TEMP TABLE editions AS SELECT *, lead(known) OVER (PARTITION BY %[1]s, day, origin ORDER BY known) AS until FROM (
	SELECT DISTINCT %[1]s, period, day, origin, known FROM versions)`, v.keys(""))
}

// tiles are the aggregates over the versions that each edition is made of, and what single rows come to.
func (v featureView) tiles() string {
	many := []string{v.keys("e."), "e.period", "e.day", "e.origin", "e.known", "e.until"}
	one := []string{v.keys("r."), "r.period", "r.day", "r.origin", "r.known", "NULL::BIGINT"}
	for i, slot := range v.Slots() {
		many, one = append(many, v.slot(slot, i)...), append(one, v.slotOfOne(slot)...)
	}
	return fmt.Sprintf(`CREATE TEMP TABLE tiles AS SELECT * FROM (
	SELECT %[1]s FROM editions e JOIN versions r ON %[2]s AND e.day = r.day AND e.origin = r.origin AND r.known <= e.known AND (r.ended IS NULL OR r.ended > e.known) GROUP BY ALL
	UNION ALL SELECT %[3]s FROM rows r ANTI JOIN several o ON %[4]s AND r.day = o.day AND r.origin = o.origin)
ORDER BY period, %[5]s, day, origin, known`, strings.Join(many, ", "), v.same("e", "r"), strings.Join(one, ", "), v.same("r", "o"), v.keys(""))
}

// slot are the aggregates of a slot, by the internal names s0, s0_event and so on.
func (v featureView) slot(slot feature.Slot, i int) []string {
	name, of := v.input(slot.Column)
	value := "r." + name
	as := fmt.Sprintf(" AS s%d", i)
	switch slot.Aggregate {
	case feature.Count:
		if name == "" {
			value = "*"
		}
		return []string{fmt.Sprintf("count(%s)", value) + as}
	case feature.Sum:
		return []string{fitting(fmt.Sprintf("coalesce(sum(%s), 0)", units(value, of))) + as}
	case feature.Last:
		newest := func(what string) string {
			return fmt.Sprintf("arg_max(%s, r.place) FILTER (%s IS NOT NULL)", what, value)
		}
		return []string{newest(value) + as, newest("r.event") + as + "_event", newest("r.created") + as + "_created", newest("r.id") + as + "_id"}
	case feature.Distinct:
		return []string{fmt.Sprintf("list_sort(list_distinct(coalesce(list(%s) FILTER (%s IS NOT NULL), []::VARCHAR[])))", textOf(value, of), value) + as}
	default: // the smallest and the largest
		return []string{fmt.Sprintf("%s(%s)", slot.Aggregate, value) + as}
	}
}

// slotOfOne is what slot comes to of one row.
func (v featureView) slotOfOne(slot feature.Slot) []string {
	name, of := v.input(slot.Column)
	value := "r." + name
	where := func(what string) string { return fmt.Sprintf("CASE WHEN %s IS NOT NULL THEN %s END", value, what) }
	switch slot.Aggregate {
	case feature.Count:
		if name == "" {
			return []string{"1::BIGINT"}
		}
		return []string{fmt.Sprintf("CAST(%s IS NOT NULL AS BIGINT)", value)}
	case feature.Sum:
		return []string{fmt.Sprintf("coalesce(%s, 0)", units(value, of))}
	case feature.Last:
		return []string{value, where("r.event"), where("r.created"), where("r.id")}
	case feature.Distinct:
		return []string{fmt.Sprintf("CASE WHEN %s IS NULL THEN []::VARCHAR[] ELSE [%s] END", value, textOf(value, of))}
	default: // the smallest and the largest
		return []string{value}
	}
}

// units are the whole units that are summed of a value, see feature.Decimals.
func units(value string, of pipeline.ColumnType) string {
	switch of {
	case pipeline.Number, pipeline.Decimal:
		return fmt.Sprintf("CAST(%s AS BIGINT)", rounded(value, of))
	}
	return fmt.Sprintf("CAST(%s AS BIGINT)", value)
}

// rounded is a value in units before it is a whole number: round is half away from zero.
func rounded(value string, of pipeline.ColumnType) string {
	return fmt.Sprintf("round(%s * 1e%d)", number(value, of), feature.Decimals(of))
}

// number is a value as Go has it: an amount is its whole units, divided. DuckDB does so by itself, and ten times faster, as long as a number holds all of them.
func number(value string, of pipeline.ColumnType) string {
	if of == pipeline.Decimal {
		return fmt.Sprintf("(CASE WHEN %[1]s BETWEEN -900000000000 AND 900000000000 THEN CAST(%[1]s AS DOUBLE) ELSE CAST(CAST(CAST(%[1]s AS DECIMAL(38, %[2]d)) * 1%[3]s AS BIGINT) AS DOUBLE) / 1e%[2]d END)",
			value, pipeline.DecimalPlaces, strings.Repeat("0", pipeline.DecimalPlaces))
	}
	return fmt.Sprintf("CAST(%s AS DOUBLE)", value)
}

// summable refuses values that are no 64-bit number of units. Amounts have too few digits to be any.
func (s session) summable(v featureView) error {
	for _, slot := range v.Slots() {
		name, of := v.input(slot.Column)
		if slot.Aggregate != feature.Sum && slot.Aggregate != feature.Distinct || of != pipeline.Number {
			continue
		}
		var large int64
		if err := s.one(fmt.Sprintf("SELECT count(*) FROM rows WHERE abs(%s) >= 9223372036854775808::DOUBLE", rounded(name, of)), &large); err != nil {
			return s.told(err, fmt.Sprintf("view %q: sums", v.Name))
		}
		if large > 0 {
			return fault.New(fault.Invalid, "view %q: %d values of %q are too large to be taken to %d decimals", v.Name, large, slot.Column, feature.Decimals(of))
		}
	}
	return nil
}

// fitting is a sum as 64-bit number; null where it is none. Sums of DuckDB's have 128 bits.
func fitting(sum string) string {
	return fmt.Sprintf("CASE WHEN %[1]s BETWEEN -9223372036854775808 AND 9223372036854775807 THEN CAST(%[1]s AS BIGINT) END", sum)
}

// fileTiles are the columns of a file of tiles.
func (v featureView) fileTiles() []string {
	selected := append(v.keysAs(), "(DATE '1970-01-01' + CAST(day AS INTEGER)) AS "+feature.DayColumn, "origin AS "+feature.OriginColumn, timestamped("known", feature.KnownColumn), timestamped("until", feature.UntilColumn))
	for i, slot := range v.Slots() {
		columns := feature.TileColumns(slot)
		selected = append(selected, fmt.Sprintf("s%d AS %s", i, quote(columns[0])))
		if slot.Aggregate == feature.Last {
			selected = append(selected, timestamped(fmt.Sprintf("s%d_event", i), quote(columns[1])), timestamped(fmt.Sprintf("s%d_created", i), quote(columns[2])),
				fmt.Sprintf("s%d_id AS %s", i, quote(columns[3])))
		}
	}
	return selected
}

// textOf is a value as text, by which different ones are told apart: a text itself; of a number how many of its last decimal it is; a day and a timestamp the number of
// days and of microseconds since 1970-01-01.
func textOf(value string, of pipeline.ColumnType) string {
	switch of {
	case pipeline.Category, pipeline.Text:
		return value
	case pipeline.Day:
		return fmt.Sprintf("CAST(%s - DATE '1970-01-01' AS VARCHAR)", value)
	case pipeline.Timestamp:
		return fmt.Sprintf("CAST(epoch_us(%s) AS VARCHAR)", value)
	}
	return fmt.Sprintf("CAST(%s AS VARCHAR)", units(value, of))
}
