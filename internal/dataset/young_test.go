package dataset_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/statistics"
)

func lookedAt(spec pipeline.Spec, table dataset.Table, maxShare float64, misread dataset.Misread) []string {
	spec.Schema.Quarantine.MaxShare = maxShare
	v := dataset.NewValidator(spec, knownAt)
	found, _ := v.Check(table, misread)
	return v.JudgeYoung(found, table.Fields()).Messages(dataset.Error)
}

func rowsFrom(table dataset.Table, from, n int) dataset.Table {
	rows := make([]int, n)
	for i := range rows {
		rows[i] = from + i
	}
	return table.Select(rows)
}

// Nothing is wrong with the simulated population: of a thousand looks at few of its rows at most two find something, as the level of each of four shares allows.
func TestFewRowsAreWrongByNoChance(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	for _, n := range []int{1, 2, 3, 5, 10, 20, 50, 100} {
		looks, wrong := 0, 0
		for from := 0; from+n <= table.Rows() && looks < 1000; from += n {
			looks++
			if len(lookedAt(spec, rowsFrom(table, from, n), 0, nil)) > 0 {
				wrong++
			}
		}
		require.LessOrEqual(t, float64(wrong), 0.002*float64(looks), "looks of %d rows", n)
	}
}

// Wanted values: binomial tails by Python's fractions. Of utilisation 12 % may be missing; P(X >= 10) of 30 rows is 0.0019, P(X >= 11) 0.00045.
func TestALookFindsSharesBeyondChance(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	missing := func(of, n int, column string) dataset.Table {
		part := rowsFrom(table, 0, of)
		c := part.Column(column)
		for i := range c.Floats {
			c.Floats[i] = 0.5
			if i < n {
				c.Floats[i] = math.NaN()
			}
		}
		for _, other := range []string{"annual_income", "employment_years", "debt_to_income", "utilisation"} {
			for i, x := range part.Column(other).Floats {
				if other != column && math.IsNaN(x) {
					part.Column(other).Floats[i] = 1
				}
			}
		}
		return part
	}
	for _, test := range []struct {
		of, n    int
		column   string
		maxShare float64
		wrong    int // findings
	}{
		{30, 10, "utilisation", 0, 0},
		{30, 11, "utilisation", 0, 1},
		{600, 150, "utilisation", 0, 1},
		{1, 1, "inquiries_6m", 0, 2},     // no row of it is accepted: one is more
		{10, 2, "inquiries_6m", 0.05, 0}, // P(X >= 2) is 0.086
		{9, 4, "inquiries_6m", 0.05, 2},  // P(X >= 4) is 0.00064
		{10, 4, "inquiries_6m", 0.05, 0}, // 0.00103
		{10, 5, "inquiries_6m", 0.05, 2}, // 0.000064
		{600, 60, "inquiries_6m", 0.05, 2},
		{600, 40, "inquiries_6m", 0.05, 0}, // 0.042
	} {
		require.Len(t, lookedAt(spec, missing(test.of, test.n, test.column), test.maxShare, nil), test.wrong, "%+v", test)
	}
	// A training takes no more than the spec says.
	part := missing(30, 10, "utilisation")
	v := dataset.NewValidator(spec, knownAt)
	found, _ := v.Check(part, nil)
	require.Contains(t, v.Judge(found, part.Fields()).Messages(dataset.Error), `column "utilisation": 10 of 30 values (33.33 %) are missing, 12 % are accepted (missing_max)`)
}

// What became of a whole column is seen in very few rows.
func TestALookAtFewRowsFindsAnotherTypeAndAMissingColumn(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	part := rowsFrom(table, 0, 3)
	for i := range part.Rows() {
		part.Column("term_months").Floats[i] = math.NaN()
	}
	require.Contains(t, lookedAt(spec, part, 0.05, dataset.Misread{"term_months": {0, 1, 2}}), `column "term_months": 3 values are no number after cleaning`)
	part = rowsFrom(table, 0, 1)
	part.Column("purpose").Name = "use"
	require.Contains(t, lookedAt(spec, part, 0.05, nil), `column "purpose" is missing`)
}

// Labels are not expected of rows that are looked at, so that their column may be missing: that is told. A training cannot do without.
func TestALookMayBeAtRowsWithoutTheLabelColumn(t *testing.T) {
	t.Parallel()
	spec, table := population(t)
	part := rowsFrom(table, 0, 50)
	part.Columns = slices.DeleteFunc(part.Columns, func(c dataset.Column) bool { return c.Name == spec.Label.Column })
	spec.Schema.Quarantine.MaxShare = 0.05
	v := dataset.NewValidator(spec, knownAt)
	found, _ := v.Check(part, nil)
	const says = `the label column "defaulted" is missing`
	looked := v.JudgeYoung(found, part.Fields())
	require.Empty(t, looked.Messages(dataset.Error))
	require.Equal(t, []string{says}, looked.Messages(dataset.Warning))
	trained := v.Judge(found, part.Fields())
	require.Contains(t, trained.Messages(dataset.Error), says)
}

// One outcome of 50 that cannot be read is more than a hundredth of them, and no more than chance explains (0.39); of five it is not so (0.00015; Python's fractions).
func TestALookFindsUnreadOutcomesBeyondChance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		count         int64
		trained, look int // errors
	}{{0, 0, 0}, {1, 1, 0}, {5, 1, 1}} {
		found := dataset.Outcomes{Rows: 50, Breaches: []dataset.Breach{{Column: "day", Rule: dataset.RuleType, Count: test.count}}}
		var trained, looked dataset.Report
		trained.Outcomes(found, 0.01, statistics.Above)
		looked.Outcomes(found, 0.01, statistics.BeyondChance)
		require.Len(t, trained.Messages(dataset.Error), test.trained, "%+v", test)
		require.Len(t, looked.Messages(dataset.Error), test.look, "%+v", test)
	}
}
