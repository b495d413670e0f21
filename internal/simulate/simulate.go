// Package simulate makes a population of loan applicants that never lived: dated applications to institutions of eight types,
// missing values, a legacy policy that approves most of them, and outcomes that take half a year to be known and exist
// for approved applicants only. The same seed gives the same rows; a later day only adds to them.
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
//   - applications: one row per application dated at most asOf, in order of time;
//   - outcomes: application_id, outcome_date and defaulted ("1", "0") of approved applications, a default from the day it
//     happened, a good end from maturity on;
//   - protected: application_id, gender and age_band, a feed of its own.
func Generate(cfg pipeline.Simulate, asOf time.Time) (applications, outcomes, protected dataset.Table) {
	if asOf.IsZero() {
		asOf = cfg.To.Time
	}
	first, last := dataset.Day(cfg.From.Time), dataset.Day(cfg.To.Time)
	known := dataset.Day(asOf)
	a, o, p := applicationColumns(), outcomeColumns("outcome_date"), protectedColumns()
	for i := range cfg.Rows {
		day := first + math.Floor(float64(i)*(last-first+1)/float64(cfg.Rows))
		if day > known {
			break
		}
		// A generator of its own for each row keeps rows as they are when others are added.
		row := draw(rand.New(rand.NewPCG(cfg.Seed, uint64(i))), (day-first)/365)
		a.add(id(i), day, row)
		p.add(id(i), row)
		if !row.approved {
			continue
		}
		outcomeDay := day + MaturityDays
		if row.defaulted {
			outcomeDay = day + float64(row.daysToDefault)
		}
		if outcomeDay <= known {
			o.add(id(i), outcomeDay, row.defaulted)
		}
	}
	return a.table(), o.table(), p.table()
}

// Flat returns the three tables as one, as a lender would export them: missing labels where the outcome is not known.
func Flat(cfg pipeline.Simulate, asOf time.Time) dataset.Table {
	applications, outcomes, protected := Generate(cfg, asOf)
	return applications.Join(protected, Entity).Join(outcomes, Entity)
}
