package simulate

import (
	"math"
	"math/rand/v2"
)

// incomeShock: incomes fall by 30 %, the amounts that people ask for do not. Who defaults is as it was, given what people are, so labels are not
// needed to see it: drift of annual_income and of the scores, more expected defaults, discrimination about as it was. A monitor alerts or retrains;
// an older version is no better.
var incomeShock = Drill{
	Name: "income-shock", Does: "incomes fall by 30 %",
	become: func(a *applicant, _ float64, _ *rand.Rand) { a.income = math.Round(0.7 * a.income) },
}

const (
	gig      = "gig" // no employment of the usual population
	gigShare = 0.15
)

// newCategory: of every hundred applicants 15 have an employment that nobody had before, and earn less. A monitor finds the unseen value and its
// share. Where a spec lets the schema grow by so many rows it retrains, else a person is asked.
var newCategory = Drill{
	Name: "new-category", Does: "15 % of applicants have a new employment, gig",
	become: func(a *applicant, _ float64, chance *rand.Rand) {
		if chance.Float64() < gigShare {
			a.employment, a.income = gig, math.Round(0.85*a.income)
		}
	},
}

// newColumn: files have a column that was not there, and nothing else changes. A monitor finds the column and no drift, and
// does what the spec says of a schema that grows.
var newColumn = Drill{
	Name: "new-column", Does: "files have a column more, account_age_months",
	column: "account_age_months",
	write: func(a *applicant, _ float64, chance *rand.Rand) {
		a.further = float64(1 + chance.IntN(int(12*a.history)+12))
	},
}

// unitChange: annual incomes are written as monthly ones, for all. All values are within their range; people and defaults are as they were. A monitor
// finds a drift of annual_income that no population explains, and asks: training on both units would mix them, and an older version is no better.
var unitChange = Drill{
	Name: "unit-change", Does: "annual_income holds the income of a month",
	write: func(a *applicant, _ float64, _ *rand.Rand) { a.income = math.Round(a.income / 12) },
}

// missingDays is how long it takes until the bureau is gone for all.
const missingDays = 30

// missingBureau: what a credit bureau tells goes missing for a share of applicants that grows to all of them within 30 days. A monitor finds the
// missing values (two of the columns are required, so that rows break a rule) and asks: a feed must be mended, not a model.
var missingBureau = Drill{
	Name: "missing-bureau", Does: "utilisation, delinquencies and credit history go missing, after 30 days for all",
	write: func(a *applicant, since float64, chance *rand.Rand) {
		if chance.Float64() < (since+1)/missingDays {
			a.utilisation, a.delinquencies, a.history = math.NaN(), math.NaN(), math.NaN()
		}
	},
}

// conceptChange: the same people apply, and others of them default. Neither features nor scores drift, and an estimate without labels sees nothing,
// which is its known limit. A monitor sees it when the first vintages mature: discrimination falls, of all versions alike, and it retrains.
var conceptChange = Drill{Name: "concept-change", Does: "the same people apply, and others of them default", risk: turned}

// turned is the log-odds of a default where what a bureau tells, and income, mean the opposite of what they did, at about the same share of defaults.
func turned(a *applicant, years float64) float64 {
	return a.risk(years) + 0.5 - 2*(2.2*(a.utilisation-0.4)+1.6*(a.debtToIncome-0.35)) - 1.5*0.75*a.delinquencies + 1.5*(math.Log(a.income)-10.9)
}

// badChampion: for 60 days outcomes are wrong. Those of the past are sent again on the first of these days, then all of them are put right. They are
// wrong as a system is that mixes up its columns: they follow from the features in another way. So a model that is trained in between passes its
// gates, on labels as wrong as those that it learnt from, even against a good champion; and becomes champion beside a good previous version. When the
// labels are right again, a monitor sees that the previous version is better on the same rows, beyond noise, and rolls back to it.
var badChampion = Drill{
	Name: "bad-champion", Does: "for 60 days outcomes are wrong, those sent before as well; then all are put right",
	wrongDays: 60,
}

// slowLeak: what is written as debt_to_income grows by 3 % a month and people do not change, as where a bureau counts more and more as debt. No
// month differs much from the one before; a monitor that compares with the time of training finds the column after some months, ranked by what it
// does to the score, and retrains.
var slowLeak = Drill{
	Name: "slow-leak", Does: "debt_to_income is written 3 % higher every month",
	write: func(a *applicant, since float64, _ *rand.Rand) {
		a.debtToIncome = math.Round(1000*a.debtToIncome*math.Pow(1.03, since/30)) / 1000
	},
}
