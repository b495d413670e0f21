package simulate_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/evaluate"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/scoring"
	"github.com/loanops/loanops/internal/simulate"
	"github.com/loanops/loanops/internal/train/logit"
	"github.com/loanops/loanops/pipelines"
)

// asKnown are what feeds say of applicants at the beginning of the days of their applications: the bureau score that is newest, and how many payments
// of the 90 days before were late; NaN where nothing is known. known is which rows count.
func asKnown(applications, bureau, payments dataset.Table, known func(row dataset.Table, i int, moment float64) bool) (score, late dataset.Column) {
	score, late = dataset.Column{Name: "bureau_score"}, dataset.Column{Name: "late_90d"}
	of := func(feed dataset.Table) map[string][]int {
		rows := map[string][]int{}
		for i, id := range feed.Column(simulate.Applicant).Texts {
			rows[id] = append(rows[id], i)
		}
		return rows
	}
	reports, paid := of(bureau), of(payments)
	for i, id := range applications.Column(simulate.Applicant).Texts {
		moment := applications.Column("application_date").Floats[i] * 24 * 60 * 60 * 1e6
		newest, value := math.Inf(-1), math.NaN()
		for _, row := range reports[id] { // in the order in which they came, so that a correction counts
			if at := bureau.Column("reported_at").Floats[row]; known(bureau, row, moment) && at >= newest {
				newest, value = at, bureau.Column("bureau_score").Floats[row]
			}
		}
		score.Floats = append(score.Floats, value)
		last := map[float64]float64{}
		for _, row := range paid[id] {
			if at := payments.Column("due_at").Floats[row]; known(payments, row, moment) && at >= moment-90*24*60*60*1e6 {
				last[at] = payments.Column("late").Floats[row]
			}
		}
		n := 0.0
		if len(paid[id]) == 0 {
			n = math.NaN()
		}
		for _, is := range last {
			n += is
		}
		late.Floats = append(late.Floats, n)
	}
	return score, late
}

// byThen counts the rows that were true and known by the moment, ever all of them.
func byThen(feed dataset.Table, i int, moment float64) bool {
	event, created := times(feed, i)
	return max(event, created) <= moment
}

func ever(dataset.Table, int, float64) bool { return true }

// fit is the AUC of a model of a product, with further columns or without.
func fit(t *testing.T, file string, seed uint64, feeds bool, known func(dataset.Table, int, float64) bool) float64 {
	t.Helper()
	data, err := pipelines.FS.ReadFile(file)
	require.NoError(t, err)
	spec, err := pipeline.Parse(file, data)
	require.NoError(t, err)
	cfg := *spec.Source.Simulate
	cfg.Seed = seed
	table := simulate.Flat(cfg, time.Time{})
	if feeds {
		bureau, err := simulate.Feed(simulate.Bureau, cfg, time.Time{})
		require.NoError(t, err)
		payments, err := simulate.Feed(simulate.Payments, cfg, time.Time{})
		require.NoError(t, err)
		score, late := asKnown(table, bureau, payments, known)
		table.Columns = append(table.Columns, score, late)
		for _, name := range []string{"bureau_score", "late_90d"} {
			spec.Columns = append(spec.Columns, pipeline.Column{Name: name, Type: pipeline.Number, MissingMax: 1})
		}
	}
	splitter := dataset.NewSplitter(spec, time.Time{})
	marks, err := splitter.Mark(table)
	require.NoError(t, err)
	division, err := splitter.Divide([]dataset.Marks{marks})
	require.NoError(t, err)
	dealt := division.Deal(table, 0)
	m, _, err := logit.Train(context.Background(), spec, dataset.ColumnsOf(dealt[dataset.Train]), dataset.ColumnsOf(dealt[dataset.Validation]), func(int, float64) {})
	require.NoError(t, err)
	p, err := scoring.Table(m, dealt[dataset.Test])
	require.NoError(t, err)
	spec.Label.MaturesAfterDays = 0
	y, err := dataset.Label(spec, dealt[dataset.Test], time.Time{})
	require.NoError(t, err)
	e, err := evaluate.Evaluate(y, p)
	require.NoError(t, err)
	t.Logf("%s seed %d feeds %v: AUC %.4f (%.4f to %.4f), Brier %.4f", file, seed, feeds, e.Metrics["auc"].Estimate, e.Metrics["auc"].Lower, e.Metrics["auc"].Upper, e.Metrics["brier"].Estimate)
	return e.Metrics["auc"].Estimate
}

// What feeds said by then makes a model better by a plausible amount, for they tell of what an application says nothing. Rows that came later tell of the
// default itself.
func TestFeedsSayMoreThanApplications(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"loan-eligibility.yaml", "card-limit.yaml"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			without, with, later := fit(t, file, 20260630, false, byThen), fit(t, file, 20260630, true, byThen), fit(t, file, 20260630, true, ever)
			require.InDelta(t, 0.03, with-without, 0.02)
			require.Greater(t, later-with, 0.05)
		})
	}
}
