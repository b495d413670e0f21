package simulate

import (
	"fmt"
	"math"
	"time"

	"github.com/loanops/loanops/internal/dataset"
)

const (
	payingShare = 0.1 // of persons have something to pay already
	paidDays    = 150 // after an application, for how long their payments go on
)

var paymentArrival = arrival{late: 0.05, wrong: 0.02, twice: 0.01, lateDays: [2]float64{4, 30}, correctedDays: [2]float64{2, 45}}

// paymentRow is what is recorded of a payment.
type paymentRow struct {
	of               string
	key, month       int
	amount, daysLate float64
	channel          string
}

var payingChannels = []choice{{"direct_debit", 0.55}, {"transfer", 0.3}, {"card", 0.1}, {"cash", 0.05}}

// payments makes the payments of everybody who has something to pay.
func (f feeds) payments(people []history) dataset.Table {
	var rows []coming
	var paid []paymentRow
	begin := dataset.DayOf(f.first - aheadDays)
	for i := range people {
		h := &people[i]
		own := chance(f.seed, forPayments, uint64(h.key))
		if own.Float64() >= payingShare {
			continue
		}
		lead, due := 60+own.Float64()*(aheadDays-60), 1+own.IntN(28)
		installment, usually := cents(h.income*math.Exp(-4.6+0.5*own.NormFloat64())), pick(own, payingChannels)
		lasting, id := own.NormFloat64(), applicantID(h.key)
		for month := 0; ; month++ {
			at := time.Date(begin.Year(), begin.Month()+time.Month(month), due, 0, 0, 0, 0, time.UTC)
			day := dataset.Day(at)
			if day > f.known {
				break
			}
			if !h.near(day, lead, paidDays) {
				continue
			}
			r := chance(f.seed, forPayment, uint64(h.key)<<16|uint64(month)) //nolint:gosec // neither is negative
			payment := paymentRow{of: id, key: h.key, month: month, amount: installment, channel: usually}
			if r.Float64() < 0.12 {
				payment.channel = pick(r, payingChannels)
			}
			late := probability(-2.5 + 0.5*h.hardship + 0.8*h.frailty + 0.4*lasting)
			if h.defaults(day) > 0 {
				late = 0.9
			}
			if r.Float64() < late {
				payment.daysLate = min(1+math.Floor(12*r.ExpFloat64()), 90)
				if r.Float64() < 0.25 { // and not all of it
					payment.amount = cents(installment * (0.3 + 0.6*r.Float64()))
				}
			}
			paid = append(paid, payment)
			before := len(rows)
			made := at.Unix() + int64(payment.daysLate)*secondsOfDay
			rows = f.receive(rows, r, &paymentArrival, len(paid)-1, at.Unix(), made+60*60+int64(r.Float64()*46*60*60))
			if len(rows) > before && rows[before].wrong {
				payment.amount, payment.daysLate = cents(payment.amount*(0.5+0.4*r.Float64())), payment.daysLate+3 // booked as less and later than it was
				paid = append(paid, payment)
				for j := before; j < len(rows) && rows[j].wrong; j++ {
					rows[j].of = len(paid) - 1
				}
			}
		}
	}
	inOrder(rows)
	c := columns{all: []dataset.Column{
		text("payment_id"), text(Applicant), timestamp("due_at"), timestamp("recorded_at"), decimal("amount"), boolean("late"), integer("days_late"), text("channel"),
	}}
	for _, row := range rows {
		of := &paid[row.of]
		c.text(0, fmt.Sprintf("Y%08d-%03d", of.key+1, of.month+1))
		c.text(1, of.of)
		c.number(2, float64(row.at)*1e6)
		c.number(3, float64(row.known)*1e6)
		c.number(4, of.amount)
		c.number(5, map[bool]float64{true: 1}[of.daysLate > 0])
		c.number(6, of.daysLate)
		c.text(7, of.channel)
	}
	return c.table()
}
