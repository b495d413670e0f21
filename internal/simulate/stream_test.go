package simulate_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// parts are a stream's, by feed and day.
type parts map[string]map[string]dataset.Table

func streamed(t *testing.T, s simulate.Stream) parts {
	t.Helper()
	p := parts{simulate.Applications: {}, simulate.Outcomes: {}}
	last := s.From
	require.NoError(t, s.Each(t.Context(), func(feed string, day time.Time, part dataset.Table) error {
		require.False(t, day.Before(last), "day after day")
		require.Positive(t, part.Rows())
		last = day
		if p[feed] == nil {
			p[feed] = map[string]dataset.Table{}
		}
		p[feed][day.Format(pipeline.DateLayout)] = part
		return nil
	}))
	return p
}

// days of a feed, in order.
func (p parts) days(feed string) []string {
	var days []string
	for day := range p[feed] {
		days = append(days, day)
	}
	slices.Sort(days)
	return days
}

// all rows of a feed with which days agree.
func (p parts) all(feed string, of func(day string) bool) dataset.Table {
	var out dataset.Table
	for _, day := range p.days(feed) {
		if !of(day) {
			continue
		}
		part := p[feed][day]
		if out.Columns == nil {
			out.Columns = make([]dataset.Column, len(part.Columns))
		}
		for i, c := range part.Columns {
			into := &out.Columns[i]
			into.Name, into.Kind = c.Name, c.Kind
			into.Floats, into.Texts, into.Valid = append(into.Floats, c.Floats...), append(into.Texts, c.Texts...), append(into.Valid, c.Valid...)
		}
	}
	return out
}

func every(string) bool { return true }

func since(first string) func(string) bool  { return func(day string) bool { return day >= first } }
func before(first string) func(string) bool { return func(day string) bool { return day < first } }

// settled is what was known of applications on a day: the last value that was known by then.
func (p parts) settled(until string) map[string]string {
	known := map[string]string{}
	for _, day := range p.days(simulate.Outcomes) {
		if day > until {
			break
		}
		part := p[simulate.Outcomes][day]
		for i, id := range part.Column(simulate.Entity).Texts {
			known[id] = part.Column(simulate.Label).Texts[i]
		}
	}
	return known
}

// stream is of a year and a half, with what becomes known until all is known.
func stream(t *testing.T, drill string) simulate.Stream {
	t.Helper()
	d, err := simulate.DrillOf(drill)
	require.NoError(t, err)
	s := simulate.Stream{Seed: 7, From: day("2025-01-01").Time, To: day("2026-06-30").Time, AsOf: day("2027-03-01").Time, RowsPerDay: 20, Drill: d}
	if drill != "none" {
		s.DrillFrom = day(drillDay).Time
	}
	return s
}

const drillDay = "2026-02-01"

func drillNames() (names []string) {
	for _, d := range simulate.Drills {
		names = append(names, d.Name)
	}
	return names
}

// Without a drill the applicants and their outcomes are those that the population has anyway, which another function makes.
func TestAStreamIsThePopulation(t *testing.T) {
	t.Parallel()
	s := stream(t, "none")
	got := streamed(t, s)
	require.Len(t, got[simulate.Applications], 546)
	cfg := pipeline.Simulate{Rows: 546 * 20, Seed: 7, From: day("2025-01-01"), To: day("2026-06-30")}
	applications, outcomes, protected := simulate.Generate(cfg, s.AsOf)
	want, err := encoded(applications.Join(protected, simulate.Entity))
	require.NoError(t, err)
	rows, err := encoded(got.all(simulate.Applications, every))
	require.NoError(t, err)
	require.Equal(t, want, rows)
	for date, part := range got[simulate.Applications] {
		require.Equal(t, 20, part.Rows())
		for _, applied := range part.Column("application_date").Floats {
			require.InDelta(t, dataset.Day(day(date).Time), applied, 0)
		}
	}
	known := map[string]string{}
	for i, id := range outcomes.Column(simulate.Entity).Texts {
		known[id] = outcomes.Column(simulate.Label).Texts[i]
	}
	require.Equal(t, known, got.settled("2027-03-01"), "once all is known, late and corrected rows too")
}

func TestTheSameStreamIsTheSameParts(t *testing.T) {
	t.Parallel()
	for _, name := range drillNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stream(t, name)
			s.To = day("2026-03-01").Time
			first := streamed(t, s)
			require.Equal(t, bytesOf(t, first), bytesOf(t, streamed(t, s)))

			longer := s
			longer.To = day("2026-03-31").Time
			then := bytesOf(t, streamed(t, longer))
			for name, data := range bytesOf(t, first) {
				if name < "outcomes/2026-04-01" { // 30 days after the first applications of the other
					require.Equal(t, data, then[name], name)
				}
			}
			other := s
			other.Seed++
			require.NotEqual(t, bytesOf(t, first)["applications/2025-01-01"], bytesOf(t, streamed(t, other))["applications/2025-01-01"])
		})
	}
}

func bytesOf(t *testing.T, p parts) map[string]string {
	t.Helper()
	files := map[string]string{}
	for feed, days := range p {
		for day, part := range days {
			var text strings.Builder
			require.NoError(t, dataset.WriteCSV(&text, part))
			files[feed+"/"+day] = text.String()
		}
	}
	return files
}

// Before its day a drill moves nothing: the parts are those of a stream without it. From then on something is different.
func TestADrillBeginsOnItsDay(t *testing.T) {
	t.Parallel()
	plain := bytesOf(t, streamed(t, stream(t, "none")))
	for _, name := range drillNames()[1:] {
		if name == "seasonal" {
			continue // it has always been there
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			different := 0
			for file, data := range bytesOf(t, streamed(t, stream(t, name))) {
				if file[len(file)-len(drillDay):] < drillDay {
					require.Equal(t, plain[file], data, file)
				} else if plain[file] != data {
					different++
				}
			}
			require.Greater(t, different, 30)
		})
	}
}

// Outcomes are of approved applications, on the day of their part, and not before they can be known: a default after 30 days, a good end after 180.
func TestOutcomesOfAStream(t *testing.T) {
	t.Parallel()
	for _, name := range drillNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := streamed(t, stream(t, name))
			applications := p.all(simulate.Applications, before("2026-02-01")) // of one set of columns
			require.Nil(t, applications.Column(simulate.Label))
			applied, approved := map[string]float64{}, map[string]bool{}
			for _, part := range p[simulate.Applications] {
				for i, id := range part.Column(simulate.Entity).Texts {
					applied[id], approved[id] = part.Column("application_date").Floats[i], part.Column("approved").Texts[i] == "yes"
				}
			}
			rows, times, changed, late := 0, map[string]int{}, 0, 0
			said := map[string]string{}
			for _, date := range p.days(simulate.Outcomes) {
				part := p[simulate.Outcomes][date]
				require.Equal(t, []string{simulate.Entity, simulate.KnownAt, simulate.Label}, []string{part.Columns[0].Name, part.Columns[1].Name, part.Columns[2].Name})
				for i, id := range part.Column(simulate.Entity).Texts {
					rows++
					known, label := part.Column(simulate.KnownAt).Floats[i], part.Column(simulate.Label).Texts[i]
					require.InDelta(t, dataset.Day(day(date).Time), known, 0)
					require.True(t, approved[id])
					wait := known - applied[id]
					require.GreaterOrEqual(t, wait, 30.0)
					if name != "bad-champion" && label == "0" {
						require.GreaterOrEqual(t, wait, 180.0)
					}
					if times[id] > 0 {
						if name != "bad-champion" {
							require.NotEqual(t, said[id], label, "a row is sent again where it says something else")
						}
						changed++
					} else if label == "0" && wait > 180 {
						late++
					}
					said[id] = label
					times[id]++
				}
			}
			yes := 0
			for _, is := range approved {
				if is {
					yes++
				}
			}
			require.Len(t, times, yes, "in the end something is known of everybody who was approved")
			if name == "bad-champion" {
				return
			}
			require.InDelta(t, 0.01, float64(changed)/float64(yes), 0.004, "corrected")
			require.InDelta(t, 0.03, float64(late)/float64(rows), 0.01, "late good ends; late defaults are not told from others")
		})
	}
}

func mean(t *testing.T, table dataset.Table, column string) (mean, missing float64) {
	t.Helper()
	c := table.Column(column)
	require.NotNil(t, c, column)
	sum, n := 0.0, 0.0
	for _, x := range c.Floats {
		if !math.IsNaN(x) {
			sum += x
			n++
		}
	}
	return sum / n, 1 - n/float64(len(c.Floats))
}

func share(table dataset.Table, column, value string) float64 {
	n := 0
	for _, text := range table.Column(column).Texts {
		if text == value {
			n++
		}
	}
	return float64(n) / float64(table.Rows())
}

// What each drill does to the rows of its own days, against the same days without it.
func TestDrillsDoWhatTheySay(t *testing.T) {
	t.Parallel()
	usual := streamed(t, stream(t, "none")).all(simulate.Applications, since(drillDay))
	income, _ := mean(t, usual, "annual_income")
	drilled := func(name string) dataset.Table {
		return streamed(t, stream(t, name)).all(simulate.Applications, since(drillDay))
	}
	same := func(a, b dataset.Table, but ...string) {
		for i := range a.Columns {
			if !slices.Contains(but, a.Columns[i].Name) {
				first, err := encoded(dataset.Table{Columns: a.Columns[i : i+1]})
				require.NoError(t, err)
				second, err := encoded(dataset.Table{Columns: b.Columns[i : i+1]})
				require.NoError(t, err)
				require.Equal(t, first, second, a.Columns[i].Name)
			}
		}
	}

	shocked := drilled("income-shock")
	less, _ := mean(t, shocked, "annual_income")
	require.InDelta(t, 0.7, less/income, 0.0001)
	require.Less(t, share(shocked, "approved", "yes"), share(usual, "approved", "yes")-0.02, "lenders see it")
	same(usual, shocked, "annual_income", "approved")

	gigs := drilled("new-category")
	require.InDelta(t, 0.15, share(gigs, "employment", "gig"), 0.015)
	require.Zero(t, share(usual, "employment", "gig"))
	same(usual, gigs, "employment", "annual_income", "approved")

	wider := drilled("new-column")
	require.Len(t, wider.Columns, len(usual.Columns)+1)
	same(usual, wider)
	age, missing := mean(t, wider, "account_age_months")
	require.Greater(t, age, 12.0)
	require.Zero(t, missing)

	monthly := drilled("unit-change")
	month, _ := mean(t, monthly, "annual_income")
	require.InDelta(t, 1.0/12, month/income, 0.0001)
	same(usual, monthly, "annual_income")

	bureau := streamed(t, stream(t, "missing-bureau"))
	for _, column := range []string{"utilisation", "delinquencies_2y", "credit_history_years"} {
		_, first := mean(t, bureau[simulate.Applications]["2026-02-15"], column)
		require.InDelta(t, 0.5, first, 0.3, column)
		_, then := mean(t, bureau.all(simulate.Applications, since("2026-03-03")), column)
		require.InDelta(t, 1, then, 0, column)
	}

	leaky := streamed(t, stream(t, "slow-leak"))
	plain, _ := mean(t, streamed(t, stream(t, "none")).all(simulate.Applications, since("2026-06-01")), "debt_to_income")
	more, _ := mean(t, leaky.all(simulate.Applications, since("2026-06-01")), "debt_to_income")
	require.InDelta(t, math.Pow(1.03, 4.5), more/plain, 0.005, "134 days after it began, on the average")
	same(usual, leaky.all(simulate.Applications, since(drillDay)), "debt_to_income")
}

// Who defaults has changed: those with more utilisation did so more often, and do so less often. As many default as before, and who applies and is
// approved is the same.
func TestConceptChange(t *testing.T) {
	t.Parallel()
	plain, turned := streamed(t, stream(t, "none")), streamed(t, stream(t, "concept-change"))
	applications := plain.all(simulate.Applications, since(drillDay))
	first, err := encoded(applications)
	require.NoError(t, err)
	second, err := encoded(turned.all(simulate.Applications, since(drillDay)))
	require.NoError(t, err)
	require.Equal(t, first, second)
	gap, rate := defaults(applications, plain.settled("2027-03-01"))
	turnedGap, turnedRate := defaults(applications, turned.settled("2027-03-01"))
	require.Greater(t, gap, 0.04)
	require.Less(t, turnedGap, -0.04)
	require.InDelta(t, rate, turnedRate, 0.05)
}

// defaults says by how much the utilisation of defaulted loans is above that of good ones, and how many of the loans defaulted.
func defaults(applications dataset.Table, known map[string]string) (gap, rate float64) {
	var sum, n [2]float64
	for i, id := range applications.Column(simulate.Entity).Texts {
		label, is := known[id]
		if used := applications.Column("utilisation").Floats[i]; is && !math.IsNaN(used) {
			sum[label[0]-'0'] += used
			n[label[0]-'0']++
		}
	}
	return sum[1]/n[1] - sum[0]/n[0], n[1] / (n[0] + n[1])
}

// Outcomes are right before the drill, wrong for all loans in its 60 days, and right again after them.
func TestBadChampion(t *testing.T) {
	t.Parallel()
	plain, bad := streamed(t, stream(t, "none")), streamed(t, stream(t, "bad-champion"))
	applications := plain.all(simulate.Applications, before("2025-07-01"))
	gap, rate := defaults(applications, bad.settled("2026-01-31"))
	require.Greater(t, gap, 0.04)
	require.Equal(t, plain.settled("2026-01-31"), bad.settled("2026-01-31"))
	for _, date := range []string{"2026-02-01", "2026-04-01"} {
		wrongGap, wrongRate := defaults(applications, bad.settled(date))
		require.Less(t, wrongGap, -0.04, date)
		require.InDelta(t, rate, wrongRate, 0.05, date)
	}
	for _, date := range []string{"2026-04-02", "2026-07-01", "2027-03-01"} { // 2026-02-01 and 60 days
		require.Equal(t, plain.settled(date), bad.settled(date), date)
	}
}

// Seasons are in the reference as in what is compared with it, and a month is unlike the year.
func TestSeasonal(t *testing.T) {
	t.Parallel()
	s := stream(t, "seasonal")
	s.RowsPerDay, s.To, s.DrillFrom = 100, day("2026-12-31").Time, day("2026-01-01").Time
	p := streamed(t, s)
	month := func(of string) dataset.Table {
		return p.all(simulate.Applications, func(day string) bool { return day[:7] == of })
	}
	for _, year := range []string{"2025", "2026"} {
		spring, autumn := month(year+"-04"), month(year+"-10")
		require.InDelta(t, 1.3/0.7, float64(spring.Rows())/float64(autumn.Rows()), 0.12, "volume") // and October is a day longer
		require.InDelta(t, 0.18*1.4, share(spring, "purpose", "home_improvement"), 0.025)
		require.InDelta(t, 0.18*0.6, share(autumn, "purpose", "home_improvement"), 0.025)
		require.InDelta(t, 0.14*1.4, share(spring, "institution_type", "mortgage_company"), 0.025)
	}
	again := s
	again.Drill, again.DrillFrom = simulate.Drills[0], time.Time{}
	usual := streamed(t, again).all(simulate.Applications, every)
	year := p.all(simulate.Applications, every)
	require.InDelta(t, usual.Rows(), year.Rows(), 0.01*float64(usual.Rows()), "over the years it evens out")
	require.InDelta(t, share(usual, "purpose", "car"), share(year, "purpose", "car"), 0.02)
	income, _ := mean(t, year, "annual_income")
	usualIncome, _ := mean(t, usual, "annual_income")
	require.InDelta(t, 1, income/usualIncome, 0.02)
}

func TestStreamsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*simulate.Stream)
		want   string
	}{
		{func(s *simulate.Stream) { s.RowsPerDay = 0 }, "a stream of 0 rows a day for 546 days"},
		{func(s *simulate.Stream) { s.RowsPerDay = 1_000_000 }, "1 to 10000000 rows in all"},
		{func(s *simulate.Stream) { s.To = s.From.AddDate(0, 0, -1) }, "for 0 days"},
		{func(s *simulate.Stream) { s.RowsPerDay, s.To = 1, s.From.AddDate(0, 0, 20_000) }, "a stream of 20001 days; at most 20000 are wanted"},
		{func(s *simulate.Stream) { s.AsOf = s.From.AddDate(0, 0, 20_000) }, "a stream of 20001 days; at most 20000 are wanted"},
		{func(s *simulate.Stream) { s.From = day("1799-12-31").Time }, "days before 1800 or after 2999"},
		{func(s *simulate.Stream) { s.AsOf = day("3000-01-01").Time }, "days before 1800 or after 2999"},
		{func(s *simulate.Stream) { s.DrillFrom = time.Time{} }, "drill income-shock needs a day of the stream"},
		{func(s *simulate.Stream) { s.DrillFrom = s.AsOf.AddDate(0, 0, 1) }, "drill income-shock needs a day of the stream"},
		{func(s *simulate.Stream) { s.Drill = simulate.Drills[0] }, "needs a drill"},
		{func(s *simulate.Stream) {
			s.Drill, s.DrillFrom = simulate.Drills[len(simulate.Drills)-1], day("2025-12-31").Time
		}, "drill seasonal: what is before it must have seen a whole year; let it begin on 2026-01-01 or later"},
	} {
		s := stream(t, "income-shock")
		test.change(&s)
		err := s.Each(t.Context(), func(string, time.Time, dataset.Table) error { return nil })
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.want)
		require.ErrorContains(t, err, test.want)
	}
	ctx, end := context.WithCancel(t.Context())
	parts := 0
	ended := stream(t, "income-shock").Each(ctx, func(string, time.Time, dataset.Table) error {
		parts++
		end()
		return nil
	})
	require.ErrorIs(t, ended, context.Canceled)
	require.LessOrEqual(t, parts, 2, "a stream that is ended writes no further day")
	_, err := simulate.DrillOf("meteor")
	require.ErrorContains(t, err, `drill "meteor" is not known; known are none, income-shock, new-category, new-column, unit-change, missing-bureau, concept-change, bad-champion, slow-leak, seasonal`)
}
