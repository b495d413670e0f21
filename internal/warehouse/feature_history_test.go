package warehouse_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// history is a view and rows of it: late, corrected and repeated ones.
type history struct {
	view *feature.View
	rows []said
}

var inputTypes = []pipeline.ColumnType{pipeline.Number, pipeline.Integer, pipeline.Boolean, pipeline.Decimal, pipeline.Category, pipeline.Text, pipeline.Day, pipeline.Timestamp}

var kinds = map[pipeline.ColumnType]dataset.Kind{
	pipeline.Number: dataset.Float, pipeline.Integer: dataset.Integer, pipeline.Boolean: dataset.Boolean, pipeline.Decimal: dataset.Decimal,
	pipeline.Category: dataset.Text, pipeline.Text: dataset.Text, pipeline.Day: dataset.Date, pipeline.Timestamp: dataset.Timestamp,
}

// inputValues are those that may go wrong: zeros of both signs, what is just not another, what has more decimals than are summed, halves.
var inputValues = map[pipeline.ColumnType][]any{
	pipeline.Number:    {nil, 0.0, math.Copysign(0, -1), 0.1, 0.30000000000000004, 0.3, 1e6, 1e10, 1234567.25, -2.5e-7, 5e-7, 1e-5, -1234567890.123, 9e12, 9e12, -9e12},
	pipeline.Integer:   {nil, 0.0, 1.0, -7.0, 1e6, 9007199254740991.0},
	pipeline.Boolean:   {nil, 0.0, 1.0},
	pipeline.Decimal:   {nil, 0.0, 12.34, -0.0001, 1234567.0, 99999999999.9999, 0.5},
	pipeline.Category:  {nil, "car", "home"},
	pipeline.Text:      {nil, "", "a", "ä", "it's", "[1, \"2\"]"},
	pipeline.Day:       {nil, -1.0, 0.0, 20000.0},
	pipeline.Timestamp: {nil, -1.0, 0.0, 1.7e15},
}

// instants are around borders of days and before 1970 as well.
func instants() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		return rapid.Int64Range(-3, 5).Draw(t, "day")*day + rapid.SampledFrom([]int64{0, 1, day / 2, day - 1}).Draw(t, "time")
	})
}

func drawView(t *rapid.T, name string) *feature.View {
	v := &feature.View{Name: name, EventTimestamp: "happened", CreatedTimestamp: "recorded"}
	keys := []string{"applicant"}
	if rapid.Bool().Draw(t, "two keys") {
		keys = append(keys, "Branch of")
	}
	if rapid.Bool().Draw(t, "rows have IDs") {
		v.ID = "number"
	}
	if rapid.Bool().Draw(t, "has a TTL") {
		v.TTL = feature.Span(rapid.SampledFrom([]time.Duration{time.Microsecond, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour}).Draw(t, "ttl"))
	}
	for i := range rapid.IntRange(1, 8).Draw(t, "columns") {
		names := []string{"id", "created", "event", "k0", "known", "until", "place", "period"} // as the SQL may call others
		v.Columns = append(v.Columns, pipeline.Column{Name: names[i], Type: rapid.SampledFrom(inputTypes).Draw(t, "type")})
	}
	for i := range rapid.IntRange(1, 16).Draw(t, "features") {
		f := feature.Feature{Name: fmt.Sprintf("%s f%d", name, i)}
		column := rapid.SampledFrom(v.Columns).Draw(t, "of")
		f.Of = column.Name
		if rapid.IntRange(0, 3).Draw(t, "plain") == 0 {
			if rapid.Bool().Draw(t, "of its own") {
				f.Of, f.Type = "", rapid.SampledFrom(inputTypes).Draw(t, "type")
			}
		} else {
			f.Over = feature.Span(rapid.IntRange(1, 4).Draw(t, "over")) * feature.Span(24*time.Hour)
			f.Aggregate = rapid.SampledFrom(feature.Aggregates).Draw(t, "aggregate")
			switch {
			case (f.Aggregate == feature.Sum || f.Aggregate == feature.Mean) && !column.Type.Numeric():
				f.Aggregate = feature.Last
			case f.Aggregate == feature.Count && rapid.Bool().Draw(t, "of rows"):
				f.Of = ""
			}
		}
		v.Features = append(v.Features, f)
	}
	return keyed(v, keys...)
}

var (
	keyTexts      = []string{"a", "b", "", "A"}
	firstKeyTexts = append([]string{"B", "ä", "aa", "ab", " ", "'", `"`, "0", "00", "1", "10", "NULL"}, keyTexts...)
)

func drawKeys(t *rapid.T, n int) []string {
	return append([]string{rapid.SampledFrom(firstKeyTexts).Draw(t, "key")}, rapid.SliceOfN(rapid.SampledFrom(keyTexts), n-1, n-1).Draw(t, "further keys")...)
}

func drawValues(t *rapid.T, v *feature.View) []any {
	var values []any
	for _, c := range v.Inputs() {
		values = append(values, rapid.SampledFrom(inputValues[c.Type]).Draw(t, "value"))
	}
	return values
}

// drawHistory makes rows in the order in which they come: of no two that differ are key, instant, ID, origin and time of being known the same.
func drawHistory(t *rapid.T, name string) history {
	h := history{view: drawView(t, name)}
	for range rapid.IntRange(0, 160).Draw(t, "rows") {
		r := said{keys: drawKeys(t, len(h.view.Keys)), event: instants().Draw(t, "event"), origin: rapid.IntRange(0, 1).Draw(t, "origin")}
		if h.view.ID != "" {
			r.id = rapid.SampledFrom([]string{"1", "2", "10", ""}).Draw(t, "id")
		}
		r.created = r.event + rapid.SampledFrom([]int64{-day, 0, 1, day / 2, day, 3 * day}).Draw(t, "later")
		r.values = drawValues(t, h.view)
		if len(h.rows) > 0 {
			before := rapid.SampledFrom(h.rows).Draw(t, "before")
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				r = before
			case 1, 2: // a correction, or a version that is older and comes later
				r.keys, r.event, r.id, r.origin = before.keys, before.event, before.id, before.origin
				r.created = before.created + rapid.SampledFrom([]int64{-1, 1, day, 2 * day}).Draw(t, "corrected")
			}
		}
		same := slices.ContainsFunc(h.rows, func(o said) bool {
			return slices.Equal(o.keys, r.keys) && o.origin == r.origin && newness(&o, &r) == 0 && !slices.Equal(o.values, r.values)
		})
		if !same {
			h.rows = append(h.rows, r)
		}
	}
	return h
}

// once are the rows without those that are repeated.
func (h history) once() (rows []said) {
	for _, r := range h.rows {
		if !slices.ContainsFunc(rows, func(o said) bool { return slices.Equal(o.keys, r.keys) && newness(&o, &r) == 0 }) {
			rows = append(rows, r)
		}
	}
	return rows
}

func column(name string, of pipeline.ColumnType) dataset.Column {
	return dataset.Column{Name: name, Kind: kinds[of]}
}

func add(c *dataset.Column, value any) {
	switch {
	case c.Kind == dataset.Text:
		text, _ := value.(string)
		c.Texts, c.Valid = append(c.Texts, text), append(c.Valid, value != nil)
	case value == nil:
		c.Floats = append(c.Floats, math.NaN())
	default:
		c.Floats = append(c.Floats, value.(float64))
	}
}

// table is rows as an ingestion writes them.
func (h history) table(rows []said) dataset.Table {
	v := h.view
	var t dataset.Table
	for i, key := range v.Keys {
		c := column(key, pipeline.Text)
		for _, r := range rows {
			add(&c, r.keys[i])
		}
		t.Columns = append(t.Columns, c)
	}
	id, event, created := column(v.ID, pipeline.Text), column(v.EventTimestamp, pipeline.Timestamp), column(v.CreatedTimestamp, pipeline.Timestamp)
	for _, r := range rows {
		add(&id, r.id)
		add(&event, float64(r.event))
		add(&created, float64(r.created))
	}
	if t.Columns = append(t.Columns, event, created); v.ID != "" {
		t.Columns = append(t.Columns, id)
	}
	for i, of := range v.Inputs() {
		c := column(of.Name, of.Type)
		for _, r := range rows {
			add(&c, r.values[i])
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// files writes rows by their origins, several files each, every other one in the opposite order.
func (h history) files(t require.TestingT, folder string, rows []said, parts int) (from feature.RowFiles) {
	for origin, paths := range []*[]string{&from.Files, &from.Log} {
		var of []said
		for _, r := range rows {
			if r.origin == origin {
				of = append(of, r)
			}
		}
		for part := range parts {
			some := of[len(of)*part/parts : len(of)*(part+1)/parts]
			if len(some) == 0 {
				continue
			}
			if part%2 == 1 {
				some = slices.Clone(some)
				slices.Reverse(some)
			}
			path := filepath.Join(folder, fmt.Sprintf("in-%d-%d-%d.parquet", origin, parts, part))
			writeTable(t, path, h.table(some))
			*paths = append(*paths, path)
		}
	}
	return from
}

func writeTable(t require.TestingT, path string, table dataset.Table) {
	out, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, dataset.WriteParquet(out, table))
	require.NoError(t, out.Close())
}

func readTable(t require.TestingT, path string) *dataset.Table {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	table, err := dataset.ReadParquet(data)
	require.NoError(t, err)
	return &table
}

// folder is a new one, and how to remove it: a property is checked many times in one test.
func folder(t *testing.T) string {
	path, err := os.MkdirTemp(t.TempDir(), "")
	require.NoError(t, err)
	return path
}

// periods are those that rows are kept by.
func periods(rows []said) []feature.Period {
	days := map[feature.Day]int64{}
	for _, r := range rows {
		days[feature.Instant(r.event).Day()]++
	}
	return feature.Periods(days)
}

// drawPeriods are some that have all days that histories have: of one day and of several.
func drawPeriods(t *rapid.T) (all []feature.Period) {
	for first := feature.Day(-4); first <= 6; first = all[len(all)-1].Last + 1 {
		all = append(all, feature.Period{First: first, Last: first + feature.Day(rapid.IntRange(0, 4).Draw(t, "days more"))})
	}
	return all
}

// keyed is the view about entities with these keys.
func keyed(v *feature.View, keys ...string) *feature.View {
	v.Keys = keys
	return v
}
