// Package simulate makes a population that never lived, and applies for loans and for limits of cards: dated applications to institutions of eight types,
// missing values, a legacy policy that approves most of them, and outcomes that take half a year to be known and exist
// for approved applicants only; and what a credit bureau and a history of payments tell of the same persons. The same seed gives the same rows; a later
// day only adds to them.
package simulate

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
)

// MaturityDays is how long after the application an outcome is final.
const MaturityDays = 180

// Entity and Label are the columns that join the tables and that say what happened.
const (
	Entity = "application_id"
	Label  = "defaulted"
)

// Generate returns what was known on asOf (zero: cfg.To) of the population that cfg describes:
//
//   - applications: one row per application for cfg.Product dated at most asOf, in order of time;
//   - outcomes: application_id, outcome_date and defaulted ("1", "0") of approved applications, a default from the day it
//     happened, a good end from maturity on;
//   - protected: application_id, gender and age_band, a feed of its own.
func Generate(cfg pipeline.Simulate, asOf time.Time) (applications, outcomes, protected dataset.Table) {
	if asOf.IsZero() {
		asOf = cfg.To.Time
	}
	known := dataset.Day(asOf)
	if cfg.Product == pipeline.Card {
		return cards(cfg, known)
	}
	return loans(cfg, known)
}

// loans are the applications for loans.
func loans(cfg pipeline.Simulate, known float64) (applications, outcomes, protected dataset.Table) {
	a, o, p, lineup, first := applicationColumns(), outcomeColumns("outcome_date"), protectedColumns(), newLineup(cfg.Seed), dataset.Day(cfg.From.Time)
	for i := range cfg.Rows {
		day := dayOf(cfg, i)
		if day > known {
			break
		}
		row := drawLoan(cfg.Seed, i, (day-first)/365)
		key, _ := lineup.loan(i, day, row)
		a.add(id(i), applicantID(key), day, row)
		p.add(id(i), &row.who)
		o.end(id(i), day, known, row.ending)
	}
	return a.table(), o.table(), p.table()
}

// cards are the applications for limits of cards.
func cards(cfg pipeline.Simulate, known float64) (applications, outcomes, protected dataset.Table) {
	a, o, p, people := cardColumns(), outcomeColumns("outcome_date"), protectedColumns(), populationOf(cfg)
	for i := range cfg.Rows {
		if people.day(i) > known {
			break
		}
		row, of := people.nextCard()
		who := people.people[of.key]
		a.add(cardID(i), applicantID(of.key), of.day, row)
		p.add(cardID(i), &who)
		o.end(cardID(i), of.day, known, row.ending)
	}
	return a.table(), o.table(), p.table()
}

// populationOf is the population that cfg describes. It goes on after the last day, as it was.
func populationOf(cfg pipeline.Simulate) *population {
	first, last := dataset.Day(cfg.From.Time), dataset.Day(cfg.To.Time)
	return newPopulation(cfg.Seed, first, float64(cfg.Rows)/(last-first+1), func(number int) float64 { return dayOf(cfg, number) },
		func(number int, day float64) applicant { return drawLoan(cfg.Seed, number, (day-first)/365) })
}

// dayOf is the day of an application.
func dayOf(cfg pipeline.Simulate, number int) float64 {
	first, last := dataset.Day(cfg.From.Time), dataset.Day(cfg.To.Time)
	return first + math.Floor(float64(number)*(last-first+1)/float64(cfg.Rows))
}

// drawLoan is an application for a loan. A generator of its own for each keeps them as they are when others are added.
func drawLoan(seed uint64, number int, years float64) applicant {
	return draw(rand.New(rand.NewPCG(seed, uint64(number))), years) //nolint:gosec // no number is negative
}

// Flat returns the three tables as one, as a lender would export them: missing labels where the outcome is not known.
func Flat(cfg pipeline.Simulate, asOf time.Time) dataset.Table {
	applications, outcomes, protected := Generate(cfg, asOf)
	return applications.Join(protected, Entity).Join(outcomes, Entity)
}
