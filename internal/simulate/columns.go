package simulate

import "github.com/loanops/loanops/internal/dataset"

// columns collects rows of one table.
type columns struct {
	all []dataset.Column
}

func (c *columns) text(i int, value string) {
	c.all[i].Texts = append(c.all[i].Texts, value)
	c.all[i].Valid = append(c.all[i].Valid, true)
}

func (c *columns) number(i int, value float64) { c.all[i].Floats = append(c.all[i].Floats, value) }

func (c *columns) table() dataset.Table { return dataset.Table{Columns: c.all} }

func text(name string) dataset.Column   { return dataset.Column{Name: name, Kind: dataset.Text} }
func number(name string) dataset.Column { return dataset.Column{Name: name, Kind: dataset.Float} }
func date(name string) dataset.Column   { return dataset.Column{Name: name, Kind: dataset.Date} }

func integer(name string) dataset.Column { return dataset.Column{Name: name, Kind: dataset.Integer} }
func boolean(name string) dataset.Column { return dataset.Column{Name: name, Kind: dataset.Boolean} }
func decimal(name string) dataset.Column { return dataset.Column{Name: name, Kind: dataset.Decimal} }
func timestamp(name string) dataset.Column {
	return dataset.Column{Name: name, Kind: dataset.Timestamp}
}

var yesNo = map[bool]string{true: "yes", false: "no"}

type applicationRows struct{ columns }

func applicationColumns() *applicationRows {
	return &applicationRows{columns{all: []dataset.Column{
		text(Entity), date("application_date"), text("institution"), text("institution_type"), text("purpose"), text("employment"),
		text("home_ownership"), number("annual_income"), number("employment_years"), number("loan_amount"), number("term_months"),
		number("debt_to_income"), number("credit_history_years"), number("delinquencies_2y"), number("utilisation"), number("inquiries_6m"),
		text("approved"), text(Applicant),
	}}}
}

func (c *applicationRows) add(id, of string, day float64, a applicant) {
	c.text(0, id)
	c.number(1, day)
	for i, value := range []string{a.institution, a.institutionType, a.purpose, a.employment, a.homeOwnership} {
		c.text(2+i, value)
	}
	for i, value := range []float64{a.income, a.employmentYears, a.amount, a.term, a.debtToIncome, a.history, a.delinquencies, a.utilisation, a.inquiries} {
		c.number(7+i, value)
	}
	c.text(16, yesNo[a.approved])
	c.text(17, of)
}

type outcomeRows struct{ columns }

func outcomeColumns(dated string) *outcomeRows {
	return &outcomeRows{columns{all: []dataset.Column{text(Entity), date(dated), text(Label)}}}
}

func (c *outcomeRows) add(id string, day float64, defaulted bool) {
	c.text(0, id)
	c.number(1, day)
	c.text(2, map[bool]string{true: "1", false: "0"}[defaulted])
}

// end adds what became of an application, in so far as it is known on a day: a default when it happened, a good end when it is final.
func (c *outcomeRows) end(id string, day, known float64, of ending) {
	final := day + MaturityDays
	if of.defaulted {
		final = day + float64(of.daysToDefault)
	}
	if of.approved && final <= known {
		c.add(id, final, of.defaulted)
	}
}

type protectedRows struct{ columns }

func protectedColumns() *protectedRows {
	return &protectedRows{columns{all: []dataset.Column{text(Entity), text("gender"), text("age_band")}}}
}

func (c *protectedRows) add(id string, of *person) {
	c.text(0, id)
	c.text(1, of.gender)
	c.text(2, of.ageBand)
}
