package simulate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// applications of a product, with gender and age.
func applications(product string, to pipeline.Date, rows int) dataset.Table {
	cfg := config
	cfg.Product, cfg.To, cfg.Rows = product, to, rows
	table, _, protected := simulate.Generate(cfg, time.Time{})
	return table.Join(protected, simulate.Entity)
}

// A person applies more than once with the same gender and age, at least two months apart for loans, and some of those who apply for a card apply for
// a loan.
func TestPersonsApplyMoreThanOnce(t *testing.T) {
	t.Parallel()
	type one struct {
		gender, age string
		last        float64
	}
	seen := map[string]one{}
	again := map[string]int{}
	cards := map[string]bool{}
	both := 0
	for _, product := range []string{pipeline.Loan, pipeline.Card} {
		table := applications(product, config.To, 20_000)
		for i, id := range table.Column(simulate.Applicant).Texts {
			now := one{table.Column("gender").Texts[i], table.Column("age_band").Texts[i], table.Column("application_date").Floats[i]}
			before, is := seen[id]
			if is {
				require.Equal(t, []string{before.gender, before.age}, []string{now.gender, now.age}, id)
				again[product]++
			}
			if product == pipeline.Loan {
				require.True(t, !is || now.last-before.last >= 60, id)
				seen[id] = now
				continue
			}
			if is && !cards[id] {
				both++
			}
			cards[id] = true
		}
	}
	require.InDelta(t, 0.13, float64(again[pipeline.Loan])/20_000, 0.03)
	require.InDelta(t, 0.48, float64(both)/float64(len(cards)), 0.05)
}

// Somebody who applies again is alike: incomes and lengths of history of one person are nearer to each other than those of two.
func TestWhoAppliesAgainIsAlike(t *testing.T) {
	t.Parallel()
	table := applications(pipeline.Loan, config.To, 20_000)
	income, employed := table.Column("annual_income"), table.Column("employment")
	last, same, near, n := map[string]int{}, 0.0, 0.0, 0.0
	for i, id := range table.Column(simulate.Applicant).Texts {
		if before, is := last[id]; is && !income.Missing(i) && !income.Missing(before) {
			n++
			if employed.Texts[i] == employed.Texts[before] {
				same++
			}
			if ratio := income.Floats[i] / income.Floats[before]; ratio > 0.75 && ratio < 1.33 {
				near++
			}
		}
		last[id] = i
	}
	require.Greater(t, same/n, 0.75, "0.47 of two persons")
	require.Greater(t, near/n, 0.5, "0.3 of two persons")
}

// Of both products the persons are the same, whatever is asked first, and however long the population goes on.
func TestALongerPopulationBeginsWithTheSamePersons(t *testing.T) {
	t.Parallel()
	for _, product := range []string{pipeline.Loan, pipeline.Card} {
		short, long := steady("2025-06-30"), steady("2025-12-31")
		short.Product, long.Product = product, product
		first, _, _ := simulate.Generate(short, time.Time{})
		then, _, _ := simulate.Generate(long, time.Time{})
		requireSame(t, first, rowsOf(then, func(i int) bool { return i < first.Rows() }), product)
	}
}
