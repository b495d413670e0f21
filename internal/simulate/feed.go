package simulate

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// Applicant is the column that says who applies, and of whom feeds speak.
const Applicant = "applicant_id"

// The feeds about applicants. Both products have the same ones: those of the same rows, seed and days.
const (
	// Bureau is what a credit bureau reports: about every 110 days, from 90 to 400 days before a person's first application on until 200 days after
	// the last one. Its columns are applicant_id, reported_at, received_at, bureau_score, open_accounts, delinquent_accounts, balance, credit_limit and
	// agency. A report is received within two days; 6 % of them 5 to 40 days late, 3 % wrong, which a later row with the same reported_at corrects
	// 3 to 60 days after, and 2 % of the rows come twice. A balance is missing in 2 %.
	Bureau = "bureau"
	// Payments are what persons pay for what they have already, where they have something (10 %): monthly, from 60 to 400 days before an application on
	// until 150 days after it. The columns are payment_id, applicant_id, due_at, recorded_at, amount, late, days_late and channel. A payment is recorded
	// within two days after it was made; 5 % of them 4 to 30 days later than that, 2 % wrong, which a later row with the same payment_id and due_at
	// corrects 2 to 45 days after, and 1 % of the rows come twice.
	Payments = "payments"
)

// Feeds are all of them.
var Feeds = []string{Bureau, Payments}

// knownColumn is the column of a feed with the instants at which its rows were known.
var knownColumn = map[string]string{Bureau: "received_at", Payments: "recorded_at"}

// maxFedRows is of how many applications of each product there may be feeds: they have about seven rows for each.
const maxFedRows = 2_000_000

// Feed is what was known on asOf (zero: cfg.To) of the feed of a name about the applicants of cfg, for whatever product, in the order in which it came.
//
// It begins before cfg.From, and speaks of persons who will apply. What it says of a person before an application follows from the hidden risk that all
// of the person's applications share, from defaults that were there by then, and from chance; it knows nothing of what becomes of the application.
func Feed(name string, cfg pipeline.Simulate, asOf time.Time) (dataset.Table, error) {
	if cfg.Rows > maxFedRows {
		return dataset.Table{}, fault.New(fault.Invalid, "feed %s of %d applications; at most %d are wanted", name, cfg.Rows, maxFedRows)
	}
	if asOf.IsZero() {
		asOf = cfg.To.Time
	}
	return feeds{populationOf(cfg), dataset.Day(cfg.From.Time), dataset.Day(asOf)}.of(name)
}

// feeds are about the persons of a population.
type feeds struct {
	*population
	first, known float64
}

// aheadDays is how long before an application feeds may speak of a person.
const aheadDays = 400

// of is the feed of a name; fault.Invalid lists them for one that is none.
func (f feeds) of(name string) (dataset.Table, error) {
	switch name {
	case Bureau:
		return f.bureau(f.histories(f.known + aheadDays)), nil
	case Payments:
		return f.payments(f.histories(f.known + aheadDays)), nil
	}
	return dataset.Table{}, fault.New(fault.Invalid, "feed %q is not known; known are %s", name, strings.Join(Feeds, ", "))
}

const secondsOfDay = 24 * 60 * 60

// arrival says how the rows of a feed come.
type arrival struct {
	late, wrong, twice float64 // shares
	lateDays           [2]float64
	correctedDays      [2]float64
}

// coming is one row on its way: of the thing of a number, true at an instant and known at another one, in seconds.
type coming struct {
	of        int
	at, known int64
	wrong     bool // what it says is corrected later
}

// receive appends what comes of a thing, in so far as it is there by the end of the last day: once, or wrong and then right, and any of it maybe twice.
// honest is when it is known where nothing is late.
func (f feeds) receive(rows []coming, r *rand.Rand, how *arrival, of int, at, honest int64) []coming {
	u, late, corrected := r.Float64(), between(r, how.lateDays), between(r, how.correctedDays)
	row := coming{of: of, at: at, known: honest}
	if u < how.late {
		row.known += late
	}
	row.wrong = u >= how.late && u < how.late+how.wrong
	all := []coming{row}
	if row.wrong {
		all = append(all, coming{of: of, at: at, known: row.known + corrected})
	}
	for _, row := range all {
		again := r.Float64() < how.twice
		if row.known >= int64(f.known+1)*secondsOfDay {
			continue
		}
		if rows = append(rows, row); again {
			rows = append(rows, row)
		}
	}
	return rows
}

// between is a length of time between so many days, in seconds.
func between(r *rand.Rand, days [2]float64) int64 {
	return int64((days[0] + (days[1]-days[0])*r.Float64()) * secondsOfDay)
}

// inOrder puts rows in the order in which they came.
func inOrder(rows []coming) {
	slices.SortFunc(rows, func(a, b coming) int { return cmp.Or(cmp.Compare(a.known, b.known), cmp.Compare(a.of, b.of)) })
}

func cents(x float64) float64 { return math.Round(100*x) / 100 }
