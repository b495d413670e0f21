package activities

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/monitor"
)

// compared is a contest of the champion with itself, and the rows of its test part.
func compared(t *testing.T) (*contest, dataset.Table) {
	b := newBench(t)
	made := b.train(t)
	m, err := getModel(t.Context(), b.objects, made.trained.Bundle)
	require.NoError(t, err)
	by := decision.Decider{Model: m, Meaning: b.spec.Label.Meaning, Policy: decision.PolicyOf(b.spec)}
	table, err := ReadTable(t.Context(), b.objects, made.split.Test)
	require.NoError(t, err)
	return &contest{spec: b.spec, segment: "institution_type", deciders: []decision.Decider{by, by}}, table
}

// joined scores rows in parts of 90.
func joined(t *testing.T, c *contest, table dataset.Table, labelled func(dataset.Table) ([]float64, error)) monitor.Scored {
	var parts []monitor.Scored
	for from := 0; from < table.Rows(); from += 90 {
		var rows []int
		for row := from; row < min(from+90, table.Rows()); row++ {
			rows = append(rows, row)
		}
		part, err := c.score(table.Select(rows), labelled)
		require.NoError(t, err)
		parts = append(parts, part)
	}
	require.Greater(t, len(parts), 3)
	return c.join(parts)
}

// Rows that are scored part by part are scored like the whole: rows that are refused, labels, days, segments and protected attributes keep their order.
func TestPartsAreScoredLikeTheWhole(t *testing.T) {
	c, table := compared(t)
	purpose := table.Column("purpose")
	for i := range 40 {
		purpose.Texts[7*i] = "boat"
	}
	labelled := func(t dataset.Table) ([]float64, error) { return labels(c.spec, t) }
	whole, err := c.score(table, labelled)
	require.NoError(t, err)
	require.Equal(t, 40, whole.Refused)
	require.Len(t, whole.Protected, 2)
	require.Equal(t, whole, joined(t, c, table, labelled))
	require.Len(t, c.join(nil).Scores, 2, "a dataset without parts has no rows")
}

// A number that the champion reads and the spec in force declares no more is text. Where that is no number the row is refused, as a predictor would, and
// no other: how the rows are cut into parts does not matter, not even where the first part has no row that is taken, or all are refused.
func TestRowsAreRefusedOneByOne(t *testing.T) {
	c, table := compared(t)
	want, err := c.score(table, func(t dataset.Table) ([]float64, error) { return labels(c.spec, t) })
	require.NoError(t, err)
	amount := table.Column("loan_amount")
	numbers := amount.Floats
	*amount = dataset.Column{Name: amount.Name, Kind: dataset.Text, Texts: make([]string, len(numbers)), Valid: make([]bool, len(numbers))}
	for _, refused := range []int{0, 1, 90, 100, len(numbers)} {
		for i, x := range numbers {
			amount.Texts[i], amount.Valid[i] = strconv.FormatFloat(x, 'g', -1, 64), true
			if i < refused {
				amount.Texts[i] = "n/a"
			}
		}
		labelled := func(t dataset.Table) ([]float64, error) { return labels(c.spec, t) }
		whole, err := c.score(table, labelled)
		require.NoError(t, err)
		require.Equal(t, refused, whole.Refused)
		require.Equal(t, want.Scores[0][refused:], append([]float64{}, whole.Scores[0]...), "the others are scored as they were")
		require.Equal(t, whole, joined(t, c, table, labelled), "%d rows are refused", refused)
	}
}
