package simulate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Stream describes a population that comes day by day, and what becomes known of it. Without a drill these are the applicants of Generate with as
// many rows for each day.
type Stream struct {
	// Product is what they apply for. Defaults to a loan, the only one of which there are drills.
	Product    string
	Seed       uint64
	From, To   time.Time // the first and the last day of applications
	RowsPerDay int
	// AsOf is the last day of which anything is known. Defaults to To.
	AsOf  time.Time
	Drill Drill
	// DrillFrom is the day on which the drill begins. Seasons have no beginning: there it is the end of the reference, which must have seen a whole year.
	DrillFrom time.Time
	// Feeds are those about applicants that are written as well: see Feed. Their parts hold what was received or recorded on a day; the first has what was
	// there before.
	Feeds []string
}

// The parts of a stream that it always has.
const (
	// Applications have no label; gender and age_band are among their columns.
	Applications = "applications"
	// Outcomes have the columns application_id, known_at and defaulted ("1", "0") and are of approved applications. A part holds what became known
	// on its day: a default 30 to 179 days after the application, a good end 180 days after it; 3 % of them up to 30 days later than that, and 1 %
	// wrong, which a later part corrects.
	Outcomes = "outcomes"
)

// KnownAt is the column of outcomes with the day on which they became known.
const KnownAt = "known_at"

const (
	lateShare      = 0.03
	latestDays     = 30
	correctedShare = 0.01
	correctionDays = 45
	maxStreamRows  = 10_000_000
	// maxStreamDays is how many days a stream may have, each with a file or two: 54 years.
	maxStreamDays = 20_000
)

// check refuses what makes no stream.
func (s Stream) check() error {
	days := dataset.Day(s.To) - dataset.Day(s.From) + 1
	switch known := dataset.Day(s.AsOf) - dataset.Day(s.From) + 1; {
	case s.From.Year() < pipeline.MinYear || s.To.Year() > pipeline.MaxYear || s.AsOf.Year() > pipeline.MaxYear:
		return fault.New(fault.Invalid, "a stream of days before %d or after %d", pipeline.MinYear, pipeline.MaxYear)
	case max(days, known) > maxStreamDays:
		return fault.New(fault.Invalid, "a stream of %.0f days; at most %d are wanted", max(days, known), maxStreamDays)
	case days < 1 || s.RowsPerDay < 1 || days*float64(s.RowsPerDay) > maxStreamRows:
		return fault.New(fault.Invalid, "a stream of %d rows a day for %.0f days; 1 to %d rows in all are wanted", s.RowsPerDay, days, maxStreamRows)
	case !slices.Contains([]string{"", pipeline.Loan, pipeline.Card}, s.Product):
		return fault.New(fault.Invalid, "product %q is not known; loan or card is wanted", s.Product)
	case len(s.Feeds) > 0 && days*float64(s.RowsPerDay) > maxFedRows:
		return fault.New(fault.Invalid, "a stream of %.0f rows with feeds; at most %d are wanted", days*float64(s.RowsPerDay), maxFedRows)
	case s.Drill.Name == Drills[0].Name || s.Drill.Name == "":
		if !s.DrillFrom.IsZero() {
			return fault.New(fault.Invalid, "a day on which a drill begins needs a drill")
		}
	case s.Product == pipeline.Card:
		return fault.New(fault.Invalid, "drill %s of the product card; drills are of loans", s.Drill.Name)
	case s.DrillFrom.Before(s.From) || s.DrillFrom.After(s.AsOf):
		return fault.New(fault.Invalid, "drill %s needs a day of the stream on which it begins", s.Drill.Name)
	case s.Drill.always && s.DrillFrom.Before(s.From.AddDate(1, 0, 0)):
		return fault.New(fault.Invalid, "drill %s: what is before it must have seen a whole year; let it begin on %s or later", s.Drill.Name, s.From.AddDate(1, 0, 0).Format(pipeline.DateLayout))
	}
	return nil
}

// Each gives every part to write, day after day, applications before outcomes and these before feeds. There is no part without rows. The same stream
// gives the same parts; one with a later To or AsOf has further parts, and begins alike. A context that is over ends it between two days.
func (s Stream) Each(ctx context.Context, write func(feed string, day time.Time, part dataset.Table) error) error {
	if s.AsOf.IsZero() {
		s.AsOf = s.To
	}
	if err := s.check(); err != nil {
		return err
	}
	run := streaming{Stream: s, first: dataset.Day(s.From), began: math.Inf(1), reports: map[float64][]report{}}
	if !s.DrillFrom.IsZero() {
		run.began = dataset.Day(s.DrillFrom)
	}
	run.people = newPopulation(s.Seed, run.first, float64(s.RowsPerDay), run.dayOf, run.draw)
	fed, err := run.feeds()
	if err != nil {
		return err
	}
	for at := s.From; !at.After(s.AsOf); at = at.AddDate(0, 0, 1) {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Unavailable, err, "the stream ends on %s", at.Format(pipeline.DateLayout))
		}
		day := dataset.Day(at)
		if !at.After(s.To) {
			if err := write(Applications, at, run.applications(day)); err != nil {
				return err
			}
		}
		if part := run.outcomes(day); part.Rows() > 0 {
			if err := write(Outcomes, at, part); err != nil {
				return err
			}
		}
		for _, f := range fed {
			if part := f.until(day); part.Rows() > 0 {
				if err := write(f.name, at, part); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// streaming is a stream on its way.
type streaming struct {
	Stream
	first, began float64 // days
	// loans are what became of every applicant so far, in the order of their numbers, and reports what will be said of them, by day.
	loans   []loan
	reports map[float64][]report
	people  *population
	// begins are the numbers that days from the first on begin with, as far as anybody asked.
	begins []int
}

// loan is what a lender's systems say of one applicant.
type loan struct {
	id          string
	wrong       bool // what a drill makes them say
	told        bool // at all
	said, right bool // what they said last, and would have without a drill
}

// report is one row of outcomes to come.
type report struct {
	of        int
	defaulted bool
}

// applications are those of a day.
func (s *streaming) applications(day float64) dataset.Table {
	if s.Product == pipeline.Card {
		return s.cards(day)
	}
	a, p, further := applicationColumns(), protectedColumns(), number(s.Drill.column)
	for range s.rows(day) {
		number := len(s.loans)
		row := s.draw(number, day)
		key, _ := s.people.lineup.loan(number, day, row)
		a.add(id(number), applicantID(key), day, row)
		p.add(id(number), &row.who)
		further.Floats = append(further.Floats, row.further)
		s.loans = append(s.loans, loan{id: id(number), wrong: row.wrong})
		s.expect(number, day, row.ending)
	}
	table := a.table().Join(p.table(), Entity)
	if s.Drill.column != "" && s.drilled(day) {
		table.Columns = append(table.Columns, further)
	}
	return table
}

// cards are the applications for cards of a day.
func (s *streaming) cards(day float64) dataset.Table {
	a, p := cardColumns(), protectedColumns()
	for range s.rows(day) {
		number := len(s.loans)
		row, of := s.people.nextCard()
		who := s.people.people[of.key]
		a.add(cardID(number), applicantID(of.key), day, row)
		p.add(cardID(number), &who)
		s.loans = append(s.loans, loan{id: cardID(number)})
		s.expect(number, day, row.ending)
	}
	return a.table().Join(p.table(), Entity)
}

func (s *streaming) drilled(day float64) bool { return day >= s.began || s.Drill.always }

// rows are how many applications come on a day.
func (s *streaming) rows(day float64) int {
	if s.Drill.volume == nil {
		return s.RowsPerDay
	}
	return s.Drill.volume(day, s.RowsPerDay)
}

// dayOf is the day of an application, which may be after the last that is written.
func (s *streaming) dayOf(number int) float64 {
	for len(s.begins) == 0 || s.begins[len(s.begins)-1] <= number {
		next := 0
		if days := len(s.begins); days > 0 {
			next = s.begins[days-1] + s.rows(s.first+float64(days-1))
		}
		s.begins = append(s.begins, next)
	}
	after, _ := slices.BinarySearch(s.begins, number+1)
	return s.first + float64(after-1)
}

// draw makes an applicant for a loan: the one of Generate, but for the drill.
func (s *streaming) draw(number int, day float64) applicant {
	years, since, of, drilled := (day-s.first)/365, day-s.began, usual, s.drilled(day)
	if s.Drill.mix != nil {
		of = s.Drill.mix(day)
	}
	r, chance := rand.New(rand.NewPCG(s.Seed, uint64(number))), chance(s.Seed, forDrill, uint64(number)) //nolint:gosec // no number is negative
	a := describe(r, years, of)
	if drilled && s.Drill.become != nil {
		s.Drill.become(&a, since, chance)
	}
	seen := a.risk(years)
	risk := seen
	if drilled && s.Drill.risk != nil {
		risk = s.Drill.risk(&a, years)
	}
	a.wrong = chance.Float64() < probability(turned(&a, years))
	a.live(r, seen, risk)
	if drilled && s.Drill.write != nil {
		s.Drill.write(&a, since, chance)
	}
	return a
}

// expect notes when what became of an approved applicant will be known.
func (s *streaming) expect(number int, day float64, a ending) {
	if !a.approved {
		return
	}
	chance := chance(s.Seed, forOutcome, uint64(number))
	u := chance.Float64()
	late, correction := float64(1+chance.IntN(latestDays)), float64(1+chance.IntN(correctionDays))
	bad, good := day+float64(a.daysToDefault), day+MaturityDays
	known := good
	if a.defaulted {
		known = bad
	}
	switch {
	case u < lateShare:
		s.report(number, known+late, a.defaulted)
	case u < lateShare+correctedShare:
		wrong := bad // a default that was none
		if a.defaulted {
			wrong = good // a default that nobody noticed
		}
		s.report(number, wrong, !a.defaulted)
		s.report(number, good+correction, a.defaulted)
	default:
		s.report(number, known, a.defaulted)
	}
}

func (s *streaming) report(number int, day float64, defaulted bool) {
	s.reports[day] = append(s.reports[day], report{number, defaulted})
}

// outcomes are what becomes known on a day.
func (s *streaming) outcomes(day float64) dataset.Table {
	rows := outcomeColumns(KnownAt)
	wrong := s.Drill.wrongDays > 0 && day >= s.began && day < s.began+s.Drill.wrongDays
	if s.Drill.wrongDays > 0 && (day == s.began || day == s.began+s.Drill.wrongDays) {
		s.again(rows, day, wrong)
	}
	for _, r := range s.reports[day] {
		of := &s.loans[r.of]
		of.told, of.right, of.said = true, r.defaulted, r.defaulted
		if wrong {
			of.said = of.wrong
		}
		rows.add(of.id, day, of.said)
	}
	delete(s.reports, day)
	return rows.table()
}

// again sends what was said otherwise before.
func (s *streaming) again(rows *outcomeRows, day float64, wrong bool) {
	for number := range s.loans {
		of := &s.loans[number]
		say := of.right
		if wrong {
			say = of.wrong
		}
		if of.told && of.said != say {
			of.said = say
			rows.add(of.id, day, say)
		}
	}
}

// id and cardID are how applications are called, by their number from 0.
func id(number int) string { return fmt.Sprintf("A%08d", number+1) }

func cardID(number int) string { return fmt.Sprintf("C%08d", number+1) }
