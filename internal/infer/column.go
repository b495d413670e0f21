package infer

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/loanops/loanops/internal/dataset"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/profile"
)

// Column is what the values of one column say, and what becomes of it in the spec.
type Column struct {
	Name string              `json:"name"`
	Type pipeline.ColumnType `json:"type"`
	// Format is how dates or amounts are written: their formats, or an example that is no row's.
	Format string `json:"format"`
	// Domain are the values of a category that at least five rows have, the most frequent first; Rare is how many others there are.
	Domain []string `json:"domain"`
	Rare   int      `json:"rare"`
	// Min and Max are rounded outwards to two digits; null for what is no number.
	Min *float64 `json:"min"`
	Max *float64 `json:"max"`
	// Missing counts rows without a value, codes included; MissingShare is 0 to 1.
	Missing      int64   `json:"missing"`
	MissingShare float64 `json:"missing_share"`
	// Distinct is how many different texts there are; at least so many when DistinctMore.
	Distinct     int64 `json:"distinct"`
	DistinctMore bool  `json:"distinct_more"`
	// Unique: no value stands twice. Nil where nobody knows: there are no values, or DistinctMore and the column was not followed to its end.
	Unique       *bool `json:"unique"`
	SuggestedKey bool  `json:"suggested_key"`
	// Protected: the name looks like a prohibited basis, a usual proxy of one, or what identifies a person; see ProtectedReason.
	Protected       bool   `json:"protected"`
	ProtectedReason string `json:"protected_reason"`
	// Codes are values that look as if they said that there is none.
	Codes []string `json:"codes"`
	// Clean are the steps that the values need, in order.
	Clean []pipeline.CleanStep `json:"clean"`
	// Role is label, entity, time, protected, ignore or feature, and Why the reason for a role that is not feature.
	Role role   `json:"role"`
	Why  string `json:"why"`

	remarks []string // for a person, beside what the other fields say
	missing float64  // missing_max
}

const (
	// maxDomain is how many different values a category has at most, and leastMean in how many rows each is in the mean: else it is a text.
	maxDomain = 100
	leastMean = 5
)

// judge says what a column is.
func judge(name string, rows int64, t *tally) Column {
	c := Column{Name: name, Type: pipeline.Text, Domain: []string{}, Codes: []string{}, Clean: []pipeline.CleanStep{}, Missing: t.missing}
	switch {
	case t.values == 0 && t.category(&c):
	case t.values == 0:
	case t.fits&numberForm != 0 && (t.fits&familyForm(len(dateFamilies)-1) == 0 || !named(name, dateWords)):
		t.number(&c)
	case t.date(&c), t.timestamp(&c), t.amount(&c), t.truth(&c), t.category(&c):
	default:
		t.text(&c)
	}
	t.trim(&c)
	c.MissingShare = float64(c.Missing) / float64(rows)
	c.missing = pipeline.MissingMaxFor(c.MissingShare)
	c.distinct(t)
	if t.unreadable > 0 {
		c.remark("%d values are not UTF-8 or hold a NUL character", t.unreadable)
	}
	return c
}

// distinct says how many values differ.
func (c *Column) distinct(t *tally) {
	c.Distinct, c.DistinctMore = int64(len(t.hashes)), t.more
	if t.more {
		c.Distinct = t.counted
	}
	repeated := t.repeated
	for word, times := range t.words {
		if !slices.Contains(c.Codes, word) {
			c.Distinct++
			repeated = repeated || times > 1
		}
	}
	if repeated || !t.more && c.Distinct > 0 {
		unique := !repeated
		c.Unique = &unique
	}
	if c.Unique == nil && t.more && t.maybeKey() {
		c.remark("whether a value stands twice is not known: it was not followed to its end")
	}
}

// unique says that it is known that no value stands twice.
func (c *Column) unique() bool { return c.Unique != nil && *c.Unique }

func (c *Column) remark(format string, args ...any) {
	c.remarks = append(c.remarks, fmt.Sprintf(format, args...))
}

// without makes the words missing that say so.
func (t *tally) without(c *Column, least said, further ...string) {
	words, rows := t.saidMissing(least)
	c.Missing += rows
	c.Codes = append(append(c.Codes, words...), further...)
	if len(c.Codes) > 0 {
		c.Clean = append(c.Clean, pipeline.CleanStep{Missing: &pipeline.Codes{
			Columns: []string{c.Name}, Codes: c.Codes, Reason: "looks as if there were no value",
		}})
	}
}

// number is a column of numbers: true and false, whole ones, or any.
func (t *tally) number(c *Column) {
	found, ends := t.extremes[0].codes(t.fits&integerForm != 0)
	var codes []string
	for _, code := range found {
		codes = append(codes, strconv.FormatFloat(code.Value, 'f', -1, 64))
		c.Missing += int64(code.Rows)
	}
	t.without(c, perhaps, codes...)
	switch {
	case t.truths(codes):
		c.Type = pipeline.Boolean
		return
	case t.fits&integerForm != 0:
		c.Type = pipeline.Integer
	default:
		c.Type = pipeline.Number
	}
	c.bound(ends)
	if n := len(t.texts) - len(codes) - len(t.words); c.Type == pipeline.Integer && !t.tooMany && n <= maxCodedCategory {
		c.remark("a category where these are codes")
	}
}

// maxCodedCategory is up to how many different whole numbers may be the codes of a category.
const maxCodedCategory = 10

// truths says that the numbers, codes aside, are 1 and 0.
func (t *tally) truths(codes []string) bool {
	if t.tooMany || t.fits&integerForm == 0 {
		return false
	}
	var zero, one bool
	for text := range t.texts {
		if missingWords[text] != notSaid {
			continue
		}
		x, _ := numbers.Clean(text)
		switch {
		case x.Number == 0:
			zero = true
		case x.Number == 1:
			one = true
		case !slices.Contains(codes, strconv.FormatFloat(x.Number, 'f', -1, 64)):
			return false
		}
	}
	return zero && one
}

// bound says between what the numbers lie, by the least and the greatest: a number that may be a person's is not told, but one beyond it. 0 stays, for
// it is where scales end and marks nobody; a bound below it would let codes such as -1 in.
func (c *Column) bound(ends []profile.Code) {
	if len(ends) == 0 {
		return
	}
	bound := func(end profile.Code, way float64) *float64 {
		x := dataset.Outwards(end.Value, way)
		if x == end.Value && x != 0 && end.Rows < dataset.LeastNamed {
			if x = dataset.Past(x, way); c.Type == pipeline.Integer {
				x = way * math.Ceil(way*x)
			}
		}
		return &x
	}
	c.Min, c.Max = bound(ends[0], -1), bound(ends[1], 1)
}

// date is a column of days, as a spec writes them or in formats of a family.
func (t *tally) date(c *Column) bool {
	if t.fits&isoForm != 0 {
		t.without(c, perhaps)
		c.Type, c.Format = pipeline.Day, "YYYY-MM-DD"
		return true
	}
	var formats []string
	for i, family := range dateFamilies {
		if t.fits&familyForm(i) == 0 {
			continue
		}
		if len(formats) > 0 {
			c.remark("%s fits as well: no day is above 12", family[0])
			break
		}
		for k := range family {
			if t.seen&dateReaders[i][k].form != 0 {
				formats = append(formats, family[k])
			}
		}
	}
	if len(formats) == 0 {
		return false
	}
	t.without(c, perhaps)
	c.Type, c.Format = pipeline.Day, strings.Join(formats, ", ")
	c.Clean = append(c.Clean, pipeline.CleanStep{Date: &pipeline.DateIn{Columns: []string{c.Name}, Formats: formats}})
	if strings.Contains(c.Format, "YY") && !strings.Contains(c.Format, "YYYY") {
		c.remark("YY is 1970 to 2069 unless the step has a pivot")
	}
	return true
}

func (t *tally) timestamp(c *Column) bool {
	if t.fits&timestampForm == 0 {
		return false
	}
	t.without(c, perhaps)
	c.Type = pipeline.Timestamp
	return true
}

// amount is a column of amounts of money or of numbers that are written otherwise than with a point.
func (t *tally) amount(c *Column) bool {
	currency, one := t.currency()
	for i, separators := range amounts {
		if !one || t.fits&amountForm(i) == 0 {
			continue
		}
		t.without(c, perhaps)
		c.Type = pipeline.Number
		if currency != "" && currency != "%" && t.fits&decimalForm(i) != 0 {
			c.Type = pipeline.Decimal
		}
		step := pipeline.Amount{Columns: []string{c.Name}, Currency: currency, Thousands: separators[0], Decimal: separators[1]}
		c.Format = currency + "1" + separators[0] + "234" + separators[1] + "50"
		if step.Thousands == "," {
			step.Thousands = ""
		}
		if step.Decimal == "." {
			step.Decimal = ""
		}
		c.Clean = append(c.Clean, pipeline.CleanStep{Amount: &step})
		c.bound(t.extremes[1+i].ends())
		return true
	}
	return false
}

// truthWords are pairs of words that mean true and false.
var truthWords = [...][2]string{{"yes", "no"}, {"y", "n"}, {"true", "false"}, {"t", "f"}}

// truth is a column of one pair of such words, in any case.
func (t *tally) truth(c *Column) bool {
	if t.tooMany {
		return false
	}
	found := map[string]bool{}
	for text := range t.texts {
		if missingWords[text] == notSaid {
			found[strings.ToLower(text)] = true
		}
	}
	for _, pair := range truthWords {
		if len(found) == 2 && found[pair[0]] && found[pair[1]] {
			t.without(c, perhaps)
			c.Type = pipeline.Boolean
			return true
		}
	}
	return false
}

// category is a column of few texts that come again and again.
func (t *tally) category(c *Column) bool {
	values := t.categories(surely)
	var rows int64
	for _, times := range values {
		rows += times
	}
	if t.tooMany || len(values) == 0 || len(values) > maxDomain || rows < leastMean*int64(len(values)) {
		return false
	}
	t.without(c, surely)
	c.Type = pipeline.Category
	for _, value := range mostFrequent(values) {
		if values[value] >= dataset.LeastNamed {
			c.Domain = append(c.Domain, value)
		}
	}
	c.Rare = len(values) - len(c.Domain)
	return true
}

// categories counts the texts that are values where words of that sureness say that there is none.
func (t *tally) categories(least said) map[string]int64 {
	values := maps.Clone(t.texts)
	maps.DeleteFunc(values, func(text string, _ int64) bool { return missingWords[text] >= least })
	return values
}

// mostFrequent orders texts by how often they come, then by themselves.
func mostFrequent(values map[string]int64) []string {
	return slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		if values[a] != values[b] {
			return int(values[b] - values[a])
		}
		return strings.Compare(a, b)
	})
}

// text is a column of anything else. A time without a zone is one, which a person can amend at its source.
func (t *tally) text(c *Column) {
	t.without(c, surely)
	if t.fits&localForm != 0 {
		c.remark("times without a zone; with one they would be timestamps")
	}
}

// trim puts the step before the others where white space stands that the type does not bear.
func (t *tally) trim(c *Column) {
	textual := c.Type == pipeline.Category || c.Type == pipeline.Text
	if t.spread || t.spaced && textual {
		c.Clean = slices.Insert(c.Clean, 0, pipeline.CleanStep{Trim: &pipeline.Trim{Columns: []string{c.Name}}})
	}
}
