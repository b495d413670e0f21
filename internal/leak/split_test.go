package leak_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/leak"
	"github.com/loanops/loanops/internal/pipeline"
)

// parts are the rows of three parts: the first half, the next quarter, the last, and what is copied from the first into the last.
func (d *data) parts(copied ...int) (train, validation, test dataset.Table) {
	var rows [3][]int
	for i := range d.y {
		part := max(0, 4*i/len(d.y)-1)
		rows[part] = append(rows[part], i)
	}
	return d.table.Select(rows[0]), d.table.Select(rows[1]), d.table.Select(append(rows[2], copied...))
}

func upTo(n int) []int {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = i
	}
	return rows
}

// applications have an income to the unit, two coarse columns, and an amount to the thousand.
func applications(rows int) *data {
	d := draw(rows, 0.2)
	d.number("income", func(int, bool) float64 { return math.Round(30_000 * math.Exp(d.rng.NormFloat64())) })
	d.number("amount", func(int, bool) float64 { return 1000 * float64(1+d.rng.IntN(40)) })
	d.text("purpose", func(int, bool) string { return fmt.Sprint("purpose ", d.rng.IntN(5)) })
	d.number("currency", func(int, bool) float64 { return 978 })
	return d.text("home", func(int, bool) string { return fmt.Sprint("home ", d.rng.IntN(3)) })
}

func TestFindsCopies(t *testing.T) {
	t.Parallel()
	d := applications(4000)
	require.Empty(t, acrossSplit(splitOf(d)))
	require.Empty(t, acrossSplit(splitOf(d, upTo(8)...)), "fewer than one in a hundred")
	vetoes := acrossSplit(splitOf(d, upTo(60)...))
	require.Equal(t, []string{"duplicates"}, names(vetoes))
	require.InDelta(t, 60, vetoes[0].Count, 2)
	require.InDelta(t, 60./1060, vetoes[0].Effect, 0.002)
	require.Equal(t, 0.01, vetoes[0].Bound)
}

// Validation is held against training, and test against both.
func TestFindsCopiesInEveryLaterPart(t *testing.T) {
	t.Parallel()
	d := applications(4000)
	train, _, _ := d.parts()
	other := applications(2000)
	vetoes := acrossSplit(d.spec, other.table, train, train)
	require.Equal(t, []string{"duplicates"}, names(vetoes), "the test part is the validation part")
	require.Contains(t, vetoes[0].Message, "test part")
	require.InDelta(t, 1, vetoes[0].Effect, 0.1)
	require.Len(t, acrossSplit(d.spec, train, train, train), 2)
}

func splitOf(d *data, copied ...int) (spec pipeline.Spec, train, validation, test dataset.Table) {
	train, validation, test = d.parts(copied...)
	return d.spec, train, validation, test
}

// Different applicants are equal where features are coarse, and one content of defaults may come in many rows.
func TestChanceDuplicatesAreSilent(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*data{
		"five categories": func() *data {
			d := draw(4000, 0.2)
			for j := range 5 {
				d.text(fmt.Sprint("c", j), func(int, bool) string { return fmt.Sprint(d.rng.IntN(4)) })
			}
			return d
		}(),
		"one category in columns of 0 and 1": func() *data {
			d := draw(4000, 0.2)
			chosen := make([]int, 4000)
			for i := range chosen {
				chosen[i] = d.rng.IntN(150)
			}
			for which := range 150 {
				d.number(fmt.Sprint("c", which), func(i int, _ bool) float64 {
					if chosen[i] == which {
						return 1
					}
					return 0
				})
			}
			return d
		}(),
		"twenty flags": func() *data {
			d := draw(4000, 0.2)
			for j := range 20 {
				d.text(fmt.Sprint("c", j), func(int, bool) string { return fmt.Sprint(d.chance(0.1)) })
			}
			return d
		}(),
		"an amount and a flag": func() *data {
			d := draw(4000, 0.2)
			d.number("amount", func(int, bool) float64 { return float64(d.rng.IntN(1500)) })
			return d.text("flag", func(int, bool) string { return fmt.Sprint(d.chance(0.05)) })
		}(),
		"a twentieth without any record": func() *data {
			d := draw(4000, 0.2)
			none := make([]bool, 4000)
			for i := range none {
				none[i] = d.chance(0.05)
			}
			for j := range 10 {
				d.number(fmt.Sprint("c", j), func(i int, _ bool) float64 {
					if none[i] {
						return -9
					}
					return math.Round(1000 * d.rng.NormFloat64())
				})
			}
			return d
		}(),
		"nothing":    draw(400, 0.2).number("x", func(int, bool) float64 { return math.NaN() }),
		"no feature": draw(400, 0.2),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, acrossSplit(splitOf(d)))
		})
	}
}

func TestMissingValuesAreEqualAndKindsAreNot(t *testing.T) {
	t.Parallel()
	d := applications(1000)
	for i := range 1000 {
		d.table.Columns[2].Valid[i] = i%2 == 0
		if i%2 == 1 {
			d.table.Columns[2].Texts[i] = fmt.Sprint("not valid ", i)
		}
	}
	vetoes := acrossSplit(splitOf(d, upTo(50)...))
	require.Equal(t, []string{"duplicates"}, names(vetoes))
	require.InDelta(t, 50, vetoes[0].Count, 3)
}

func TestPartsWithoutRowsOrColumns(t *testing.T) {
	t.Parallel()
	d := applications(300).entity(func(i int, _ bool) string { return fmt.Sprint(i) })
	none := d.table.Select(nil)
	require.Empty(t, acrossSplit(d.spec, none, none, none))
	require.Empty(t, acrossSplit(d.spec, dataset.Table{}, dataset.Table{}, dataset.Table{}))
	require.Empty(t, acrossSplit(d.spec, d.table, none, dataset.Table{}))
	lacking := dataset.Table{Columns: slices.Clone(d.table.Columns[:1])}
	require.NotPanics(t, func() { acrossSplit(d.spec, d.table, lacking, d.table) })
	require.Empty(t, acrossSplit(pipeline.Spec{}, d.table, d.table, d.table), "no features, no entity")
}

// The batches in which rows come do not matter, nor does their order.
func TestPartsInBatches(t *testing.T) {
	t.Parallel()
	d := applications(4000)
	want := acrossSplit(splitOf(d, upTo(60)...))
	require.Len(t, want, 1)
	spec, train, validation, test := splitOf(d, upTo(60)...)
	inBatches := func(table dataset.Table) dataset.Batches {
		return dataset.Batches{Rows: table.Rows(), Each: func(_ context.Context, columns []string, do func(int, dataset.Table) error) error {
			for to := table.Rows(); to > 0; to -= 170 {
				first := max(0, to-170)
				batch := table.Select(upTo(to)[first:])
				batch.Columns = slices.DeleteFunc(batch.Columns, func(c dataset.Column) bool { return !slices.Contains(columns, c.Name) })
				if err := do(first, batch); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	got, err := leak.Split(t.Context(), spec, inBatches(train), inBatches(validation), inBatches(test))
	require.NoError(t, err)
	require.Equal(t, want, got)

	broken := dataset.Batches{Rows: 3, Each: func(context.Context, []string, func(int, dataset.Table) error) error { return io.ErrUnexpectedEOF }}
	_, err = leak.Split(t.Context(), spec, inBatches(train), broken, inBatches(test))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = leak.Features(t.Context(), spec, func(context.Context, string) (*dataset.Column, error) { return nil, io.ErrUnexpectedEOF }, d.y, leak.Options{})
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
