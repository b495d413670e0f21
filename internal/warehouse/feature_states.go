package warehouse

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// Days counts a view's rows in each of some files that Partition reads, by their days.
func (w *Warehouse) Days(ctx context.Context, of *feature.View, files []string) ([]map[feature.Day]int64, error) {
	if len(files) == 0 {
		return nil, nil
	}
	rows, place := make([]map[feature.Day]int64, len(files)), map[string]int{}
	for i, file := range files {
		rows[i], place[file] = map[feature.Day]int64{}, i
	}
	return rows, w.session(ctx, files, func(s session) error {
		if err := s.stage("input", stagedRows(files)); err != nil {
			return err
		}
		event, err := s.instant("input", of.EventTimestamp)
		if err != nil {
			return err
		}
		var file string
		var day feature.Day
		var count int64
		return s.told(s.each(fmt.Sprintf("SELECT filename, %s AS day, count(*) FROM %s WHERE %s IS NOT NULL GROUP BY ALL", dayOf(event), parquetFiles(files, "", ", filename = true"), quote(of.EventTimestamp)),
			func() { rows[place[file]][day] += count }, &file, &day, &count), fmt.Sprintf("view %q: its days", of.Name))
	})
}

// States gives what a view's rows of files that are known until a moment say of entities: of those of whom anything is new since another moment, nil for all of the view,
// in the order of the texts of their keys, without so many of the first. Of an entity of which there is nothing it is an empty part.
func (w *Warehouse) States(ctx context.Context, of *feature.View, days []feature.DayFiles, since *feature.Since, skip int, until feature.Instant, each func(feature.Key, feature.Part) error) error {
	v := featureView{of}
	all := days
	if since != nil {
		all = slices.Concat(days, since.Gone, since.New)
	}
	var files []string
	for _, day := range all {
		files = append(files, day.Rows)
		if day.Tiles != "" {
			files = append(files, day.Tiles)
		}
	}
	return w.session(ctx, files, func(s session) error {
		if err := s.states(v, days, since, skip, until); err != nil {
			return err
		}
		return s.eachState(v, each)
	})
}

// states makes the table entities (whose states are wanted) and the views newest (the newest row of each) and valid (their tiles).
func (s session) states(v featureView, days []feature.DayFiles, since *feature.Since, skip int, until feature.Instant) error {
	all := viewJoin{View: v, Partitions: days}
	statements, about := []string{all.whole("rows")}, "SELECT "+v.keys("")+" FROM rows WHERE origin = 0"
	if since != nil {
		changed := viewJoin{View: v, Partitions: slices.Concat(since.Gone, since.New)}
		statements = append(statements, changed.whole("changed"))
		// A row that was there and is there has two places. No file has a row twice.
		about = fmt.Sprintf("%s AND known > %d AND known <= %d UNION ALL SELECT %s FROM (SELECT * FROM changed WHERE origin = 0 GROUP BY ALL HAVING count(*) = 1)", about, since.Moment, until, v.keys(""))
	}
	statements = append(statements, fmt.Sprintf("CREATE TEMP TABLE entities AS SELECT DISTINCT %[1]s FROM (%[3]s) ORDER BY %[1]s OFFSET %[2]d", v.keys(""), skip, about),
		fmt.Sprintf("CREATE VIEW newest AS SELECT r.* FROM rows r SEMI JOIN entities e ON %s WHERE r.origin = 0 AND r.known <= %d QUALIFY row_number() OVER (PARTITION BY %s ORDER BY event DESC, created DESC, id DESC) = 1",
			v.same("r", "e"), until, v.keys("r.")))
	if len(v.Slots()) > 0 {
		statements = append(statements, all.tiles(0), fmt.Sprintf("CREATE VIEW valid AS SELECT * FROM tiles0 WHERE origin = 0 AND known <= %[1]d AND (until IS NULL OR until > %[1]d) AND day >= %[2]d",
			until, int(until.Day())-v.Window()))
	}
	for _, statement := range statements {
		if err := s.exec(statement); err != nil {
			return s.told(err, fmt.Sprintf("view %q: what it says of entities", v.Name))
		}
	}
	return nil
}

// whole makes a view of the rows with internal names.
func (j *viewJoin) whole(name string) string {
	var paths, none, selected []string
	for _, p := range j.Partitions {
		paths = append(paths, p.Rows)
	}
	add := func(column, of, as, expression string) {
		none = append(none, fmt.Sprintf("NULL::%s AS %s", of, quote(column)))
		selected = append(selected, expression+" AS "+as)
	}
	for k, key := range j.View.Keys {
		add(key, "VARCHAR", fmt.Sprintf("k%d", k), quote(key))
	}
	for _, instant := range [][2]string{{feature.EventColumn, "event"}, {feature.CreatedColumn, "created"}, {feature.KnownColumn, "known"}} {
		add(instant[0], "TIMESTAMP", instant[1], fmt.Sprintf("epoch_us(%s)", instant[0]))
	}
	add(feature.IDColumn, "VARCHAR", "id", fmt.Sprintf("coalesce(%s, '')", feature.IDColumn))
	add(feature.OriginColumn, "BIGINT", "origin", feature.OriginColumn)
	for k, c := range j.View.Inputs() {
		add(c.Name, featureTypes[c.Type], fmt.Sprintf("v%d", k), quote(c.Name))
	}
	return fmt.Sprintf("CREATE VIEW %s AS SELECT %s FROM %s", name, strings.Join(selected, ", "), parquetFiles(paths, strings.Join(none, ", "), ""))
}

// cellOf is a value of a type as SQL gives it to cells.
func cellOf(value string, of pipeline.ColumnType) string {
	if of == pipeline.Category || of == pipeline.Text {
		return value
	}
	if of == pipeline.Boolean {
		return fmt.Sprintf("CAST(CAST(%s AS INTEGER) AS DOUBLE)", value)
	}
	return number(value, of)
}

// cell scans a value.
type cell struct {
	number sql.NullFloat64
	text   sql.NullString
	texts  bool
}

func newCell(of pipeline.ColumnType) *cell {
	return &cell{texts: of == pipeline.Category || of == pipeline.Text}
}

func (c *cell) target() any {
	if c.texts {
		return &c.text
	}
	return &c.number
}

func (c *cell) value() transform.Value {
	if c.texts {
		return transform.Value{Text: c.text.String, Missing: !c.text.Valid}
	}
	return transform.Value{Number: c.number.Float64, Missing: !c.number.Valid}
}

// slotCell scans a slot of a tile.
type slotCell struct {
	slot           feature.Slot
	units          sql.NullInt64
	value          *cell
	event, created sql.NullInt64
	id             sql.NullString
	list           sql.NullString
}

// columns are what is selected of the tiles t for the slot, and targets where that goes.
func (c *slotCell) columns(i int, of pipeline.ColumnType) (columns []string, targets []any) {
	name := fmt.Sprintf("t.s%d", i)
	switch c.slot.Aggregate {
	case feature.Count, feature.Sum:
		return []string{name}, []any{&c.units}
	case feature.Distinct:
		return []string{fmt.Sprintf("CAST(to_json(%s) AS VARCHAR)", name)}, []any{&c.list}
	}
	c.value = newCell(of)
	columns, targets = []string{cellOf(name, of)}, []any{c.value.target()}
	if c.slot.Aggregate == feature.Last {
		columns = append(columns, fmt.Sprintf("epoch_us(%s_event)", name), fmt.Sprintf("epoch_us(%s_created)", name), name+"_id")
		targets = append(targets, &c.event, &c.created, &c.id)
	}
	return columns, targets
}

func (c *slotCell) partial() (p feature.Partial, err error) {
	p.Value.Missing = true
	switch c.slot.Aggregate {
	case feature.Count, feature.Sum:
		p.Number, p.TooLarge = feature.TotalOf(c.units.Int64), !c.units.Valid
	case feature.Distinct:
		if c.list.Valid {
			err = json.Unmarshal([]byte(c.list.String), &p.Texts)
		}
		if len(p.Texts) == 0 {
			p.Texts = nil
		}
	default:
		if p.Value = c.value.value(); c.slot.Aggregate == feature.Last && !p.Value.Missing {
			p.Of = feature.Position{Event: feature.Instant(c.event.Int64), Created: feature.Instant(c.created.Int64), ID: c.id.String}
		}
	}
	return p, fault.Wrap(fault.Internal, err, "a tile")
}

// eachState reads the states one after the other: of an entity there is a row for each of its tiles, or one.
func (s session) eachState(v featureView, each func(feature.Key, feature.Part) error) error {
	selected, targets := []string{v.keys("e.")}, make([]any, 0, 16)
	keys := make([]string, len(v.Keys))
	for i := range keys {
		targets = append(targets, &keys[i])
	}
	var event, created sql.NullInt64
	var id sql.NullString
	selected, targets = append(selected, "n.event", "n.created", "n.id"), append(targets, &event, &created, &id)
	inputs := make([]*cell, len(v.Inputs()))
	for i, c := range v.Inputs() {
		inputs[i] = newCell(c.Type)
		selected, targets = append(selected, cellOf(fmt.Sprintf("n.v%d", i), c.Type)), append(targets, inputs[i].target())
	}
	from, order := fmt.Sprintf("entities e LEFT JOIN newest n ON %s", v.same("e", "n")), v.keys("e.")
	var day sql.NullInt64
	slots := make([]*slotCell, len(v.Slots()))
	if len(slots) > 0 {
		from, order = fmt.Sprintf("%s LEFT JOIN valid t ON %s", from, v.same("e", "t")), order+", t.day"
		selected, targets = append(selected, "t.day"), append(targets, &day)
		for i, slot := range v.Slots() {
			slots[i] = &slotCell{slot: slot}
			_, of := v.input(slot.Column)
			columns, into := slots[i].columns(i, of)
			selected, targets = append(selected, columns...), append(targets, into...)
		}
	}
	var key feature.Key
	var part feature.Part
	var failed error
	flush := func() {
		if key != "" && failed == nil {
			failed = each(key, part)
		}
	}
	err := s.each(fmt.Sprintf("SELECT %s FROM %s ORDER BY %s", strings.Join(selected, ", "), from, order), func() {
		if next := feature.KeyOf(keys...); next != key {
			flush()
			key, part = next, feature.Part{}
			if event.Valid {
				part.Newest = &feature.Row{ID: id.String, Event: feature.Instant(event.Int64), Created: feature.Instant(created.Int64)}
				for _, c := range inputs {
					part.Newest.Values = append(part.Newest.Values, c.value())
				}
			}
		}
		if day.Valid {
			tile := feature.DayTile{Day: feature.Day(day.Int64)} //nolint:gosec // a day
			for _, slot := range slots {
				p, err := slot.partial()
				if err != nil && failed == nil {
					failed = err
				}
				tile.Tile = append(tile.Tile, p)
			}
			part.Days = append(part.Days, tile)
		}
	}, targets...)
	if err != nil {
		return s.told(err, fmt.Sprintf("view %q: what it says of entities", v.Name))
	}
	flush()
	return failed
}
