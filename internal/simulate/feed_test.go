package simulate_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

const micros = 24 * 60 * 60 * 1e6 // of a day

// steady are as many applications a day as config has, so that a longer one begins alike.
func steady(to string) pipeline.Simulate {
	days := int(dataset.Day(day(to).Time)-dataset.Day(day("2025-01-01").Time)) + 1
	return pipeline.Simulate{Rows: 7 * days, Seed: 7, From: day("2025-01-01"), To: day(to)}
}

func feed(t *testing.T, name string, cfg pipeline.Simulate, asOf time.Time) dataset.Table {
	t.Helper()
	table, err := simulate.Feed(name, cfg, asOf)
	require.NoError(t, err)
	return table
}

// eachFeed runs a test for each of them.
func eachFeed(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	t.Parallel()
	for _, name := range simulate.Feeds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// eventOf is the place of the column with the instant at which rows are true; the one at which they are known is next to it.
func eventOf(feed dataset.Table) int {
	return slices.IndexFunc(feed.Columns, func(c dataset.Column) bool { return c.Kind == dataset.Timestamp })
}

// times are when a row was true and when it was known.
func times(feed dataset.Table, i int) (event, created float64) {
	at := eventOf(feed)
	return feed.Columns[at].Floats[i], feed.Columns[at+1].Floats[i]
}

// rowsOf are those that hold.
func rowsOf(t dataset.Table, hold func(i int) bool) dataset.Table {
	var rows []int
	for i := range t.Rows() {
		if hold(i) {
			rows = append(rows, i)
		}
	}
	return t.Select(rows)
}

func requireSame(t *testing.T, want, got dataset.Table, why string) {
	t.Helper()
	first, err := encoded(want)
	require.NoError(t, err)
	second, err := encoded(got)
	require.NoError(t, err)
	require.Positive(t, want.Rows())
	require.Equal(t, first, second, why)
}

func TestTheSameFeedsAgain(t *testing.T) {
	eachFeed(t, func(t *testing.T, name string) {
		cfg := steady("2025-12-31")
		once := feed(t, name, cfg, time.Time{})
		requireSame(t, once, feed(t, name, cfg, time.Time{}), "the same")
		requireSame(t, once, feed(t, name, cfg, cfg.To.Time), "the last day is what is known without another")
		cfg.Product = pipeline.Card
		requireSame(t, once, feed(t, name, cfg, time.Time{}), "of both products")
		cfg.Seed++
		first, err := encoded(once)
		require.NoError(t, err)
		second, err := encoded(feed(t, name, cfg, time.Time{}))
		require.NoError(t, err)
		require.NotEqual(t, first, second)
	})
}

// What was known earlier is what is known later without what came meanwhile; and that applications go on coming changes nothing of it.
func TestALaterDayOnlyAddsToFeeds(t *testing.T) {
	eachFeed(t, func(t *testing.T, name string) {
		cfg, known := steady("2025-12-31"), day("2025-08-17").Time
		early, late := feed(t, name, cfg, known), feed(t, name, cfg, time.Time{})
		require.Less(t, early.Rows(), late.Rows())
		requireSame(t, early, rowsOf(late, func(i int) bool {
			_, created := times(late, i)
			return created < (dataset.Day(known)+1)*micros
		}), "as of a day")
		requireSame(t, late, feed(t, name, steady("2026-09-30"), cfg.To.Time), "of a population that goes on")
	})
}

// key is what one row is about: corrections and repetitions have the same.
func key(feed dataset.Table, i int) string {
	event, _ := times(feed, i)
	text := feed.Column(simulate.Applicant).Texts[i] + fmt.Sprint(event)
	if id := feed.Column("payment_id"); id != nil {
		text += id.Texts[i]
	}
	return text
}

// said is what a row says, but for when.
func said(feed dataset.Table, i int) string {
	text := ""
	for j := range feed.Columns {
		switch c := &feed.Columns[j]; c.Kind {
		case dataset.Timestamp:
		case dataset.Text:
			text += "," + c.Texts[i]
		default:
			text += fmt.Sprintf(",%v", c.Floats[i])
		}
	}
	return text
}

// Rows come in the order in which they were known and never before they are true. Those of one thing that came at one instant are the same; one that
// came later says something else. The shares are those of the documentation.
func TestHowFeedsCome(t *testing.T) {
	eachFeed(t, func(t *testing.T, name string) {
		cfg := config
		table := feed(t, name, cfg, time.Time{})
		const usual = 2.0 // days: what comes within them is not late
		type row struct {
			created float64
			says    string
		}
		things := map[string][]row{}
		var late, corrected, twice, unordered, last, newest float64
		for i := range table.Rows() {
			event, created := times(table, i)
			require.GreaterOrEqual(t, created, event)
			require.GreaterOrEqual(t, created, last)
			last = created
			if event < newest {
				unordered++
			}
			newest = max(newest, event)
			due := event
			if paid := table.Column("days_late"); paid != nil {
				due += paid.Floats[i] * micros
			}
			of := key(table, i)
			now := row{created, said(table, i)}
			before := things[of]
			switch {
			case len(before) == 0 && (created-due)/micros > usual:
				late++
			case slices.Contains(before, now):
				twice++
			case len(before) > 0:
				require.Greater(t, now.created, before[len(before)-1].created, "no two of one instant that differ")
				require.NotEqual(t, now.says, before[len(before)-1].says, "a correction says something else")
				corrected++
			}
			things[of] = append(before, now)
		}
		want := map[string][3]float64{simulate.Bureau: {0.06, 0.03, 0.02}, simulate.Payments: {0.05, 0.02, 0.01}}[name]
		n := float64(len(things))
		require.InDelta(t, want[0], late/n, 0.006, "late")
		require.InDelta(t, want[1], corrected/n, 0.004, "corrected")
		require.InDelta(t, want[2], twice/float64(table.Rows()), 0.003, "twice")
		require.Greater(t, unordered, late, "late rows are out of the order of what was true")
	})
}

// Of twenty thousand applications of each product a feed has about as many rows as a test can afford, and one that the first training waits for far fewer.
func TestTheVolumeOfFeeds(t *testing.T) {
	eachFeed(t, func(t *testing.T, name string) {
		cfg := config
		cfg.Rows = 20_000
		table := feed(t, name, cfg, time.Time{})
		most := map[string]int{simulate.Bureau: 150_000, simulate.Payments: 50_000}[name]
		require.Less(t, table.Rows(), most)
		require.Greater(t, table.Rows(), most*2/3)
	})
}

// There are reports of nearly everybody before the first application, and payments of those who have something to pay: whoever has is reported of for as
// long as others.
func TestFeedsBeginBeforeApplications(t *testing.T) {
	t.Parallel()
	first := map[string]float64{}
	for _, product := range []string{pipeline.Loan, pipeline.Card} {
		cfg := config
		cfg.Product = product
		applications, _, _ := simulate.Generate(cfg, time.Time{})
		for i, id := range applications.Column(simulate.Applicant).Texts {
			day := applications.Column("application_date").Floats[i] * micros
			if before, is := first[id]; !is || day < before {
				first[id] = day
			}
		}
	}
	for name, want := range map[string]float64{simulate.Bureau: 0.97, simulate.Payments: 0.1} {
		table, before := feed(t, name, config, time.Time{}), map[string]bool{}
		for i, id := range table.Column(simulate.Applicant).Texts {
			if _, created := times(table, i); created <= first[id] {
				before[id] = true
			}
		}
		require.InDelta(t, want, float64(len(before))/float64(len(first)), 0.02, name)
	}
	paying, payments := map[string]bool{}, feed(t, simulate.Payments, config, time.Time{})
	for _, id := range payments.Column(simulate.Applicant).Texts {
		paying[id] = true
	}
	var lead, n [2]float64
	told, bureau := map[string]bool{}, feed(t, simulate.Bureau, config, time.Time{})
	for i, id := range bureau.Column(simulate.Applicant).Texts {
		if event, _ := times(bureau, i); !told[id] && event <= first[id] {
			of := map[bool]int{true: 1}[paying[id]]
			told[id] = true
			lead[of] += (first[id] - event) / micros
			n[of]++
		}
	}
	require.InDelta(t, lead[0]/n[0], lead[1]/n[1], 10)
}

func TestValuesOfFeeds(t *testing.T) {
	t.Parallel()
	bureau := feed(t, simulate.Bureau, config, time.Time{})
	for i := range bureau.Rows() {
		score := bureau.Column("bureau_score").Floats[i]
		require.InDelta(t, 575, score, 275)
		require.InDelta(t, math.Round(score), score, 0)
		require.LessOrEqual(t, 1.0, bureau.Column("open_accounts").Floats[i])
		if balance := bureau.Column("balance").Floats[i]; !math.IsNaN(balance) {
			require.LessOrEqual(t, balance, bureau.Column("credit_limit").Floats[i])
		}
	}
	score, _ := mean(t, bureau, "bureau_score")
	require.InDelta(t, 680, score, 15)
	_, missing := mean(t, bureau, "balance")
	require.InDelta(t, 0.02, missing, 0.003)

	payments := feed(t, simulate.Payments, config, time.Time{})
	for i := range payments.Rows() {
		require.Positive(t, payments.Column("amount").Floats[i])
		require.Equal(t, payments.Column("days_late").Floats[i] > 0, payments.Column("late").Floats[i] == 1)
	}
	late, _ := mean(t, payments, "late")
	require.InDelta(t, 0.14, late, 0.04)
}

func TestFeedsThatAreNone(t *testing.T) {
	t.Parallel()
	_, err := simulate.Feed("weather", config, time.Time{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, `feed "weather" is not known; known are bureau, payments`)
	many := config
	many.Rows = 2_000_001
	_, err = simulate.Feed(simulate.Bureau, many, time.Time{})
	require.Equal(t, fault.Invalid, fault.CodeOf(err))
	require.ErrorContains(t, err, "at most 2000000")
}
