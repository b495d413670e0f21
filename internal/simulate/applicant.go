package simulate

import (
	"math"
	"math/rand/v2"
)

// applicant is one application for a loan, and what became of the loan.
type applicant struct {
	who                                   person
	institution, institutionType          string
	purpose, employment, homeOwnership    string
	income, employmentYears, amount, term float64 // NaN: not stated
	debtToIncome, history, delinquencies  float64
	utilisation, inquiries                float64
	ending

	luck    float64 // from 0 to 1: it defaults where this is below the probability
	further float64 // a value that only a drill writes
	wrong   bool    // what a drill says of the outcome in place of defaulted
}

// ending is what becomes of an application.
type ending struct {
	approved, defaulted bool
	daysToDefault       int
}

// choice is one value and its share of the population.
type choice struct {
	value string
	share float64
}

var (
	institutionTypes = []choice{
		{"bank", 0.34}, {"credit_union", 0.18}, {"savings_and_loan", 0.1}, {"mortgage_company", 0.14},
		{"insurance_company", 0.07}, {"investment_bank", 0.05}, {"investment_company", 0.05}, {"brokerage", 0.07},
	}
	purposes = []choice{
		{"debt_consolidation", 0.4}, {"home_improvement", 0.18}, {"car", 0.18}, {"business", 0.09}, {"education", 0.07}, {"medical", 0.08},
	}
	employments = []choice{{"salaried", 0.66}, {"self_employed", 0.14}, {"contract", 0.1}, {"retired", 0.06}, {"unemployed", 0.04}}
	homes       = []choice{{"own", 0.16}, {"mortgage", 0.42}, {"rent", 0.38}, {"other", 0.04}}
	ageBands    = []choice{{"18-29", 0.24}, {"30-44", 0.36}, {"45-59", 0.26}, {"60+", 0.14}}
	genders     = []choice{{"female", 0.49}, {"male", 0.5}, {"other", 0.01}}
	terms       = []float64{12, 24, 36, 48, 60}
)

// mix is who applies, and for what.
type mix struct {
	institutionTypes, purposes []choice
}

var usual = mix{institutionTypes, purposes}

func pick(r *rand.Rand, choices []choice) string {
	u := r.Float64()
	for _, c := range choices {
		if u -= c.share; u < 0 {
			return c.value
		}
	}
	return choices[len(choices)-1].value
}

// draw makes one applicant. years since the population began moves it mildly: incomes rise, credit gets tighter.
//
// The coefficients are the author's, chosen for signs that lenders know (more income, fewer delinquencies and a longer
// history lower the risk) and so that a logistic regression reaches an AUC of 0.75 to 0.80. They describe nobody.
func draw(r *rand.Rand, years float64) applicant {
	a := describe(r, years, usual)
	risk := a.risk(years)
	a.live(r, risk, risk)
	return a
}

// describe draws what an applicant is.
func describe(r *rand.Rand, years float64, of mix) applicant {
	var a applicant
	a.institutionType = pick(r, of.institutionTypes)
	a.institution = a.institutionType + "-" + string(rune('1'+r.IntN(3)))
	a.purpose, a.employment, a.homeOwnership = pick(r, of.purposes), pick(r, employments), pick(r, homes)
	a.who.ageBand, a.who.gender = pick(r, ageBands), pick(r, genders)

	base := map[string]float64{"salaried": 10.95, "self_employed": 10.9, "contract": 10.7, "retired": 10.45, "unemployed": 9.9}[a.employment]
	a.income = math.Round(math.Exp(base + 0.03*years + 0.5*r.NormFloat64()))
	a.history = math.Round(10*math.Min(45, math.Abs(r.NormFloat64()*6)+map[string]float64{"18-29": 2, "30-44": 7, "45-59": 13, "60+": 19}[a.who.ageBand])) / 10
	a.employmentYears = math.Round(math.Min(40, a.history*r.Float64()*1.1))
	if a.employment == "unemployed" {
		a.employmentYears = 0
	}
	a.amount = math.Round(math.Max(500, math.Min(400_000, a.income*math.Exp(-1.4+0.6*r.NormFloat64())))/100) * 100
	a.term = terms[r.IntN(len(terms))]
	a.who.hardship = r.NormFloat64()
	a.utilisation = math.Round(1000/(1+math.Exp(0.4-0.8*a.who.hardship-0.7*r.NormFloat64()-0.04*years))) / 1000
	a.delinquencies = float64(poisson(r, math.Exp(-1.5+0.65*a.who.hardship)))
	a.inquiries = float64(poisson(r, math.Exp(-0.4+0.3*a.who.hardship)))
	a.debtToIncome = math.Round(1000*math.Min(3, math.Exp(-1.2+0.35*a.who.hardship+0.4*r.NormFloat64()))) / 1000
	a.who.employment, a.who.income, a.who.history = a.employment, a.income, a.history
	return a
}

// risk is the log-odds of a default.
func (a *applicant) risk(years float64) float64 {
	risk := -2.1 + 0.75*a.delinquencies + 2.2*(a.utilisation-0.4) + 1.6*(a.debtToIncome-0.35) + 0.22*a.inquiries -
		0.75*(math.Log(a.income)-10.9) + 0.55*(math.Log(a.amount/a.income)+1.4) - 0.035*(a.history-10) -
		0.02*a.employmentYears + 0.008*(a.term-36) + 0.3*a.who.hardship + 0.05*years
	risk += map[string]float64{"unemployed": 0.8, "contract": 0.25, "self_employed": 0.2, gig: 0.4}[a.employment]
	risk += map[string]float64{"rent": 0.25, "own": -0.2, "other": 0.2}[a.homeOwnership]
	risk += map[string]float64{"business": 0.35, "medical": 0.2, "car": -0.2}[a.purpose]
	risk += map[string]float64{"credit_union": -0.15, "brokerage": 0.15}[a.institutionType]
	return risk
}

// live draws what became of an applicant, of whose risk a lender sees something, and what is not stated.
func (a *applicant) live(r *rand.Rand, seen, risk float64) {
	// The legacy policy sees the risk dimly, so outcomes are selected but not for the best only.
	a.approved = seen+0.9*r.NormFloat64() < -0.35
	a.luck = r.Float64()
	a.defaulted = a.luck < probability(risk)
	a.daysToDefault = 30 + r.IntN(MaturityDays-30)
	a.hide(r)
}

// hide takes values away: some at random, some because of what they would have been.
func (a *applicant) hide(r *rand.Rand) {
	if u := r.Float64(); u < 0.03 || (a.employment == "self_employed" && u < 0.15) {
		a.income = math.NaN()
	}
	if r.Float64() < 0.06 {
		a.employmentYears = math.NaN()
	}
	if u := r.Float64(); u < 0.03 || (a.debtToIncome > 0.8 && u < 0.15) {
		a.debtToIncome = math.NaN()
	}
	if u := r.Float64(); u < 0.02 || (a.history < 3 && u < 0.2) {
		a.utilisation = math.NaN()
	}
}

// probability is that of log-odds.
func probability(logOdds float64) float64 { return 1 / (1 + math.Exp(-logOdds)) }

// poisson draws by counting uniform products (Knuth): the means here are small.
func poisson(r *rand.Rand, mean float64) int {
	limit, product := math.Exp(-math.Min(mean, 20)), r.Float64()
	n := 0
	for product > limit && n < 20 {
		product *= r.Float64()
		n++
	}
	return n
}
