package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/decision"
	"github.com/loanops/loanops/internal/monitor"
)

// Rows that are scored part by part are scored like the whole: rows that are refused, labels, days, segments and protected attributes keep their order.
func TestPartsAreScoredLikeTheWhole(t *testing.T) {
	b := newBench(t)
	made := b.train(t)
	m, err := getModel(t.Context(), b.objects, made.trained.Bundle)
	require.NoError(t, err)
	by := decision.Decider{Model: m, Meaning: b.spec.Label.Meaning, Policy: decision.PolicyOf(b.spec)}
	c := &contest{spec: b.spec, segment: "institution_type", deciders: []decision.Decider{by, by}}
	table, err := ReadTable(t.Context(), b.objects, made.split.Test)
	require.NoError(t, err)
	purpose := table.Column("purpose")
	for i := range 40 {
		purpose.Texts[7*i] = "boat"
	}
	labelled := func(t dataset.Table) ([]float64, error) { return labels(b.spec, t) }
	whole, err := c.score(table, labelled)
	require.NoError(t, err)
	require.Equal(t, 40, whole.Refused)
	require.Len(t, whole.Protected, 2)
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
	require.Equal(t, whole, c.join(parts))
	require.Len(t, c.join(nil).Scores, 2, "a dataset without parts has no rows")
}
