package simulate_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/simulate"
)

// fedStream is a shorter one, with feeds.
func fedStream(t *testing.T, drill string) simulate.Stream {
	t.Helper()
	s := stream(t, drill)
	s.RowsPerDay, s.AsOf, s.Feeds = 7, s.To, simulate.Feeds
	return s
}

// The parts of a stream without a drill are, one after the other, the feeds that the population has anyway. But for the first, which has what was
// there before, each holds what came on its day.
func TestFeedsOfAStream(t *testing.T) {
	eachFeed(t, func(t *testing.T, name string) {
		s := fedStream(t, "none")
		s.Feeds = []string{name}
		p := streamed(t, s)
		requireSame(t, feed(t, name, steady("2026-06-30"), time.Time{}), p.all(name, every), "all of it")
		days := p.days(name)
		require.Equal(t, "2025-01-01", days[0])
		require.Greater(t, len(days), 500)
		for _, date := range days {
			part := p[name][date]
			for i := range part.Rows() {
				_, created := times(part, i)
				require.True(t, date == days[0] || created >= dataset.Day(day(date).Time)*micros)
				require.Less(t, created, (dataset.Day(day(date).Time)+1)*micros)
			}
		}
		longer := s
		longer.To, longer.AsOf = day("2026-12-31").Time, day("2026-12-31").Time
		requireSame(t, p.all(name, every), streamed(t, longer).all(name, before("2026-07-01")), "a longer one begins alike")
	})
}

// Before an application feeds do not know what becomes of it: where another drill makes others default, they say the same of everybody until the first
// application since, and something else later on, which shows that they would. Before its day a drill changes nothing of them.
func TestFeedsDoNotKnowWhatWillBecome(t *testing.T) {
	t.Parallel()
	plain, turned := streamed(t, fedStream(t, "none")), streamed(t, fedStream(t, "concept-change"))
	first := map[string]float64{} // the first application under the drill
	applied := plain.all(simulate.Applications, since(drillDay))
	for i, id := range applied.Column(simulate.Applicant).Texts {
		if _, is := first[id]; !is {
			first[id] = applied.Column("application_date").Floats[i] * micros
		}
	}
	for _, name := range simulate.Feeds {
		requireSame(t, plain.all(name, before(drillDay)), turned.all(name, before(drillDay)), name)
		until := func(p parts) dataset.Table {
			all := p.all(name, every)
			return rowsOf(all, func(i int) bool {
				event, _ := times(all, i)
				end, is := first[all.Column(simulate.Applicant).Texts[i]]
				return is && event < end
			})
		}
		requireSame(t, until(plain), until(turned), name)
		one, err := encoded(plain.all(name, every))
		require.NoError(t, err)
		other, err := encoded(turned.all(name, every))
		require.NoError(t, err)
		require.NotEqual(t, one, other, name)
	}
}

// Where the volume of applications swings, feeds are about the persons of the parts, and of the days on which they apply: at midsummer, when there were
// more applications so far than usual, reports begin as long before an application as they do without seasons.
func TestFeedsOfASeasonalStream(t *testing.T) {
	t.Parallel()
	lead := func(drill string) (days float64) {
		s := fedStream(t, drill)
		s.RowsPerDay, s.Feeds, s.To, s.AsOf = 30, []string{simulate.Bureau}, day("2026-01-31").Time, day("2026-01-31").Time
		if drill != "none" {
			s.DrillFrom = day("2026-01-01").Time
		}
		p := streamed(t, s)
		first, reports := map[string]float64{}, p.all(simulate.Bureau, every)
		for i, id := range reports.Column(simulate.Applicant).Texts {
			event, _ := times(reports, i)
			if at, is := first[id]; !is || event < at {
				first[id] = event
			}
		}
		applied := p.all(simulate.Applications, func(day string) bool { return day[:7] == "2025-06" || day[:7] == "2025-07" })
		for i, id := range applied.Column(simulate.Applicant).Texts {
			require.Contains(t, first, id)
			days += applied.Column("application_date").Floats[i] - first[id]/micros
		}
		return days / float64(applied.Rows())
	}
	require.InDelta(t, lead("none"), lead("seasonal"), 15, "35 where days of the usual volume were taken")
}

// A stream of cards is the population's, too.
func TestAStreamOfCards(t *testing.T) {
	t.Parallel()
	s := fedStream(t, "none")
	s.Product, s.AsOf = pipeline.Card, day("2027-03-01").Time
	s.Feeds = nil
	p := streamed(t, s)
	cfg := steady("2026-06-30")
	cfg.Product = pipeline.Card
	applications, outcomes, protected := simulate.Generate(cfg, s.AsOf)
	requireSame(t, applications.Join(protected, simulate.Entity), p.all(simulate.Applications, every), "applications")
	known := map[string]string{}
	for i, id := range outcomes.Column(simulate.Entity).Texts {
		known[id] = outcomes.Column(simulate.Label).Texts[i]
	}
	require.Equal(t, known, p.settled("2027-03-01"))

	for _, test := range []struct {
		change func(*simulate.Stream)
		want   string
	}{
		{func(s *simulate.Stream) { s.Product = "mortgage" }, `product "mortgage" is not known; loan or card is wanted`},
		{func(s *simulate.Stream) { s.Drill, s.DrillFrom = simulate.Drills[1], day(drillDay).Time }, "drill income-shock of the product card"},
		{func(s *simulate.Stream) { s.Feeds = []string{"weather"} }, `feed "weather" is not known`},
		{func(s *simulate.Stream) { s.Feeds, s.RowsPerDay = simulate.Feeds, 10_000 }, "a stream of 5460000 rows with feeds"},
	} {
		wrong := s
		test.change(&wrong)
		err := wrong.Each(t.Context(), func(string, time.Time, dataset.Table) error { return nil })
		require.Equal(t, fault.Invalid, fault.CodeOf(err), test.want)
		require.ErrorContains(t, err, test.want)
	}
}
