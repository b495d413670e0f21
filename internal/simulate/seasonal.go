package simulate

import (
	"math"
	"time"
)

// seasonal: who applies, for what, and how many, swings with the year: in spring more people improve homes and buy cars and more go to mortgage
// companies, in autumn debts are put together. It has always been so, also in the years of the reference, and who defaults is as ever. A monitor
// that compares a quarter with a whole year finds drift and should still say: nothing.
var seasonal = Drill{
	Name: "seasonal", Does: "purposes, institutions and volume swing with the year, as they always did",
	always: true,
	mix: func(day float64) mix {
		return mix{
			institutionTypes: swung(institutionTypes, day, map[string]float64{"mortgage_company": 0.4, "credit_union": -0.3, "savings_and_loan": 0.2}),
			purposes:         swung(purposes, day, map[string]float64{"home_improvement": 0.4, "car": 0.3, "debt_consolidation": -0.25, "education": -0.3}),
		}
	},
	volume: func(day float64, usual int) int { return int(math.Round(float64(usual) * (1 + 0.3*season(day)))) },
}

// season is 1 in early April, -1 in early October, the same on a day of any year.
func season(day float64) float64 {
	of := time.Unix(int64(day)*24*60*60, 0).UTC().YearDay() - 1
	return math.Sin(2 * math.Pi * float64(of) / 365)
}

// swung are choices whose shares are so much larger at the height of the season, and so much smaller half a year later.
func swung(choices []choice, day float64, by map[string]float64) []choice {
	out, sum := make([]choice, len(choices)), 0.0
	for i, c := range choices {
		out[i] = choice{c.value, c.share * (1 + by[c.value]*season(day))}
		sum += out[i].share
	}
	for i := range out {
		out[i].share /= sum
	}
	return out
}
