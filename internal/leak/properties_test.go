package leak_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// secret is in every text, so that a message that shows a value is seen.
const secret = "Jane Doe"

// anything draws a table of any kind: many ties, missing values, columns that leak and such that do not, labels that are not known.
func anything(t *rapid.T) *data {
	rows := rapid.IntRange(0, 400).Draw(t, "rows")
	seed := rapid.Uint64().Draw(t, "seed")
	d := draw(0, 0)
	share := rapid.Float64Range(0, 1).Draw(t, "share")
	unknown := rapid.Float64Range(0, 0.3).Draw(t, "unknown")
	at := func(i, j int) float64 { return below01(seed, i, j) }
	for i := range rows {
		label := 0.
		if at(i, -1) < share {
			label = 1
		}
		if at(i, -2) < unknown {
			label = math.NaN()
		}
		d.y = append(d.y, label)
	}
	for j := range rapid.IntRange(0, 5).Draw(t, "columns") {
		values := rapid.SampledFrom([]float64{1, 2, 5, 30, 1e6}).Draw(t, "values")
		missing := rapid.Float64Range(0, 1).Draw(t, "missing")
		tells := rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "tells")
		number := func(i int, bad bool) float64 {
			if bad != (at(i, 10*j) < 0.5) && at(i, 10*j+1) < missing {
				return math.NaN()
			}
			value := math.Floor(values * at(i, 10*j+2))
			if bad && at(i, 10*j+3) < tells {
				value -= values
			}
			return value
		}
		if rapid.Bool().Draw(t, "text") {
			d.text(fmt.Sprint("column ", j), func(i int, bad bool) string {
				if value := number(i, bad); value == value {
					return fmt.Sprint(secret, " ", value)
				}
				return ""
			})
		} else {
			d.number(fmt.Sprint("column ", j), number)
		}
	}
	if rapid.Bool().Draw(t, "entity") {
		d.entity(func(i int, bad bool) string {
			if bad && at(i, -3) < share {
				return fmt.Sprint(secret, " ", i, "*")
			}
			return fmt.Sprint(secret, " ", i)
		})
	}
	return d
}

// below01 is a number from 0 to 1 of a row and a column.
func below01(seed uint64, i, j int) float64 {
	x := seed + uint64(i)*0x9e3779b97f4a7c15 + uint64(int64(j))*0xc2b2ae3d27d4eb4f
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x^x>>31)>>11) / (1 << 53)
}

func TestAnyTableIsJudged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		vetoes := d.vetoes()
		require.Equal(t, vetoes, d.vetoes(), "twice the same")
		for _, v := range vetoes {
			require.Greater(t, v.Effect, v.Bound, "%+v", v)
			require.LessOrEqual(t, v.Effect, 1.)
			require.Positive(t, v.Count)
			require.LessOrEqual(t, v.Count, len(d.y))
			require.NotContains(t, v.Message, secret)
			require.NotEmpty(t, v.Message)
		}
	})
}

func TestAnySplitIsJudged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		var rows [3][]int
		for i := range d.y {
			for part := range rows {
				if below01(uint64(part), i, part) < 0.5 { // a row may be in several parts
					rows[part] = append(rows[part], i)
				}
			}
		}
		for _, v := range acrossSplit(d.spec, d.table.Select(rows[0]), d.table.Select(rows[1]), d.table.Select(rows[2])) {
			require.Greater(t, v.Effect, v.Bound, "%+v", v)
			require.LessOrEqual(t, v.Effect, 1.)
			require.LessOrEqual(t, v.Count, len(d.y))
			require.NotContains(t, v.Message, secret)
		}
	})
}

// A column is judged by itself, wherever it stands.
func TestTheOrderOfColumnsDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		vetoes := d.vetoes()
		order := rapid.Permutation(d.spec.Columns).Draw(t, "order")
		shuffled := pipeline.Spec{Entity: d.spec.Entity, Columns: order}
		table := dataset.Table{Columns: rapid.Permutation(d.table.Columns).Draw(t, "table")}
		again := features(shuffled, table, d.y, leak.Options{})
		require.ElementsMatch(t, vetoes, again)
		require.True(t, slices.IsSortedFunc(again, func(a, b leak.Veto) int { return place(shuffled, a) - place(shuffled, b) }), "in the spec's order")
	})
}

// place is where a veto's column stands in the spec: the entity after the features, rows last.
func place(spec pipeline.Spec, v leak.Veto) int {
	for i, column := range spec.Columns {
		if column.Name == v.Column {
			return i
		}
	}
	if v.Column != "" {
		return len(spec.Columns)
	}
	return len(spec.Columns) + 1
}

// Which label is the positive one is a matter of words.
func TestLabelsMayBeExchanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		vetoes := d.vetoes()
		for i := range d.y {
			d.y[i] = 1 - d.y[i]
		}
		flipped := d.vetoes()
		require.Equal(t, names(vetoes), names(flipped))
		for i := range vetoes {
			require.InDelta(t, vetoes[i].Effect, flipped[i].Effect, 1e-9)
			require.InDelta(t, vetoes[i].Bound, flipped[i].Bound, 1e-9)
			require.Equal(t, vetoes[i].Count, flipped[i].Count)
		}
	})
}

// What a number counts in does not matter, nor how a category is spelled.
func TestUnitsAndSpellingDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		d.spec.Entity = ""
		vetoes := d.vetoes()
		for j := range d.table.Columns {
			c := &d.table.Columns[j]
			for i := range c.Floats {
				c.Floats[i] = 3*c.Floats[i] + math.Exp(math.Min(c.Floats[i], 20)/20)
			}
			for i := range c.Texts {
				c.Texts[i] = strings.ToUpper(c.Texts[i])
			}
		}
		require.Equal(t, vetoes, d.vetoes())
	})
}

// Nothing is learned from rows whose label is not known.
func TestValuesOfRowsWithoutALabelDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := anything(t)
		vetoes := d.vetoes()
		for j := range d.table.Columns {
			c := &d.table.Columns[j]
			for i := range d.y {
				if d.y[i] == d.y[i] {
					continue
				}
				if c.Kind == dataset.Text {
					c.Texts[i], c.Valid[i] = "another", !c.Valid[i]
				} else {
					c.Floats[i] = 1e12
				}
			}
		}
		require.Equal(t, vetoes, d.vetoes())
	})
}
