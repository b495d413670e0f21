package simulate

import (
	"math"

	"github.com/loanops/loanops/internal/dataset"
)

const (
	reportDays = 110 // between two reports, give or take
	jitterDays = 25
	afterDays  = 200 // after an application, for how long reports go on
)

var bureauArrival = arrival{late: 0.06, wrong: 0.03, twice: 0.02, lateDays: [2]float64{5, 40}, correctedDays: [2]float64{3, 60}}

// reportRow is what a report says.
type reportRow struct {
	of                                     string
	score, open, delinquent, balance, most float64
	agency                                 string
}

var agencies = []choice{{"north", 0.45}, {"central", 0.35}, {"south", 0.2}}

// bureau makes the reports of everybody.
func (f feeds) bureau(people []history) dataset.Table {
	var rows []coming
	var reports []reportRow
	for i := range people {
		h := &people[i]
		own := chance(f.seed, forBureau, uint64(h.key))
		lead, begin := 90+own.Float64()*(aheadDays-90-jitterDays), f.first-aheadDays-reportDays*own.Float64()
		standing := reportRow{of: applicantID(h.key), open: 1 + float64(poisson(own, 2.2)), agency: pick(own, agencies)}
		lasting := own.NormFloat64()
		standing.most = 100 * math.Round(h.income*math.Exp(-1.3+0.4*own.NormFloat64())/100)
		for n := 0; ; n++ {
			r := chance(f.seed, forReport, uint64(h.key)<<16|uint64(n)) //nolint:gosec // neither is negative
			day := begin + reportDays*float64(n) + jitterDays*(r.Float64()-0.5)
			if day > f.known+1 {
				break
			}
			if !h.near(day, lead, afterDays) {
				continue
			}
			at := int64(day * secondsOfDay)
			report := standing
			bad := h.defaults(day)
			report.score = math.Round(min(max(690-28*h.hardship-42*h.frailty-25*lasting-18*r.NormFloat64()-90*bad, 300), 850))
			report.open += float64(poisson(r, 0.4))
			report.delinquent = bad + float64(poisson(r, math.Exp(-1.9+0.4*h.hardship+0.4*h.frailty)))
			if report.balance = cents(report.most * probability(-0.5+0.8*h.hardship+0.2*h.frailty+0.4*r.NormFloat64())); r.Float64() < 0.02 {
				report.balance = math.NaN()
			}
			reports = append(reports, report)
			before := len(rows)
			rows = f.receive(rows, r, &bureauArrival, len(reports)-1, at, at+2*secondsOfDay/24+int64(r.Float64()*46*60*60))
			if off := 20 + math.Round(60*r.Float64()); len(rows) > before && rows[before].wrong { // of the same standing until it is put right
				report.score, report.delinquent = max(report.score-off, 300), report.delinquent+1
				reports = append(reports, report)
				for j := before; j < len(rows) && rows[j].wrong; j++ {
					rows[j].of = len(reports) - 1
				}
			}
		}
	}
	inOrder(rows)
	c := columns{all: []dataset.Column{
		text(Applicant), timestamp("reported_at"), timestamp("received_at"), integer("bureau_score"), integer("open_accounts"), integer("delinquent_accounts"),
		decimal("balance"), decimal("credit_limit"), text("agency"),
	}}
	for _, row := range rows {
		of := &reports[row.of]
		c.text(0, of.of)
		c.number(1, float64(row.at)*1e6)
		c.number(2, float64(row.known)*1e6)
		for j, value := range []float64{of.score, of.open, of.delinquent, of.balance, of.most} {
			c.number(3+j, value)
		}
		c.text(8, of.agency)
	}
	return c.table()
}
