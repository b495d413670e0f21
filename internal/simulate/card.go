package simulate

import (
	"math"
	"math/rand/v2"

	"github.com/loanops/loanops/internal/dataset"
)

// card is one application for the limit of a credit card, and what became of it.
type card struct {
	institution, institutionType           string
	cardType, channel, employment, housing string
	income, requested, existing, cardYears float64 // NaN: not stated
	housingCost, utilisation, missed       float64
	ending
}

var (
	cardTypes = []choice{{"classic", 0.52}, {"gold", 0.24}, {"platinum", 0.1}, {"secured", 0.08}, {"business", 0.06}}
	channels  = []choice{{"online", 0.55}, {"branch", 0.25}, {"partner", 0.14}, {"phone", 0.06}}
)

// drawCard makes an application of a person, whose hidden risk it shares with the person's other ones. The coefficients are the author's, as draw's are.
func drawCard(r *rand.Rand, who *person, years float64) card {
	var c card
	c.institutionType = pick(r, institutionTypes)
	c.institution = c.institutionType + "-" + string(rune('1'+r.IntN(3)))
	c.cardType, c.channel, c.employment, c.housing = pick(r, cardTypes), pick(r, channels), who.employment, pick(r, homes)
	c.income = math.Round(who.income * math.Exp(0.08*r.NormFloat64()))
	c.requested = math.Round(math.Max(300, math.Min(50_000, c.income*math.Exp(-2.3+0.55*r.NormFloat64())))/100) * 100
	c.existing = float64(poisson(r, math.Exp(0.3+0.15*who.hardship)))
	c.cardYears = math.Round(10*who.history*r.Float64()) / 10
	c.housingCost = math.Round(1000*math.Min(2, math.Exp(-1.25+0.25*who.hardship+0.3*r.NormFloat64()))) / 1000
	c.utilisation = math.Round(1000*probability(-0.4+0.8*who.hardship+0.7*r.NormFloat64()+0.04*years)) / 1000
	c.missed = float64(poisson(r, math.Exp(-1.5+0.65*who.hardship)))

	seen := -2.2 + 0.7*c.missed + 2.2*(c.utilisation-0.4) + 1.8*(c.housingCost-0.3) + 0.12*(c.existing-1.4) - 0.75*(math.Log(c.income)-10.9) +
		0.55*(math.Log(c.requested/c.income)+2.3) - 0.05*(c.cardYears-5) + 0.05*years
	seen += map[string]float64{"unemployed": 0.8, "contract": 0.25, "self_employed": 0.2}[c.employment]
	seen += map[string]float64{"secured": 0.4, "platinum": -0.2}[c.cardType]
	seen += map[string]float64{"partner": 0.3, "branch": -0.15}[c.channel]
	seen += map[string]float64{"credit_union": -0.15, "brokerage": 0.15}[c.institutionType]
	c.approved = seen+0.9*r.NormFloat64() < -0.35
	c.defaulted = r.Float64() < probability(seen+0.3*who.hardship+0.75*who.frailty)
	c.daysToDefault = 30 + r.IntN(MaturityDays-30)
	c.hide(r)
	return c
}

// hide takes values away, as applicant.hide does.
func (c *card) hide(r *rand.Rand) {
	if u := r.Float64(); u < 0.03 || (c.employment == "self_employed" && u < 0.15) {
		c.income = math.NaN()
	}
	if u := r.Float64(); u < 0.04 || (c.housing == "other" && u < 0.2) {
		c.housingCost = math.NaN()
	}
	if r.Float64() < 0.03 {
		c.utilisation = math.NaN()
	}
}

type cardRows struct{ columns }

func cardColumns() *cardRows {
	return &cardRows{columns{all: []dataset.Column{
		text(Entity), date("application_date"), text("institution"), text("institution_type"), text("card_type"), text("channel"), text("employment"),
		text("housing"), number("annual_income"), number("requested_limit"), number("existing_cards"), number("years_with_cards"),
		number("housing_cost_to_income"), number("card_utilisation"), number("missed_payments_12m"), text("approved"), text(Applicant),
	}}}
}

func (c *cardRows) add(id, of string, day float64, a card) {
	c.text(0, id)
	c.number(1, day)
	for i, value := range []string{a.institution, a.institutionType, a.cardType, a.channel, a.employment, a.housing} {
		c.text(2+i, value)
	}
	for i, value := range []float64{a.income, a.requested, a.existing, a.cardYears, a.housingCost, a.utilisation, a.missed} {
		c.number(8+i, value)
	}
	c.text(15, yesNo[a.approved])
	c.text(16, of)
}
