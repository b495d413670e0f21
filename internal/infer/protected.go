package infer

import (
	"slices"

	"github.com/loanops/loanops/internal/pipeline"
)

// protection is a reason for which a column must not train, and the names by which it is found.
type protection struct {
	reason  string
	phrases []string
	// unless one of these words is in the name: then it is of something else, such as the age of an account.
	unless []string
}

// things have an age, a colour or an origin without being persons.
var things = []string{
	"account", "accounts", "loan", "credit", "trade", "trades", "file", "vehicle", "car", "auto", "business", "company", "firm", "property", "building",
	"house", "asset", "collateral", "history", "oldest", "newest", "product", "employer", "bank", "page", "user",
}

// prohibited are the bases of discrimination that lenders may not use: 12 CFR 1002.2(z) (Regulation B, the Equal Credit Opportunity Act):
// https://www.ecfr.gov/current/title-12/section-1002.2#p-1002.2(z). Age may be used in ways that 12 CFR 1002.6(b)(2) allows, which is for a
// person to decide.
var prohibited = []protection{
	{"sex", []string{"sex", "gender", "male", "female", "is male", "is female", "pregnant", "pregnancy", "maternity"}, nil},
	{"race or colour", []string{"race", "racial", "ethnic", "ethnicity", "afam", "hispanic", "latino", "latina", "minority", "african american", "skin color", "skin colour"}, nil},
	{"religion", []string{"religion", "religious", "creed", "faith", "church"}, nil},
	{"national origin", []string{"nationality", "national origin", "citizenship", "citizen", "foreign", "foreigner", "immigrant", "immigration", "birthplace", "place of birth", "country of birth", "birth country", "native language", "mother tongue", "language"}, things},
	{"marital status", []string{"marital", "marriage", "married", "spouse", "divorced", "widow", "widowed", "civil status"}, nil},
	{"age", []string{"age", "ages", "birth", "birthday", "birthdate", "dob", "yob", "birth year", "year of birth", "born", "elderly"}, things},
	{"income from public assistance", []string{"public assistance", "welfare", "food stamps", "snap benefits", "social benefits"}, nil},
}

// proxies are what stands for a prohibited basis where people live apart, see 12 CFR 1002, Supplement I, paragraph 6(a)-2 (the effects test):
// https://www.ecfr.gov/current/title-12/part-1002/appendix-Supplement%20I%20to%20Part%201002.
var proxies = []protection{
	{"a place, which may stand for race or national origin", []string{
		"zip", "zipcode", "zip code", "postcode", "post code", "postal", "postal code", "plz", "census", "tract", "census tract", "neighborhood", "neighbourhood",
		"county", "borough", "latitude", "longitude", "lat", "lon", "lng",
	}, nil},
}

// identifying is what names or reaches a person. A category of few values does neither: whether somebody has a telephone is no number.
var identifying = []protection{
	{"a person's name, which may stand for sex or national origin", []string{"name", "surname", "lastname", "firstname", "forename", "maiden"},
		[]string{
			"product", "branch", "dealer", "merchant", "campaign", "plan", "state", "city", "column", "file", "account", "employer", "bank", "company", "firm", "business", "lender",
		}},
	{"an address", []string{"address", "addr", "street", "email", "e mail", "mail", "ip", "url"}, nil},
	{"a telephone number", []string{"phone", "telephone", "mobile", "cell", "fax"}, nil},
	{"a number that names a person", []string{
		"ssn", "social security", "sin", "passport", "national id", "tax id", "tin", "itin", "nino", "licence", "license", "driver", "iban", "pan", "aadhaar", "device",
	}, nil},
}

// protect marks a column by its name.
func (c *Column) protect() {
	words := wordsOf(c.Name)
	few := c.Type == pipeline.Boolean || c.Type == pipeline.Category
	for _, kind := range []struct {
		among   []protection
		role    role
		applies bool
	}{{prohibited, protected, true}, {proxies, ignored, true}, {identifying, ignored, !few}} {
		for _, p := range kind.among {
			alone := p.reason == "marital status" && slices.Equal(words, []string{"single"}) // else a single payment
			if kind.applies && (alone || says(words, p.phrases) && !says(words, p.unless)) {
				c.Protected, c.ProtectedReason = true, p.reason
				c.Role, c.Why = kind.role, p.reason
				return
			}
		}
	}
}
