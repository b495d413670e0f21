package explain_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/explain"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/model"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/transform"
)

// linear is a model of unscaled numbers f0, f1, …: the contribution of fi is its coefficient times its value.
func linear(coefficients ...float64) *model.Model {
	m := &model.Model{Name: "loans", Coefficients: coefficients, Background: make([]float64, len(coefficients))}
	for i := range coefficients {
		m.Encoder.Fields = append(m.Encoder.Fields, transform.Field{Name: fmt.Sprint("f", i), Type: pipeline.Number})
		m.Encoder.Scales = append(m.Encoder.Scales, transform.Scale{SD: 1})
	}
	return m
}

func row(values ...float64) []transform.Value {
	r := make([]transform.Value, len(values))
	for i, x := range values {
		r[i].Number = x
	}
	return r
}

func named(reasons []explain.Factor) []string {
	names := []string{}
	for _, r := range reasons {
		names = append(names, r.Field)
	}
	return names
}

// Wanted orders by hand: the contributions are the coefficients times the values.
func TestReasonsAreTheStrongestThatPushTowardsADecline(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		row     []float64 // of a model with coefficients 1, 1, 1, 1, 1, 1
		meaning pipeline.Meaning
		want    []string
	}{
		{"strongest first, at most four", []float64{1, 5, 2, 4, 3, 6}, pipeline.MeaningDefault, []string{"f5", "f1", "f3", "f4"}},
		{"an approval turns the sign", []float64{1, 5, 2, 4, 3, 6}, pipeline.MeaningApproval, []string{}},
		{"an approval names what pulled down", []float64{-1, 5, -2, 4, -3, 6}, pipeline.MeaningApproval, []string{"f4", "f2", "f0"}},
		{"what spoke for the applicant is not named", []float64{-9, 1, 0, -8, 2, -7}, pipeline.MeaningDefault, []string{"f4", "f1"}},
		{"ties keep the signature's order", []float64{2, 3, 2, 3, 2, 2}, pipeline.MeaningDefault, []string{"f1", "f3", "f0", "f2"}},
		{"ties of an approval as well", []float64{-2, -3, -2, -3, -2, -2}, pipeline.MeaningApproval, []string{"f1", "f3", "f0", "f2"}},
		{"the average applicant has none", []float64{0, 0, 0, 0, 0, 0}, pipeline.MeaningDefault, []string{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reasons, err := explain.Principal(linear(1, 1, 1, 1, 1, 1), row(test.row...), test.meaning)
			require.NoError(t, err)
			require.Equal(t, test.want, named(reasons))
		})
	}
}

// One category is one reason, whatever number of columns it takes; a missing value may be one. By hand: the background is the
// training's shares, so a renter has 2·(1-0.25) - 1·(0-0.75) = 2.25, and one without an income 3·(1-0.1) = 2.7.
func TestAFieldOfSeveralColumnsIsOneReason(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Encoder: transform.Encoder{
			Fields: []transform.Field{
				{Name: "home", Type: pipeline.Category, Levels: []string{"rent", "own"}}, {Name: "income", Type: pipeline.Number, Nullable: true},
			},
			Scales: []transform.Scale{{SD: 1}, {Mean: 50, SD: 10}},
		},
		Coefficients: []float64{2, -1, -0.5, 3}, Background: []float64{0.25, 0.75, 0, 0.1},
	}
	reasons, err := explain.Principal(m, []transform.Value{{Text: "rent"}, {Missing: true}}, pipeline.MeaningDefault)
	require.NoError(t, err)
	require.Equal(t, []string{"income", "home"}, named(reasons))
	require.InDelta(t, 2.7, reasons[0].Contribution, 1e-12)
	require.InDelta(t, 2.25, reasons[1].Contribution, 1e-12)
}

func TestARowThatCannotBeScoredHasNone(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string][]transform.Value{"NaN": row(math.NaN(), 1), "infinite": row(1, math.Inf(1)), "short": row(1), "none": nil} {
		reasons, err := explain.Principal(linear(1, 1), bad, pipeline.MeaningDefault)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
		require.Nil(t, reasons)
	}
}

// What every explanation promises: the score's log-odds are the baseline's plus all contributions, and the reasons are the largest of
// those with the decline's sign. Both meanings together name every field that moved anything, when there are at most four of each.
func TestReasonsAgainstTheScore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 9).Draw(t, "fields")
		draw := func(what string) []float64 {
			return rapid.SliceOfN(rapid.Float64Range(-2, 2), n, n).Draw(t, what)
		}
		m := linear(draw("coefficients")...)
		m.Intercept, m.Background = rapid.Float64Range(-1, 1).Draw(t, "intercept"), draw("background")
		x := row(draw("values")...)
		contributions, err := m.Contributions(x)
		require.NoError(t, err)
		p, err := m.Score(x)
		require.NoError(t, err)
		sum := m.Intercept
		for i, c := range contributions {
			sum += m.Coefficients[i]*m.Background[i] + c
		}
		require.InDelta(t, math.Log(p/(1-p)), sum, 1e-6)

		moved := 0
		for _, c := range contributions {
			if c != 0 {
				moved++
			}
		}
		named := map[string]bool{}
		most := 0
		for meaning, sign := range map[pipeline.Meaning]float64{pipeline.MeaningDefault: 1, pipeline.MeaningApproval: -1} {
			var towards []float64
			for _, c := range contributions {
				if sign*c > 0 {
					towards = append(towards, sign*c)
				}
			}
			slices.Sort(towards)
			slices.Reverse(towards)
			most = max(most, len(towards))
			reasons, err := explain.Principal(m, x, meaning)
			require.NoError(t, err)
			require.Len(t, reasons, min(len(towards), explain.MaxReasons))
			for i, r := range reasons {
				require.InDelta(t, towards[i], sign*r.Contribution, 0)
				named[r.Field] = true
			}
		}
		if most <= explain.MaxReasons {
			require.Len(t, named, moved)
		}
	})
}
