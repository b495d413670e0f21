package infer

import (
	"math/bits"
	"strings"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/pipeline"
)

// form is a set of ways in which a text can be read: a bit for each.
type form uint64

const (
	numberForm form = 1 << iota
	integerForm
	timestampForm
	localForm // a timestamp without its zone
	isoForm
	firstAmount
)

// amounts are the separators of amounts, thousands and decimal; of those that fit the first counts.
var amounts = [...][2]string{{",", "."}, {".", ","}, {" ", ","}, {"\u00a0", ","}, {"'", "."}}

// amountForm: the text is an amount in the i-th way; decimalForm: it has at most four digits after the decimal separator as well.
func amountForm(i int) form  { return firstAmount << (2 * i) }
func decimalForm(i int) form { return firstAmount << (2*i + 1) }

const firstFamily = firstAmount << (2 * len(amounts))

// dateFamilies are formats that can stand beside each other in a column, since no text fits two of a family. Of the families that fit the first
// counts: where no day is above 12, the month is taken to stand first, and that is said.
var dateFamilies = [...][]string{
	{"M/D/YYYY", "M/D/YY"}, {"D/M/YYYY", "D/M/YY"}, {"YYYY/M/D"},
	{"M-D-YYYY", "M-D-YY"}, {"D-M-YYYY", "D-M-YY"}, {"YYYY-M-D"},
	{"D.M.YYYY", "D.M.YY"}, {"D-MMM-YYYY", "D-MMM-YY"}, {"D MMM YYYY", "D MMM YY"}, {"DMMMYYYY"}, {"MMM D, YYYY"}, {"MMM-D-YYYY"},
	{compactDate},
}

// compactDate has no separators: eight digits are a date only where the column's name says so.
const compactDate = "YYYYMMDD"

func familyForm(i int) form { return firstFamily << i }

const firstFormat = firstFamily << len(dateFamilies)

const everyForm = ^form(0)

// reader reads texts as values of one type.
type reader struct {
	form form
	*clean.Cleaner
}

// The readers of all forms, made once.
var (
	plainReaders  = [...]reader{{integerForm, cleaner(pipeline.Integer)}, {isoForm, cleaner(pipeline.Day)}}
	numbers       = cleaner(pipeline.Number)
	instants      = cleaner(pipeline.Timestamp)
	dateReaders   [len(dateFamilies)][]reader // each with its format's bit
	amountReaders [len(currencySigns)][len(amounts)]struct{ number, decimal *clean.Cleaner }
)

func init() {
	bit := firstFormat
	for i, family := range dateFamilies {
		for _, format := range family {
			step := pipeline.CleanStep{Date: &pipeline.DateIn{Columns: []string{"x"}, Formats: []string{format}}}
			dateReaders[i] = append(dateReaders[i], reader{bit, cleaner(pipeline.Day, step)})
			bit <<= 1
		}
	}
	for c, sign := range currencySigns {
		for i, separators := range amounts {
			step := pipeline.CleanStep{Amount: &pipeline.Amount{Columns: []string{"x"}, Currency: sign, Thousands: separators[0], Decimal: separators[1]}}
			amountReaders[c][i].number, amountReaders[c][i].decimal = cleaner(pipeline.Number, step), cleaner(pipeline.Decimal, step)
		}
	}
}

func cleaner(of pipeline.ColumnType, steps ...pipeline.CleanStep) *clean.Cleaner {
	c, err := clean.New(steps, "x", of)
	if err != nil {
		panic("infer: " + err.Error()) // the steps above are right
	}
	return c
}

// currencySigns are those that are looked for, none first.
var currencySigns = [...]string{"", "$", "€", "£", "¥", "₹", "R$", "A$", "C$", "US$", "CHF", "USD", "EUR", "GBP", "CAD", "AUD", "INR", "JPY", "kr", "zł", "%"}

// currencyIn is the index of the sign that stands beside the figures of an amount, -1 when what stands there is none.
func currencyIn(text string) int {
	sign := strings.Trim(text, "0123456789+-()., \t'\u00a0")
	for i, known := range currencySigns {
		if sign == known {
			return i
		}
	}
	return -1
}

// reading is what one text can be read as.
type reading struct {
	fits       form
	currencies uint32
	// numbers are its values: as a number, and as an amount in each way.
	numbers [1 + len(amounts)]float64
}

// read reads a text in those of the forms that are asked for.
func (r *reading) read(text string, asked form) {
	if !strings.ContainsAny(text, "0123456789") {
		return
	}
	if asked&numberForm != 0 {
		if v, wrong := numbers.Clean(text); wrong == clean.None {
			r.fits |= numberForm
			r.numbers[0] = v.Number
		}
	}
	if asked&(timestampForm|localForm) != 0 {
		switch _, wrong := instants.Clean(text); wrong {
		case clean.None:
			r.fits |= timestampForm
		case clean.NoZone:
			r.fits |= localForm
		}
	}
	for i := range plainReaders {
		r.try(text, asked, &plainReaders[i])
	}
	for i := range dateReaders {
		if asked&familyForm(i) == 0 {
			continue
		}
		for k := range dateReaders[i] {
			if r.try(text, everyForm, &dateReaders[i][k]) {
				r.fits |= familyForm(i)
			}
		}
	}
	r.amounts(text, asked)
}

func (r *reading) try(text string, asked form, as *reader) bool {
	if asked&as.form == 0 {
		return false
	}
	_, wrong := as.Clean(text)
	if wrong == clean.None {
		r.fits |= as.form
	}
	return wrong == clean.None
}

func (r *reading) amounts(text string, asked form) {
	if asked&(firstFamily-firstAmount) == 0 {
		return
	}
	sign := currencyIn(text)
	if sign < 0 {
		return
	}
	for i := range amounts {
		if asked&amountForm(i) == 0 {
			continue
		}
		read := &amountReaders[sign][i]
		v, wrong := read.number.Clean(text)
		if wrong != clean.None || v.Missing {
			continue
		}
		r.fits |= amountForm(i)
		r.numbers[1+i] = v.Number
		if _, wrong := read.decimal.Clean(text); wrong == clean.None {
			r.fits |= decimalForm(i)
		}
	}
	if sign > 0 {
		r.currencies = 1 << sign
	}
}

// currency is the only sign that was seen; false where there are several, of which one column has no step.
func (t *tally) currency() (string, bool) {
	if bits.OnesCount32(t.currencies) > 1 {
		return "", false
	}
	if t.currencies == 0 {
		return "", true
	}
	return currencySigns[bits.TrailingZeros32(t.currencies)], true
}

// readable says that a text can be a value at all.
func readable(text string) bool {
	return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0
}
